//! The single place that decides which column of a source holds whole positions, both coordinates
//! in one value, and that reads them. All formats with named columns use it: delimited text, JSON,
//! Parquet, Arrow, SQLite and Excel.
//!
//! A *whole position* is a text: two numbers, a geometry, or the code of a small area of the world,
//! such as a geohash.

mod column;
mod text_form;

pub(crate) use column::{
    EXAMINED, PlaceColumn, PlaceColumnError, PlaceSample, is_place, is_wanted,
};
pub(crate) use text_form::{SkippedPlace, TextForm, TextPlaces, angles};
