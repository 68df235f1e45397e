//! Recognition of degrees that are not plain numbers in two columns: columns of hemispheres beside
//! them, or degrees and minutes as GPS units write them.

use super::places::PlaceForm;
use super::sample::SampleRows;
use crate::error::LoadError;
use crate::number::format::NumberFormat;
use crate::parameter::Parameter;
use crate::places::EXAMINED;
use crate::position_text::angle::{self, AngleAxis};

/// The form of positions in two columns of degrees: columns of hemispheres beside them, degrees and
/// minutes, or both. `None` if the two columns hold plain numbers of degrees.
pub(super) fn of_columns(
    rows: &SampleRows<'_>,
    [lon, lat]: [usize; 2],
    numbers: NumberFormat,
    file: &str,
) -> Result<Option<PlaceForm>, LoadError> {
    let hemispheres = hemispheres(rows, [lon, lat]);
    let minutes = minutes(rows, [lon, lat], numbers, file, hemispheres.is_some())?;
    let form = PlaceForm::Columns {
        hemispheres,
        minutes,
    };
    Ok((hemispheres.is_some() || minutes).then_some(form))
}

/// The indexes of the columns that state hemispheres, the longitude's first. `None` unless a column
/// of E and W follows directly after the longitudes, and one of N and S after the latitudes.
fn hemispheres(rows: &SampleRows<'_>, [lon, lat]: [usize; 2]) -> Option<[usize; 2]> {
    let (east, north) = (lon + 1, lat + 1);
    if east == lat || north == lon {
        return None;
    }
    let (mut easts, mut norths) = (false, false);
    for (_, record) in rows.records().take(EXAMINED) {
        for (at, field) in rows.dialect.fields(record, true).enumerate() {
            let axis = match at {
                _ if at == east => AngleAxis::EastWest,
                _ if at == north => AngleAxis::NorthSouth,
                _ => continue,
            };
            let text = rows.dialect.text(field);
            if text.trim_ascii().is_empty() {
                continue;
            }
            let text = std::str::from_utf8(&text).ok()?;
            let (of, _) = angle::hemisphere(text)?;
            if of != axis {
                return None;
            }
            match axis {
                AngleAxis::EastWest => easts = true,
                AngleAxis::NorthSouth => norths = true,
            }
        }
    }
    (easts && norths).then_some([east, north])
}

/// The absolute value, in degrees, from which a number can be neither a latitude nor a longitude.
const FULL_TURN: f64 = 360.0;

/// Returns whether the numbers are degrees and minutes as GPS units write them: `dddmm.mmmm` for
/// longitudes and `ddmm.mmmm` for latitudes. All of this must hold:
///
/// * There are at least two numbers. In each, the minutes are below 60, and the degrees are at most
///   180 (longitudes) or 90 (latitudes).
/// * More than a quarter of all numbers in the two columns are latitudes beyond 360, which can't be
///   degrees.
/// * All longitudes have five digits before the point, and all latitudes four.
/// * Some number begins with 0, or there are columns of hemispheres (`has_hemispheres`).
///
/// # Errors
/// [`LoadError::BadOption`], for the parameter `srid`, if the first two conditions hold but not the
/// others: such numbers could be minutes, and they could also be metres of a projection.
fn minutes(
    rows: &SampleRows<'_>,
    [lon, lat]: [usize; 2],
    numbers: NumberFormat,
    file: &str,
    has_hemispheres: bool,
) -> Result<bool, LoadError> {
    let (mut seen, mut beyond, mut padded, mut zeros) = (0usize, 0usize, true, false);
    let mut example = None;
    for (at, record) in rows.records().take(EXAMINED) {
        for (column, field) in rows.dialect.fields(record, true).enumerate() {
            let (digits, most) = match column {
                _ if column == lon => (5, 180.0),
                _ if column == lat => (4, 90.0),
                _ => continue,
            };
            let text = rows.dialect.text(field);
            let Some(number) = numbers.parse(&text) else {
                continue;
            };
            let size = number.abs();
            if size % 100.0 >= 60.0 || (size / 100.0).floor() > most {
                return Ok(false);
            }
            seen += 1;
            let text = text.trim_ascii();
            let text = text.strip_prefix(b"-").unwrap_or(text);
            let whole = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
            padded &= whole == digits;
            zeros |= text.starts_with(b"0") && whole == digits;
            if column == lat && size > FULL_TURN {
                beyond += 1;
                example.get_or_insert_with(|| (rows.line(at), crate::messages::shown(text)));
            }
        }
    }
    match example {
        Some((line, text)) if seen >= 2 && beyond * 4 > seen => {
            if padded && (zeros || has_hemispheres) {
                return Ok(true);
            }
            Err(LoadError::BadOption {
                file: file.to_owned(),
                parameter: Parameter::Srid,
                message: format!(
                    "line {line}: latitude {text} may be degrees and minutes as GPS units write \
                     them (ddmm.mmmm), or metres of a projection: write degrees, put N or S and E \
                     or W behind the numbers, or name the coordinate system"
                ),
            })
        }
        _ => Ok(false),
    }
}
