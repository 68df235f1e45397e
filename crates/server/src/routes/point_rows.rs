//! Rows of points in the body of a request: the format of the body, the columns that the request
//! names, and the points that are made of the rows.

use crate::http::error::ApiError;
use axum::body::Bytes;
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use heatsplat_loader::{
    AxisOrder, InputFormat, LoadError, LoadOptions, Report, SkipReason, Source, read,
};
use heatsplat_points::{Points, PointsBuilder};
use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;
use std::fmt;
use std::io::Cursor;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// The largest number of skipped rows that an answer lists. A choice.
const EXAMPLES: usize = 5;

/// The largest number of characters of a message about rows. A choice.
const MAX_MESSAGE: usize = 300;

/// The name of a request's body in messages about rows.
const BODY: &str = "the body";

/// The first bytes of data that are compressed by gzip or zstd, or lie in a zip archive.
const PACKED: [&[u8]; 3] = [b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PK"];

const NOT_PACKED: &str = "the body must not be compressed";

/// The format of the rows in a request's body, which the header `Content-Type` names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyForm {
    Json,
    GeoJson,
    Csv,
    Tsv,
    Arrow,
}

impl BodyForm {
    /// Finds the format by the headers of a request. HTML forms and plain text are refused: a
    /// browser lets any web page send these to any server without a CORS preflight.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, ApiError> {
        let refuse = |message| {
            let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
            Err(ApiError::with_status(status, message))
        };
        let encoding = headers.get(CONTENT_ENCODING);
        if encoding.is_some_and(|encoding| encoding != "identity") {
            return refuse(NOT_PACKED);
        }
        let kind = headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok());
        let kind = kind.and_then(|kind| kind.split(';').next()).map(str::trim);
        match kind.map(str::to_ascii_lowercase).as_deref() {
            Some("application/json") => Ok(Self::Json),
            Some("application/geo+json") => Ok(Self::GeoJson),
            Some("text/csv") => Ok(Self::Csv),
            Some("text/tab-separated-values") => Ok(Self::Tsv),
            Some("application/vnd.apache.arrow.stream" | "application/vnd.apache.arrow.file") => {
                Ok(Self::Arrow)
            }
            _ => refuse(
                "expected Content-Type: application/json, application/geo+json, text/csv, \
                 text/tab-separated-values or application/vnd.apache.arrow.stream",
            ),
        }
    }
}

/// The columns of rows that a request names. A column that is `None` is found by its name in the
/// data.
#[derive(Clone, Debug, Default)]
pub(crate) struct RowColumns {
    pub(crate) lon: Option<String>,
    pub(crate) lat: Option<String>,
    pub(crate) weight: Option<String>,
    pub(crate) order: Option<AxisOrder>,
}

/// The limits of reading the rows of one request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RowLimits {
    pub(crate) rows: u64,
    pub(crate) deadline: Instant,
}

/// The points that were made of the rows of a request, and the report about the rows.
#[derive(Debug)]
pub(crate) struct ReadRows {
    pub(crate) points: Points,
    /// The number of rows of which points were made.
    pub(crate) kept: u64,
    /// The number of skipped rows for each reason, by the reason's name. Reasons for which no row
    /// was skipped are left out.
    pub(crate) skipped: BTreeMap<&'static str, u64>,
    /// Descriptions of the first skipped rows, at most [`EXAMPLES`].
    pub(crate) examples: Vec<String>,
}

/// The kind of a JSON value that stands for a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RowKind {
    Array,
    Object,
    Other,
}

/// The kinds of all rows in JSON, in their order. They say how many rows there are, and whether the
/// rows are arrays or objects.
pub(crate) type RowKinds = Vec<RowKind>;

impl<'de> Deserialize<'de> for RowKind {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(RowKindVisitor)
    }
}

struct RowKindVisitor;

impl<'de> Visitor<'de> for RowKindVisitor {
    type Value = RowKind;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a row")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<RowKind, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(RowKind::Array)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<RowKind, A::Error> {
        while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(RowKind::Object)
    }

    fn visit_bool<E>(self, _: bool) -> Result<RowKind, E> {
        Ok(RowKind::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<RowKind, E> {
        Ok(RowKind::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<RowKind, E> {
        Ok(RowKind::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<RowKind, E> {
        Ok(RowKind::Other)
    }

    fn visit_str<E>(self, _: &str) -> Result<RowKind, E> {
        Ok(RowKind::Other)
    }

    fn visit_unit<E>(self) -> Result<RowKind, E> {
        Ok(RowKind::Other)
    }
}

/// Rows that are to be read: the body, its format, and the request's instructions about the rows.
#[derive(Debug)]
pub(crate) struct PostedRows {
    pub(crate) body: Bytes,
    pub(crate) form: BodyForm,
    /// The member of the body's JSON object that has the rows, like `points`; `None` if the whole
    /// body is the rows.
    pub(crate) member: Option<&'static str>,
    /// The kinds of the rows in JSON; `None` for GeoJSON and for other formats.
    pub(crate) kinds: Option<RowKinds>,
    pub(crate) columns: RowColumns,
}

impl PostedRows {
    /// Reads the rows. Another thread sets `has_left` when the client has left; then the reading
    /// ends early, with an error.
    pub(crate) fn read(
        self,
        limits: RowLimits,
        has_left: &AtomicBool,
    ) -> Result<ReadRows, ApiError> {
        let too_many = || {
            ApiError::with_status(
                StatusCode::PAYLOAD_TOO_LARGE,
                format!("there are more than {} rows", limits.rows),
            )
        };
        if let Some(kinds) = &self.kinds {
            if kinds.len() as u64 > limits.rows {
                return Err(too_many());
            }
            if kinds.is_empty() {
                return Ok(ReadRows::default());
            }
        }
        // A small body that is compressed may be of any size.
        if PACKED.iter().any(|magic| self.body.starts_with(magic)) {
            let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
            return Err(ApiError::with_status(status, NOT_PACKED));
        }
        let mut source = match self.open() {
            Ok(source) => source,
            Err(LoadError::NoRows { .. }) => return Ok(ReadRows::default()),
            Err(error) => return Err(unreadable(&error)),
        };
        let mut points = PointsBuilder::new();
        loop {
            let more = source.next_batch(&mut points).map_err(|e| unreadable(&e))?;
            if source.report().rows > limits.rows {
                return Err(too_many());
            }
            if has_left.load(Ordering::Relaxed) {
                return Err(ApiError::bad_request("the client has left"));
            }
            if Instant::now() > limits.deadline {
                return Err(ApiError::with_status(
                    StatusCode::UNPROCESSABLE_ENTITY,
                    "reading the rows takes too long: send fewer",
                ));
            }
            if !more {
                break;
            }
        }
        finish(source.report(), points)
    }

    fn open(&self) -> Result<Box<dyn Source>, LoadError> {
        let options = self.options();
        let open = |options: &LoadOptions| read(Cursor::new(self.bytes()), BODY, options);
        let source = open(&options)?;
        // Objects of Leaflet have their intensity as an altitude.
        let columns = source.columns();
        let is_leaflet = self.form == BodyForm::Json && columns.weight.is_none();
        if is_leaflet && options.weight.is_none() && columns.seen.iter().any(|name| name == "alt") {
            let weight = Some("alt".to_owned());
            return open(&LoadOptions { weight, ..options });
        }
        Ok(source)
    }

    /// The bytes of the rows. Of an Arrow file the head, which ends in zeros, is left out: the rest
    /// is a stream of Arrow, whose reader ignores the directory at the end.
    fn bytes(&self) -> Bytes {
        const MAGIC: &[u8] = b"ARROW1";
        if self.form != BodyForm::Arrow || !self.body.starts_with(MAGIC) {
            return self.body.clone();
        }
        let mut after = self.body.iter().skip(MAGIC.len());
        let start = after.position(|&byte| byte != 0).unwrap_or_default();
        self.body.slice(MAGIC.len() + start..)
    }

    fn options(&self) -> LoadOptions {
        let first = self.kinds.as_ref().and_then(|kinds| kinds.first());
        let is_arrays = first == Some(&RowKind::Array);
        // Without names, latitudes come first as in Leaflet, whatever the values are.
        let order = self.columns.order.or(Some(AxisOrder::LatLon));
        LoadOptions {
            format: match self.form {
                BodyForm::Json if self.kinds.is_none() => Some(InputFormat::GeoJson),
                BodyForm::Json => Some(InputFormat::Json),
                BodyForm::GeoJson => Some(InputFormat::GeoJson),
                BodyForm::Csv => Some(InputFormat::Csv),
                BodyForm::Tsv => Some(InputFormat::Tsv),
                BodyForm::Arrow => Some(InputFormat::Arrow),
            },
            rows: self.member.map(str::to_owned),
            lon: self.columns.lon.clone(),
            lat: self.columns.lat.clone(),
            weight: self.columns.weight.clone(),
            order: order.filter(|_| is_arrays),
            ..LoadOptions::default()
        }
    }
}

impl ReadRows {
    /// Takes the points out: what is left is the report about the rows, without points.
    pub(crate) fn take_points(&mut self) -> Points {
        std::mem::replace(&mut self.points, Points::from_slice(&[]))
    }
}

impl Default for ReadRows {
    fn default() -> Self {
        Self {
            points: Points::from_slice(&[]),
            kept: 0,
            skipped: BTreeMap::new(),
            examples: Vec::new(),
        }
    }
}

/// Makes the result from the loader's report and the points. Returns an error if there are rows,
/// but no point was made of them.
fn finish(report: &Report, points: PointsBuilder) -> Result<ReadRows, ApiError> {
    let count = |reason: SkipReason| (reason.name(), report.skipped(reason));
    let skipped = SkipReason::ALL.into_iter().map(count);
    let skipped: BTreeMap<_, _> = skipped.filter(|(_, count)| *count > 0).collect();
    let examples = report.examples.iter().take(EXAMPLES);
    let examples: Vec<String> = examples.map(ToString::to_string).collect();
    if report.rows > 0 && report.kept == 0 {
        let reasons: Vec<String> = skipped
            .iter()
            .map(|(reason, count)| format!("{count} {reason}"))
            .collect();
        let first = examples.first().map_or("", String::as_str);
        return Err(unprocessable(&format!(
            "no row gives a point: {} ({first})",
            reasons.join(", ")
        )));
    }
    Ok(ReadRows {
        points: points.build(),
        kept: report.kept,
        skipped,
        examples,
    })
}

/// An error with status 422 about rows that can't be read. Its message is the
/// loader's, which names columns and lines of the body but no paths of files.
fn unreadable(error: &LoadError) -> ApiError {
    match error {
        LoadError::Open { .. } => ApiError::internal(),
        other => unprocessable(&other.to_string()),
    }
}

/// An error with status 422, whose message is the first line of `message`, shortened to
/// [`MAX_MESSAGE`] characters.
fn unprocessable(message: &str) -> ApiError {
    let line = message.lines().next().unwrap_or_default();
    let mut short: String = line.chars().take(MAX_MESSAGE).collect();
    if short.len() < line.len() {
        short.push('…');
    }
    ApiError::with_status(StatusCode::UNPROCESSABLE_ENTITY, short)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn read(body: &str, has_left: bool, time: Duration) -> Result<ReadRows, ApiError> {
        let rows = PostedRows {
            body: Bytes::copy_from_slice(body.as_bytes()),
            form: BodyForm::Csv,
            member: None,
            kinds: None,
            columns: RowColumns::default(),
        };
        let limits = RowLimits {
            rows: 10,
            deadline: Instant::now() + time,
        };
        rows.read(limits, &AtomicBool::new(has_left))
    }

    #[test]
    fn reading_ends_when_the_client_has_left_or_the_time_is_over() {
        let (body, long) = ("lon,lat\n1,2\n", Duration::from_secs(60));
        assert_eq!(read(body, false, long).unwrap().kept, 1);
        assert!(read(body, true, long).is_err());
        let late = read(body, false, Duration::ZERO).unwrap_err();
        assert_eq!(late.status(), StatusCode::UNPROCESSABLE_ENTITY);
    }
}
