//! Which format an input has: by its extension, then by its content.

use crate::error::LoadError;
use crate::input::Input;
use std::fmt;
use std::str::FromStr;

/// The formats that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// Delimiter-separated values; the delimiter is found among `,` `;` tab `|`.
    Csv,
    /// Values separated by tabs.
    Tsv,
    /// One GeoJSON document (RFC 7946), or several in sequence.
    GeoJson,
    /// One GeoJSON object a line, or a GeoJSON text sequence (RFC 8142).
    GeoJsonLines,
    /// An Esri Shapefile: `.shp` with `.dbf` and `.prj` beside it.
    Shapefile,
    /// FlatGeobuf.
    FlatGeobuf,
    /// GPX: tracks, routes and waypoints.
    Gpx,
    /// Parquet and GeoParquet.
    Parquet,
    /// Arrow IPC: a file (Feather 2) or a stream.
    Arrow,
    /// GeoPackage: geometries in SQLite.
    GeoPackage,
}

impl Format {
    /// Every format.
    pub const ALL: [Format; 10] = [
        Format::Csv,
        Format::Tsv,
        Format::GeoJson,
        Format::GeoJsonLines,
        Format::Shapefile,
        Format::FlatGeobuf,
        Format::Gpx,
        Format::Parquet,
        Format::Arrow,
        Format::GeoPackage,
    ];

    /// The name that [`FromStr`] takes.
    pub fn name(self) -> &'static str {
        match self {
            Format::Csv => "csv",
            Format::Tsv => "tsv",
            Format::GeoJson => "geojson",
            Format::GeoJsonLines => "geojsonl",
            Format::Shapefile => "shapefile",
            Format::FlatGeobuf => "flatgeobuf",
            Format::Gpx => "gpx",
            Format::Parquet => "parquet",
            Format::Arrow => "arrow",
            Format::GeoPackage => "geopackage",
        }
    }

    /// The format of an input: the one asked for, or the one it seems to have.
    pub(crate) fn of(input: &Input, asked: Option<Format>) -> Result<Self, LoadError> {
        let file = || input.origin.file();
        if input.sample.iter().all(u8::is_ascii_whitespace) && input.whole {
            return Err(LoadError::Empty { file: file() });
        }
        if let Some(format) = asked {
            return Ok(format);
        }
        if let Some(format) = by_content(&input.sample) {
            return Ok(format);
        }
        if let Some(found) = foreign(&input.sample) {
            return Err(LoadError::UnknownFormat {
                file: file(),
                found: found.into(),
            });
        }
        match by_extension(&input.origin.name) {
            // Many files called .json have an object a line.
            Some(Format::GeoJson) => Ok(json_layout(&input.sample)),
            Some(format) => Ok(format),
            None => Ok(match input.sample.trim_ascii_start().first().copied() {
                Some(b'{' | b'[' | RECORD_SEPARATOR) => json_layout(&input.sample),
                _ => Format::Csv,
            }),
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let known = Self::ALL
            .into_iter()
            .find(|f| f.name().eq_ignore_ascii_case(name));
        known.ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            format!("unknown format \"{name}\"; expected one of {names}")
        })
    }
}

/// Begins every object of an RFC 8142 text sequence.
pub(crate) const RECORD_SEPARATOR: u8 = 0x1e;

fn by_extension(name: &str) -> Option<Format> {
    let name = name.to_ascii_lowercase();
    let name = [".gz", ".zst", ".zstd"]
        .iter()
        .find_map(|packed| name.strip_suffix(packed))
        .unwrap_or(&name);
    match name.rsplit_once('.')?.1 {
        // .tsv too: the delimiter is looked for, since names are often wrong about it.
        "csv" | "tsv" | "tab" | "psv" => Some(Format::Csv),
        "geojson" | "json" => Some(Format::GeoJson),
        "geojsonl" | "geojsons" | "geojsonseq" | "ndjson" | "jsonl" | "ndgeojson" | "jsonseq" => {
            Some(Format::GeoJsonLines)
        }
        _ => None,
    }
}

/// Whether JSON is one document or an object a line: in the latter the first
/// line that is not blank is a whole object and something follows it.
fn json_layout(sample: &[u8]) -> Format {
    let text = sample.trim_ascii_start();
    if text.first() == Some(&RECORD_SEPARATOR) {
        return Format::GeoJsonLines;
    }
    let end = memchr::memchr(b'\n', text).unwrap_or(text.len());
    let (line, rest) = text.split_at(end);
    let whole = serde_json::from_slice::<serde::de::IgnoredAny>(line).is_ok();
    if whole && !rest.trim_ascii().is_empty() {
        Format::GeoJsonLines
    } else {
        Format::GeoJson
    }
}

/// The format that the first bytes leave no doubt about.
pub(crate) fn by_content(sample: &[u8]) -> Option<Format> {
    if sample.starts_with(b"fgb") {
        return Some(Format::FlatGeobuf);
    }
    if sample.starts_with(b"\0\0\x27\x0a") {
        return Some(Format::Shapefile);
    }
    if sample.starts_with(b"SQLite format 3\0") {
        return Some(Format::GeoPackage);
    }
    if sample.starts_with(b"PAR1") {
        return Some(Format::Parquet);
    }
    // a stream begins with a continuation marker and the length of its schema
    if sample.starts_with(b"ARROW1") || sample.starts_with(&[0xff; 4]) {
        return Some(Format::Arrow);
    }
    let text = sample.trim_ascii_start();
    let beginning = text.get(..text.len().min(4096)).unwrap_or_default();
    let gpx = text.first() == Some(&b'<') && memchr::memmem::find(beginning, b"<gpx").is_some();
    gpx.then_some(Format::Gpx)
}

/// Names content that is certainly something else, and says what to do about it.
fn foreign(sample: &[u8]) -> Option<&'static str> {
    const UTF_32: &str = "this text is UTF-32; convert it with iconv -f UTF-32 -t UTF-8";
    const KNOWN: &[(&[u8], &str)] = &[
        (b"PK\x03\x04", "this is a zip archive; unpack it first"),
        (b"\xff\xfe\0\0", UTF_32),
        (b"\0\0\xfe\xff", UTF_32),
        (b"BZh", "this is bzip2; unpack it first"),
        (b"\xfd7zXZ\0", "this is xz; unpack it first"),
        (b"%PDF", "this is PDF"),
    ];
    let known = KNOWN.iter().find(|(magic, _)| sample.starts_with(magic));
    if let Some((_, found)) = known {
        return Some(found);
    }
    // Text columns may hold NUL bytes, but no header has one.
    let first_line = sample.split(|&b| b == b'\n').next().unwrap_or_default();
    if first_line.contains(&0) {
        return Some("this is no text");
    }
    let markup = sample.trim_ascii_start().first() == Some(&b'<');
    markup.then_some("this is XML or HTML")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sniff(name: &str, content: &[u8]) -> Result<Format, LoadError> {
        Format::of(
            &Input::new(std::io::Cursor::new(content.to_vec()), name, None)?,
            None,
        )
    }

    #[test]
    fn extension_then_content() {
        for (name, content, format) in [
            ("a.csv", "{x},y", Format::Csv),
            ("A.TSV.GZ", "x\ty", Format::Csv),
            ("a.json.zst", "{\n}", Format::GeoJson),
            ("a.ndjson", "{}", Format::GeoJsonLines),
            ("a.geojson", "{}\n{}\n", Format::GeoJsonLines),
            ("a.geojson", "{\"features\":[\n{}\n]}", Format::GeoJson),
            ("a.geojson", "{}\n\n", Format::GeoJson),
            ("a", "{}", Format::GeoJson),
            ("a", "\u{1e}{}\n", Format::GeoJsonLines),
            ("standard input", "\u{feff}{}\n{}", Format::GeoJsonLines),
            ("a.txt", "lon,lat\n", Format::Csv),
        ] {
            assert_eq!(
                sniff(name, content.as_bytes()).unwrap(),
                format,
                "{name} {content}"
            );
        }
    }

    #[test]
    fn other_formats_are_named() {
        for (content, says) in [
            (&b"PK\x03\x04...."[..], "zip"),
            (b"\xff\xfe\0\0l\0\0\0", "UTF-32"),
            (b"<?xml version", "XML"),
            (b"\0\x01\x02", "no text"),
        ] {
            let message = sniff("a.csv", content).unwrap_err().to_string();
            assert!(
                message.contains(says) && message.starts_with("a.csv: "),
                "{message}"
            );
        }
        assert!(matches!(
            sniff("a.csv", b" \n\r\n"),
            Err(LoadError::Empty { .. })
        ));
        assert!("xlsx".parse::<Format>().unwrap_err().contains("geojsonl"));
        assert_eq!("CSV".parse(), Ok(Format::Csv));
    }
}
