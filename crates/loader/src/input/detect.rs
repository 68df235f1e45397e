//! Detection of an input's format, by its first bytes and then by its extension.

use super::Input;
use super::script::value_start;
use super::xml_root::xml_root;
use super::zip::is_zip;
use crate::error::LoadError;
use crate::format::InputFormat;
use crate::records::fit;
use crate::records::raster::npy;

impl Input {
    /// The format of the input: the format `asked` that an option names, or else the one that the
    /// content and the extension suggest.
    pub(crate) fn format(&self, asked: Option<InputFormat>) -> Result<InputFormat, LoadError> {
        let file = || self.origin.file();
        if self.sample.iter().all(u8::is_ascii_whitespace) && self.whole {
            return Err(LoadError::Empty { file: file() });
        }
        if let Some(format) = asked {
            return Ok(format);
        }
        if let Some(format) = by_content(&self.sample) {
            return Ok(format);
        }
        if let Some(found) = foreign(&self.sample) {
            return Err(LoadError::UnknownFormat {
                file: file(),
                found: found.into(),
            });
        }
        match by_extension(&self.origin.name) {
            // In many files called .json there is one object on each line.
            Some(InputFormat::GeoJson) => Ok(json_layout(&self.sample)),
            Some(format) => Ok(format),
            None => Ok(match self.sample.trim_ascii_start().first().copied() {
                Some(b'{' | b'[' | RECORD_SEPARATOR) => json_layout(&self.sample),
                _ if value_start(&self.sample).is_some() => InputFormat::Json,
                _ => InputFormat::Csv,
            }),
        }
    }
}

impl Input {
    /// The layout of an input of JSON: [`GeoJson`](InputFormat::GeoJson) for one document, or
    /// [`GeoJsonLines`](InputFormat::GeoJsonLines) for one object on each line, even if the objects
    /// are not GeoJSON.
    pub(crate) fn json_layout(&self) -> InputFormat {
        json_layout(&self.sample)
    }
}

/// The bytes at the beginning of TIFF and BigTIFF, in both orders of bytes.
const TIFF: [&[u8]; 4] = [b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"];

/// The byte before every object in a text sequence of RFC 8142.
pub(crate) const RECORD_SEPARATOR: u8 = 0x1e;

fn by_extension(name: &str) -> Option<InputFormat> {
    let name = name.to_ascii_lowercase();
    let name = [".gz", ".zst", ".zstd"]
        .iter()
        .find_map(|packed| name.strip_suffix(packed))
        .unwrap_or(&name);
    match name.rsplit_once('.')?.1 {
        // The delimiter is detected even for .tsv, since the extension is often wrong about it.
        "csv" | "tsv" | "tab" | "psv" => Some(InputFormat::Csv),
        "geojson" | "json" => Some(InputFormat::GeoJson),
        "geojsonl" | "geojsons" | "geojsonseq" | "ndjson" | "jsonl" | "ndgeojson" | "jsonseq" => {
            Some(InputFormat::GeoJsonLines)
        }
        "js" | "mjs" | "cjs" | "jsonp" => Some(InputFormat::Json),
        // Loggers write lines of their own before the first sentence.
        "nmea" => Some(InputFormat::Nmea),
        _ => None,
    }
}

/// Detects the layout of JSON text by its beginning. It is `GeoJsonLines` if the text begins with a
/// record separator, or if the first line that is not blank is a whole JSON value and other text
/// follows the line. Otherwise it is `GeoJson`, one document.
fn json_layout(sample: &[u8]) -> InputFormat {
    let text = sample.trim_ascii_start();
    if text.first() == Some(&RECORD_SEPARATOR) {
        return InputFormat::GeoJsonLines;
    }
    let end = memchr::memchr(b'\n', text).unwrap_or(text.len());
    let (line, rest) = text.split_at(end);
    let whole = serde_json::from_slice::<serde::de::IgnoredAny>(line).is_ok();
    if whole && !rest.trim_ascii().is_empty() {
        InputFormat::GeoJsonLines
    } else {
        InputFormat::GeoJson
    }
}

/// The format of content that begins with the signature of a format, an NMEA sentence, or the root
/// element of a known XML format. `None` for other content, such as CSV and JSON.
pub(crate) fn by_content(sample: &[u8]) -> Option<InputFormat> {
    if sample.starts_with(b"fgb") {
        return Some(InputFormat::FlatGeobuf);
    }
    if sample.starts_with(b"\0\0\x27\x0a") {
        return Some(InputFormat::Shapefile);
    }
    if sample.starts_with(b"SQLite format 3\0") {
        return Some(InputFormat::GeoPackage);
    }
    if sample.starts_with(b"PAR1") {
        return Some(InputFormat::Parquet);
    }
    // An Arrow stream begins with the continuation marker `0xffffffff`, and then the length of its
    // schema.
    if sample.starts_with(b"ARROW1") || sample.starts_with(&[0xff; 4]) {
        return Some(InputFormat::Arrow);
    }
    if is_zip(sample) {
        return Some(InputFormat::Zip);
    }
    if TIFF.iter().any(|magic| sample.starts_with(magic)) {
        return Some(InputFormat::GeoTiff);
    }
    if fit::is_fit(sample) {
        return Some(InputFormat::Fit);
    }
    if sample.starts_with(npy::MAGIC) {
        return Some(InputFormat::Npy);
    }
    if is_nmea(sample) {
        return Some(InputFormat::Nmea);
    }
    match xml_root(sample)? {
        "gpx" => Some(InputFormat::Gpx),
        "kml" => Some(InputFormat::Kml),
        "TrainingCenterDatabase" => Some(InputFormat::Tcx),
        _ => None,
    }
}

/// Returns whether the first line that is not blank is a sentence of NMEA 0183: `$`, five letters
/// or digits, and a comma.
fn is_nmea(sample: &[u8]) -> bool {
    let Some(sentence) = sample.trim_ascii_start().strip_prefix(b"$") else {
        return false;
    };
    let is_letter = |b: &u8| b.is_ascii_uppercase() || b.is_ascii_digit();
    match sentence.split_first_chunk::<5>() {
        Some((name, rest)) => name.iter().all(is_letter) && rest.first() == Some(&b','),
        None => false,
    }
}

/// A description of content that is certainly in no format that this crate reads, with advice for
/// the user if there is any. `None` for other content.
fn foreign(sample: &[u8]) -> Option<&'static str> {
    const UTF_32: &str = "this text is UTF-32; convert it with iconv -f UTF-32 -t UTF-8";
    const KNOWN: &[(&[u8], &str)] = &[
        (b"\xff\xfe\0\0", UTF_32),
        (b"\0\0\xfe\xff", UTF_32),
        (b"BZh", "this is bzip2; unpack it first"),
        (b"\xfd7zXZ\0", "this is xz; unpack it first"),
        (b"7z\xbc\xaf", "this is a 7z archive; unpack it first"),
        (b"Rar!", "this is a rar archive; unpack it first"),
        (b"%PDF", "this is PDF"),
        (b"\x89PNG", "this is a PNG picture"),
        (
            b"PMTiles",
            "these are drawn tiles (PMTiles), which hold no points; heatsplat serve shows them",
        ),
        (b"\xff\xd8\xff", "this is a JPEG picture"),
        (b"GIF8", "this is a GIF picture"),
        (
            b"\xd0\xcf\x11\xe0",
            "this is a file of an old Excel or Word; save it as CSV",
        ),
        (
            b"\x89HDF",
            "this is HDF5 or netCDF; write its points as CSV or Parquet, or a raster in it as GeoTIFF: \
             gdal_translate NETCDF:FILE:VARIABLE raster.tif",
        ),
        (
            b"CDF",
            "this is netCDF; write its points as CSV or Parquet, or a raster in it as GeoTIFF: \
             gdal_translate NETCDF:FILE:VARIABLE raster.tif",
        ),
    ];
    let known = KNOWN.iter().find(|(magic, _)| sample.starts_with(magic));
    if let Some((_, found)) = known {
        return Some(found);
    }
    if sample.get(8..12) == Some(b"DUCK") {
        return Some(
            "this is a DuckDB database; write a table of it as Parquet: \
             duckdb FILE \"copy TABLE to 'points.parquet'\"",
        );
    }
    if memchr::memmem::find(sample.get(..32).unwrap_or_default(), b"OSMHeader").is_some() {
        return Some("this is OpenStreetMap data; write its points by osmium export as GeoJSON");
    }
    // Values may contain NUL bytes, but the first line of a text has none.
    let first_line = sample.split(|&b| b == b'\n').next().unwrap_or_default();
    if first_line.contains(&0) {
        return Some("this is no text");
    }
    let markup = sample.trim_ascii_start().first() == Some(&b'<');
    markup.then(|| match xml_root(sample) {
        Some(name) if name.eq_ignore_ascii_case("html") => {
            "this is a web page (HTML), perhaps in place of the file"
        }
        _ if memchr::memmem::find(sample, b"opengis.net/gml").is_some() => {
            "this is GML; write it as GeoJSON: ogr2ogr -f GeoJSON points.json FILE"
        }
        Some("osm") => "this is OpenStreetMap XML; write its points by osmium export as GeoJSON",
        _ => "this is XML of no known kind, or HTML",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sniff(name: &str, content: &[u8]) -> Result<InputFormat, LoadError> {
        Input::new(std::io::Cursor::new(content.to_vec()), name, None)?.format(None)
    }

    #[test]
    fn extension_then_content() {
        for (name, content, format) in [
            ("a.csv", "{x},y", InputFormat::Csv),
            ("A.TSV.GZ", "x\ty", InputFormat::Csv),
            ("a.json.zst", "{\n}", InputFormat::GeoJson),
            ("a.ndjson", "{}", InputFormat::GeoJsonLines),
            ("a.geojson", "{}\n{}\n", InputFormat::GeoJsonLines),
            ("a.geojson", "{\"features\":[\n{}\n]}", InputFormat::GeoJson),
            ("a.geojson", "{}\n\n", InputFormat::GeoJson),
            ("a", "{}", InputFormat::GeoJson),
            ("a", "\u{1e}{}\n", InputFormat::GeoJsonLines),
            (
                "standard input",
                "\u{feff}{}\n{}",
                InputFormat::GeoJsonLines,
            ),
            ("a.txt", "lon,lat\n", InputFormat::Csv),
            ("a.nmea", "started\n$GPGGA,1", InputFormat::Nmea),
            ("a.NMEA.gz", "!AIVDM,1\n$GPGGA,1", InputFormat::Nmea),
            ("a.txt", "\n$GPGGA,1", InputFormat::Nmea),
            ("a.nmea", "<gpx>", InputFormat::Gpx),
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
            (&b"BZh...."[..], "bzip2"),
            (b"\x89PNG\r\n", "PNG picture"),
            (b"PMTiles\x03", "heatsplat serve"),
            (
                b"<?xml version='1.0'?><c xmlns:gml='http://www.opengis.net/gml'/>",
                "ogr2ogr",
            ),
            (b"12345678DUCK\0", "duckdb FILE"),
            (b"<!DOCTYPE html><html>", "a web page"),
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
        let unknown = "docx".parse::<InputFormat>().unwrap_err();
        assert!(unknown.to_string().contains("geojsonl"));
        assert_eq!("CSV".parse(), Ok(InputFormat::Csv));
    }
}
