//! Reading of positions in other forms than two columns of degrees: in another coordinate system,
//! with hemispheres in columns of their own, or in a single column.

use crate::batch::{Batch, Weight};
use crate::crs::{Crs, PlaceError};
use crate::encoding::decoded;
use crate::error::LoadError;
use crate::messages::shown;
use crate::number::format::NumberFormat;
use crate::places::{SkippedPlace, TextForm, TextPlaces};
use crate::position_text::angle::{self, AngleAxis, degrees_and_minutes};
use crate::position_text::shapes;
use crate::report::SkipReason;
use crate::shape::{PlaceOrFault, ShapeCollector};

/// A reader of the positions in a CSV file that are not simply two columns of degrees.
pub(super) struct PlaceReader {
    pub(super) form: PlaceForm,
    pub(super) crs: Crs,
    /// The EPSG number of the positions' coordinate system, which an option or a geometry states; 0
    /// if neither does.
    pub(super) srid: u32,
}

/// The form in which the rows of a text file hold their positions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PlaceForm {
    /// Two columns of numbers, one for each coordinate.
    Columns {
        /// The indexes of the columns of hemispheres, counted from 0: E or W for the longitude,
        /// then N or S for the latitude. `None` if there are no such columns.
        hemispheres: Option<[usize; 2]>,
        /// True if the last two digits before the decimal point are minutes of arc, as in
        /// `ddmm.mmmm`.
        minutes: bool,
    },
    /// One column of whole positions.
    Whole(TextForm),
}

/// The texts of a row that hold its position. If the position is in one column, `lon` and `lat` are
/// both the text in this column.
#[derive(Clone, Copy)]
pub(super) struct PlaceTexts<'a> {
    pub(super) lon: &'a [u8],
    pub(super) lat: &'a [u8],
    /// The row's fields for the hemispheres of its longitude and its latitude, such as `E` and `N`;
    /// empty if the file has no columns for them.
    pub(super) hemispheres: [&'a [u8]; 2],
}

impl PlaceReader {
    /// The text for reports that mentions what is special about positions: minutes, columns of
    /// hemispheres and the coordinate system. Empty if there are none of these.
    pub(super) fn why(&self) -> String {
        let mut why = match self.form {
            PlaceForm::Columns { minutes: true, .. } => {
                ", degrees and minutes as GPS units write them (ddmm.mmmm)".to_owned()
            }
            PlaceForm::Columns {
                hemispheres: Some(_),
                ..
            } => ", N or S and E or W in the columns behind them".to_owned(),
            _ => String::new(),
        };
        if self.srid != 0 {
            why.push_str(&format!(", coordinates of EPSG:{}", self.srid));
        }
        why
    }

    /// Reads a row's position, and adds its points to `batch`. If the row is skipped, the inner
    /// error is the reason and the value that caused it. `line` returns the number of the row's
    /// line, for a position of a MultiPoint that is skipped.
    ///
    /// # Errors
    /// [`LoadError::VagueDatum`] if a position can't be shifted to WGS 84 well enough.
    pub(super) fn read<'a>(
        &self,
        texts: PlaceTexts<'a>,
        numbers: NumberFormat,
        weight: Weight<'a>,
        (batch, file): (&mut Batch, &str),
        line: impl FnMut() -> u64,
    ) -> Result<Result<(), SkippedPlace>, LoadError> {
        match self.form {
            PlaceForm::Columns { minutes, .. } => match self.columns(texts, numbers, minutes) {
                Ok((x, y)) => self.add(x, y, weight, batch, file),
                Err(skipped) => Ok(Err(skipped)),
            },
            PlaceForm::Whole(form) => self.whole(texts.lat, form, weight, (batch, file), line),
        }
    }

    /// Reads a row's two coordinates, the longitude's first, from the fields of their columns.
    /// `minutes` is the field of that name in [`PlaceForm::Columns`]. The error is the reason why
    /// the row is skipped, and the value that caused it.
    fn columns(
        &self,
        texts: PlaceTexts<'_>,
        numbers: NumberFormat,
        minutes: bool,
    ) -> Result<(f64, f64), SkippedPlace> {
        let has_hemispheres = matches!(
            self.form,
            PlaceForm::Columns {
                hemispheres: Some(_),
                ..
            }
        );
        let [east, north] = texts.hemispheres;
        let coordinate = |what, field: &[u8], axis, sign| {
            let refused = |skip| (skip, format!("{what} {}", shown(field)));
            if field.trim_ascii().is_empty() {
                return Err(refused(SkipReason::NoPosition));
            }
            let sign = Some(sign).filter(|_| has_hemispheres);
            let found = self.coordinate(field, numbers, axis, minutes, sign);
            found.ok_or_else(|| refused(SkipReason::BadPosition))
        };
        let x = coordinate("longitude", texts.lon, AngleAxis::EastWest, east)?;
        let y = coordinate("latitude", texts.lat, AngleAxis::NorthSouth, north)?;
        Ok((x, y))
    }

    /// Adds the points of a text that holds whole positions to the batch. The results and errors
    /// are those of [`read`](Self::read).
    fn whole<'a>(
        &self,
        text: &[u8],
        form: TextForm,
        weight: Weight<'a>,
        (batch, file): (&mut Batch, &str),
        mut line: impl FnMut() -> u64,
    ) -> Result<Result<(), SkippedPlace>, LoadError> {
        let places: Vec<PlaceOrFault> = match form.places(text, self.srid) {
            Err(skipped) => return Ok(Err(skipped)),
            Ok(TextPlaces::Point(x, y)) => return self.add(x, y, weight, batch, file),
            Ok(TextPlaces::Points(all)) => all.into_iter().map(Ok).collect(),
            Ok(TextPlaces::Shape(name)) => {
                let read = |collector: &mut ShapeCollector<'_>| shapes::collect(text, collector);
                batch.places_of(&name, read)
            }
        };
        for place in places {
            let added = match place {
                Ok((x, y)) => self.add(x, y, weight, batch, file)?,
                Err(fault) => Err(fault),
            };
            if let Err((skip, found)) = added {
                batch.report.skip(skip, || (line(), found));
            }
        }
        Ok(Ok(()))
    }

    /// Reads the coordinate in `field`; `None` if the field holds none. `minutes` is the field of
    /// that name in [`PlaceForm::Columns`]. `sign` is the row's text in the column of the
    /// coordinate's hemisphere, such as `W`; `None` if there is no such column.
    fn coordinate(
        &self,
        field: &[u8],
        numbers: NumberFormat,
        axis: AngleAxis,
        minutes: bool,
        sign: Option<&[u8]>,
    ) -> Option<f64> {
        let size = match numbers.parse(field) {
            Some(number) if minutes => degrees_and_minutes(number)?,
            Some(number) => number,
            None if matches!(self.crs, Crs::LonLat) => {
                let angle = angle::parse(&decoded(field), numbers)?;
                if angle
                    .axis
                    .is_some_and(|stated| stated != axis || sign.is_some())
                {
                    return None;
                }
                angle.degrees
            }
            None => return None,
        };
        let Some(sign) = sign else {
            return Some(size);
        };
        let (of, sign) = angle::hemisphere(&decoded(sign))?;
        (of == axis && size >= 0.0).then_some(sign * size)
    }

    /// Transforms a position from the file's coordinate system to longitude and latitude, and adds
    /// its point to the batch. The results and errors are those of [`read`](Self::read).
    fn add<'a>(
        &self,
        x: f64,
        y: f64,
        weight: Weight<'a>,
        batch: &mut Batch,
        file: &str,
    ) -> Result<Result<(), SkippedPlace>, LoadError> {
        match self.crs.place(x, y) {
            Ok(place) => {
                batch.report.place_off_by(place.error);
                let kept = batch.keep_record(place.lon, place.lat, weight);
                Ok(kept.map_err(|refused| (refused.skip, refused.found())))
            }
            Err(PlaceError::Outside) => Ok(Err((SkipReason::BadPosition, format!("x {x}, y {y}")))),
            Err(PlaceError::Vague(vague)) => Err(self.crs.refusal(&vague, file)),
        }
    }
}
