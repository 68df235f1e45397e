//! Robustness: any bytes give either points with a report that matches them, or an error.
//!
//! The fuzz targets in `fuzz/` use this file too.

use arrow_array::{ArrayRef, BinaryArray, RecordBatch};
use arrow_ipc::writer::FileWriter;
use heatsplat_loader::{
    AreaRule, Filter, LineRule, LoadError, LoadOptions, Report, ShapeRules, load, load_table, open,
    read,
};
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Once};

/// The number of panics in code of this project. A panic in another library only means that a file
/// can't be read. A panic in this project's code is a fault, even if it is caught.
static PANICS: AtomicUsize = AtomicUsize::new(0);

fn watch_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let file = panic.location().map_or("", |place| place.file());
            let ours = ["crates/loader/src", "crates/points/src"];
            if ours.iter().any(|folder| file.contains(folder)) {
                PANICS.fetch_add(1, Ordering::SeqCst);
                before(panic);
            } else if !file.contains("/registry/") {
                before(panic);
            }
        }));
    });
}

/// The names of all fuzz targets. `wkb` and `filter` test parts of files; the others are extensions
/// of files, where `arrows` is an Arrow stream.
pub(crate) const TARGETS: [&str; 21] = [
    "arrow", "arrows", "csv", "fgb", "filter", "fit", "geojson", "geojsonl", "gpkg", "gpx", "json",
    "kml", "nmea", "npy", "parquet", "shp", "tcx", "tif", "wkb", "xlsx", "zip",
];

/// Runs a target. Returns the number of rows that are kept, or the message of the error.
pub(crate) fn attempt(folder: &Path, target: &str, bytes: &[u8]) -> Result<u64, String> {
    let report = match target {
        "filter" => return filters(bytes),
        "wkb" => survives(folder, "arrow", &geometry(bytes)),
        "arrows" => survives(folder, "arrow", bytes),
        extension => survives(folder, extension, bytes),
    };
    report.map(|r| r.kept).map_err(|e| e.to_string())
}

/// Reads bytes as a file with this extension. It is read once with columns to keep, a filter and a
/// box, once with rules for lines and areas, and once without options. Returns the result without
/// options.
pub(crate) fn survives(folder: &Path, extension: &str, bytes: &[u8]) -> Result<Report, LoadError> {
    watch_panics();
    let path = put(folder, extension, bytes);
    let plain = LoadOptions {
        // Arrays of NumPy state no place.
        extent: (extension == "npy").then(|| "-10,40,10,60".parse().expect("a box")),
        ..LoadOptions::default()
    };
    let asked = LoadOptions {
        keep: ["kind", "n", "day"].map(str::to_owned).to_vec(),
        within: "-100,-60,100,60".parse().ok(),
        shapes: shape_rules(bytes),
        filter: "n < 1e9 or n is null or kind = 'x'".parse().ok(),
        ..plain.clone()
    };
    let _ = account(&path, &asked);
    let shaped = LoadOptions {
        shapes: shape_rules(bytes),
        ..plain.clone()
    };
    let _ = account(&path, &shaped);
    let whole = account(&path, &plain);
    // If the format can be read as a stream, the stream must give the same report.
    let name = path.to_string_lossy().into_owned();
    let stream = Cursor::new(bytes.to_vec());
    let streamed = read(stream, &name, &plain);
    if extension != "shp" && !matches!(streamed, Err(LoadError::NeedsFile { .. })) {
        let streamed = streamed.and_then(|mut source| {
            let mut points = Vec::new();
            load(&mut *source, &mut points, |_| ())
        });
        assert_eq!(streamed.ok().as_ref(), whole.as_ref().ok(), "as a stream");
    }
    assert_eq!(PANICS.load(Ordering::SeqCst), 0, "our own code panicked");
    whole
}

/// Rules for lines and areas, which the bytes of the input decide, so that an input is always read
/// in the same way.
fn shape_rules(bytes: &[u8]) -> ShapeRules {
    let mix = |sum: usize, byte: &u8| sum.wrapping_mul(31).wrapping_add(usize::from(*byte));
    let number = bytes.iter().fold(bytes.len(), mix);
    let areas = [
        AreaRule::Centroid,
        AreaRule::Surface,
        AreaRule::Vertices,
        AreaRule::Skip,
    ];
    let lines = [LineRule::Vertices, LineRule::Skip];
    ShapeRules {
        areas: areas[number % 4],
        lines: lines[number / 4 % 2],
    }
}

/// Loads a file, checks that its report matches its points, and returns the report.
fn account(path: &Path, options: &LoadOptions) -> Result<Report, LoadError> {
    let mut source = open(path, options)?;
    let (points, table, report) = load_table(&mut *source, |_| ())?;
    let count = points.summary().count;
    assert_eq!(report.kept, count as u64);
    assert_eq!(report.rows, report.kept + report.skipped_total());
    for column in table.columns() {
        assert_eq!(column.len(), count, "{}", column.name());
    }
    Ok(report)
}

/// An Arrow file with one geometry, which has these bytes.
fn geometry(bytes: &[u8]) -> Vec<u8> {
    let column: ArrayRef = Arc::new(BinaryArray::from(vec![bytes]));
    let batch = RecordBatch::try_from_iter([("geometry", column)]).expect("a batch");
    let mut writer = FileWriter::try_new(Vec::new(), &batch.schema()).expect("a writer");
    writer.write(&batch).expect("bytes in memory");
    writer.into_inner().expect("bytes in memory")
}

/// Checks that a filter selects the same rows while loading and from kept columns. Returns their
/// number.
fn filters(text: &[u8]) -> Result<u64, String> {
    const ROWS: &str = "lon,lat,kind,n,day,flag\n1,2,x,1,2010-03-01,true\n3,4,,-2.5,,false\n\
        5,6,y,,2010-03-02T12:30:00+01:00,\n7,8,x y,1e9,,true\n9,1,007,0,2011-01-01,\n";
    let text = std::str::from_utf8(text).map_err(|e| e.to_string())?;
    let filter: Filter = text.parse().map_err(|e| format!("{e}"))?;
    assert_eq!(filter.to_string().parse(), Ok(filter.clone()));
    let loaded = |options: &LoadOptions| {
        let mut source = read(Cursor::new(ROWS), "rows.csv", options)?;
        load_table(&mut *source, |_| ())
    };
    let keep = ["kind", "n", "day", "flag", "lon", "lat"];
    let kept = LoadOptions {
        keep: keep.map(str::to_owned).to_vec(),
        ..LoadOptions::default()
    };
    let (points, table, _) = loaded(&kept).expect("good rows");
    let selected = table.select(&points, &filter).map_err(|e| e.to_string());
    let asked = LoadOptions {
        filter: Some(filter),
        ..LoadOptions::default()
    };
    match (loaded(&asked), selected) {
        (Ok((_, _, report)), Ok(selected)) => {
            assert_eq!(report.kept, selected.summary().count as u64, "{text}");
            Ok(report.kept)
        }
        // The table may refuse a filter that is accepted while loading.
        (Ok(_), Err(refused)) => Err(refused),
        // A load that keeps no row is an error.
        (Err(error), selected) => {
            let some = selected.is_ok_and(|points| points.summary().count > 0);
            assert!(!some, "{text}: {error}");
            Err(error.to_string())
        }
    }
}

/// Writes bytes to a file and returns its path. The bytes of a Shapefile have the form that
/// [`pack`] makes, and become up to three files.
fn put(folder: &Path, extension: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(format!("any.{extension}"));
    let write = |path: &Path, bytes: &[u8]| std::fs::write(path, bytes).expect("a file");
    if extension != "shp" {
        write(&path, bytes);
        return path;
    }
    let (shp, rest) = first_part(bytes);
    let (dbf, prj) = first_part(rest);
    for (part, bytes) in [("shp", shp), ("dbf", dbf), ("prj", prj)] {
        let path = path.with_extension(part);
        if bytes.is_empty() && part != "shp" {
            let _ = std::fs::remove_file(path);
        } else {
            write(&path, bytes);
        }
    }
    path
}

/// Joins three files in one. The first two are preceded by their lengths.
pub(crate) fn pack(shp: &[u8], dbf: &[u8], prj: &[u8]) -> Vec<u8> {
    let length = |part: &[u8]| (part.len() as u32).to_le_bytes();
    [&length(shp)[..], shp, &length(dbf), dbf, prj].concat()
}

fn first_part(bytes: &[u8]) -> (&[u8], &[u8]) {
    let Some((length, rest)) = bytes.split_first_chunk() else {
        return (bytes, &[]);
    };
    rest.split_at(rest.len().min(u32::from_le_bytes(*length) as usize))
}
