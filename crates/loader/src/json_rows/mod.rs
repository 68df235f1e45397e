//! Reading of JSON whose rows are not GeoJSON.
//!
//! [`outline`] searches the beginning of a document for rows with positions. A column of such rows
//! is the value at one path in each row, such as `pos.lat`. [`judgement`] and [`placing`] decide
//! which columns are the positions. [`row_scanner`] finds the rows while the document is read, and
//! [`row_parser`] makes points of the rows on all cores. Only column-wise JSON and TopoJSON are
//! held in memory as a whole ([`held_document`]).

mod axis_order;
mod columnar;
mod document_tail;
mod esri_reference;
mod held_document;
mod held_forms;
mod json_text;
mod judgement;
mod known_shapes;
mod outline;
mod path;
mod picker;
mod place_text;
mod placing;
mod readings;
mod row_columns;
mod row_parser;
mod row_plan;
mod row_scanner;
mod script_reader;
mod source;
mod text_points;
mod topojson;
mod unused_options;
mod wrapped;

pub(crate) use source::{recognises, source};
