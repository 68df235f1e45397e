//! Every format from every kind of server, and the number of bytes that the server sends.

use super::from;
use super::web::{Item, Web};
use crate::formats::{self, Row};
use crate::{Folder, opened};
use arrow_array::{ArrayRef, Float64Array, RecordBatch, StringArray};
use arrow_ipc::writer::StreamWriter;
use flatgeobuf::{FgbWriter, FgbWriterOptions, GeometryType};
use geozero::geojson::GeoJson;
use heatsplat_loader::{LoadOptions, SkipReason};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Rows with weights. Their longitudes rise from −179° to 179°, and their latitudes are scattered.
fn rows(count: u32) -> Vec<Row> {
    let row = |i: u32| {
        let lon = f64::from(i) / f64::from(count) * 358.0 - 179.0;
        let lat = f64::from(i.wrapping_mul(2_654_435_761) >> 8) / f64::from(1 << 24) * 160.0 - 80.0;
        Row {
            lon,
            lat,
            kind: None,
            n: Some(f64::from(i % 9) / 4.0),
            day: None,
            flag: None,
        }
    };
    (0..count).map(row).collect()
}

fn batch(rows: &[Row]) -> RecordBatch {
    let axis = |of: fn(&Row) -> f64| -> ArrayRef {
        Arc::new(Float64Array::from_iter_values(rows.iter().map(of)))
    };
    // The column `text` isn't read. It is larger than all others and lies between them.
    let texts = (0..rows.len()).map(|i| format!("{i:x}-{:060}", i.wrapping_mul(7_919)));
    let texts: ArrayRef = Arc::new(StringArray::from_iter_values(texts));
    let columns = [
        ("lon", axis(|r| r.lon)),
        ("text", texts),
        ("lat", axis(|r| r.lat)),
        ("count", axis(|r| r.n.unwrap())),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

fn parquet(path: &Path, rows: &[Row], group: usize) {
    let batch = batch(rows);
    let properties = WriterProperties::builder()
        .set_max_row_group_row_count(Some(group))
        .set_dictionary_enabled(false)
        .build();
    let file = File::create(path).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

fn flatgeobuf(path: &Path, rows: &[Row]) {
    let options = FgbWriterOptions::default();
    let mut writer = FgbWriter::create_with_options("a", GeometryType::Point, options).unwrap();
    for Row { lon: x, lat: y, .. } in rows {
        let point = format!("{{\"type\":\"Point\",\"coordinates\":[{x:?},{y:?}]}}");
        writer.add_feature_geom(GeoJson(&point), |_| ()).unwrap();
    }
    writer.write(File::create(path).unwrap()).unwrap();
}

/// Writes one set of rows in every format, compressed, and in several layouts. Returns the paths.
fn files(folder: &Folder, rows: &[Row]) -> Vec<PathBuf> {
    let mut all = formats::ALL
        .map(|format| formats::write(folder, format, rows))
        .to_vec();
    let text = std::fs::read(folder.file("rows.csv")).unwrap();
    let text = [&text[..], b"nowhere,1,,1,,\n"].concat();
    let mut other = |name: &str| {
        all.push(folder.file(name));
        folder.file(name)
    };
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(&text).unwrap();
    std::fs::write(other("b.csv.gz"), packed.finish().unwrap()).unwrap();
    std::fs::write(other("c.csv.zst"), zstd::encode_all(&text[..], 1).unwrap()).unwrap();
    parquet(&other("many.parquet"), rows, 1_500);
    parquet(&other("one.parquet"), rows, usize::MAX >> 1);
    flatgeobuf(&other("indexed.fgb"), rows);
    let batch = batch(rows);
    let file = File::create(other("a.arrows")).unwrap();
    let mut writer = StreamWriter::try_new(file, &batch.schema()).unwrap();
    writer.write(&batch).unwrap();
    writer.finish().unwrap();
    all
}

/// Asserts that an address gives the points and counts that the file gives.
fn assert_same(file: &Path, address: &str, options: &LoadOptions) {
    let (here, by) = opened(file, options).unwrap();
    let (there, report) = from(address, options).unwrap_or_else(|e| panic!("{address}: {e}"));
    assert!(
        here == there,
        "{address}: {} and {} points",
        here.len(),
        there.len()
    );
    assert_eq!((report.rows, report.kept), (by.rows, by.kept), "{address}");
    // With a spatial index the features outside of the box are never read, so they aren't counted.
    if !address.ends_with(".fgb") {
        assert_eq!(report.filtered, by.filtered, "{address}");
    }
    assert_eq!(report.weights_missing, by.weights_missing, "{address}");
    for reason in SkipReason::ALL {
        assert_eq!(report.skipped(reason), by.skipped(reason), "{address}");
    }
}

#[test]
fn every_format_from_every_server_is_like_its_file() {
    let folder = Folder::new("remote-formats");
    let web = Web::start();
    let within = LoadOptions {
        within: Some("10,-20,40,50".parse().unwrap()),
        ..LoadOptions::default()
    };
    for file in files(&folder, &rows(6_000)) {
        let name = file.file_name().unwrap().to_str().unwrap();
        for (no_ranges, no_length) in [(false, false), (true, false), (true, true), (false, true)] {
            let item = |path: &Path| Item {
                no_ranges,
                no_length,
                ..Item::of(std::fs::read(path).unwrap())
            };
            let address = web.put(&format!("/{name}"), item(&file));
            if name.ends_with(".shp") {
                web.put("/rows.dbf", item(&file.with_extension("dbf")));
            }
            assert_same(&file, &address, &LoadOptions::default());
            assert_same(&file, &address, &within);
        }
    }
    // The temporary file was removed.
    let own = format!("heatsplat-download-{}-", std::process::id());
    let left = || {
        let all = std::fs::read_dir(std::env::temp_dir()).unwrap().flatten();
        all.filter(|entry| entry.file_name().to_string_lossy().starts_with(&own))
            .count()
    };
    // Temporary files of other tests may exist for a moment.
    let mut looks = (0..200).map(|_| std::thread::sleep(std::time::Duration::from_millis(50)));
    assert!(looks.any(|()| left() <= 1));
}

#[test]
fn a_part_of_the_world_is_a_part_of_the_file() {
    let folder = Folder::new("remote-within");
    let web = Web::start();
    let rows = rows(60_000);
    let within = LoadOptions {
        within: Some("10,-80,30,80".parse().unwrap()),
        ..LoadOptions::default()
    };
    let (parquet_file, fgb) = (folder.file("a.parquet"), folder.file("a.fgb"));
    parquet(&parquet_file, &rows, 3_000);
    flatgeobuf(&fgb, &rows);
    for (file, most_of_all, most_of_part) in [(&parquet_file, 40, 15), (&fgb, 110, 40)] {
        let bytes = std::fs::read(file).unwrap();
        let size = bytes.len() as u64;
        let name = file.file_name().unwrap().to_str().unwrap();
        let address = web.put(&format!("/{name}"), Item::of(bytes));
        for (options, most) in [
            (LoadOptions::default(), most_of_all),
            (within.clone(), most_of_part),
        ] {
            web.asked();
            assert_same(file, &address, &options);
            let asked = web.asked();
            let sent: u64 = asked.iter().map(|asked| asked.bytes).sum();
            println!("{name}: {sent} of {size} bytes in {} requests", asked.len());
            assert!(sent * 100 <= size * most, "{name}: {sent} of {size} bytes");
            assert!(asked.len() < 200, "{name}: {} requests", asked.len());
            assert!(sent > 0);
        }
    }
}

#[test]
fn parquet_of_a_server_that_fails_is_not_called_damaged() {
    let folder = Folder::new("remote-fails");
    let web = Web::start();
    let file = folder.file("a.parquet");
    parquet(&file, &rows(20_000), 5_000);
    let bytes = std::fs::read(&file).unwrap();
    let message = |item: Item| {
        let address = web.put("/a.parquet", item);
        let error = from(&address, &LoadOptions::default()).map(|(_, report)| report);
        error.unwrap_err().to_string()
    };
    let restless = message(Item {
        restless: true,
        ..Item::of(bytes.clone())
    });
    assert!(
        restless.ends_with("reading failed: the file has changed while it was read"),
        "{restless}"
    );
    let cut = message(Item {
        e_tag: None,
        cuts: 1_000,
        ..Item::of(bytes.clone())
    });
    assert!(
        cut.contains("broke off") && !cut.contains("damaged"),
        "{cut}"
    );
    // If the file itself is cut off, the error says so.
    let short = message(Item::of(bytes[..bytes.len() - 9].to_vec()));
    assert!(short.contains("damaged or cut off"), "{short}");
}

#[test]
fn a_projection_that_may_not_be_read_is_an_error() {
    let folder = Folder::new("remote-shapes");
    let web = Web::start();
    let file = formats::write(&folder, "shp", &rows(10));
    let address = web.put("/a.shp?v=1", Item::of(std::fs::read(&file).unwrap()));
    let denied = Item {
        status: Some(403),
        ..Item::default()
    };
    web.put("/a.prj?v=1", denied);
    let error = from(&address, &LoadOptions::default())
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("/a.prj: cannot be opened: the server answers 403"),
        "{error}"
    );
    web.put("/a.prj?v=1", Item::of("LOCAL_CS[\"Mine 4\"]"));
    let error = from(&address, &LoadOptions::default())
        .unwrap_err()
        .to_string();
    assert!(error.contains("Mine 4"), "{error}");
    web.put(
        "/a.prj?v=1",
        Item {
            status: Some(404),
            ..Item::default()
        },
    );
    let (points, _) = from(&address, &LoadOptions::default()).unwrap();
    // There is no table beside it either.
    assert!(points.len() == 10 && points.iter().all(|p| p.weight == 1.0));
    let unnamed = web.put("/get?file=a.shp", Item::of(std::fs::read(&file).unwrap()));
    let error = from(&unnamed, &LoadOptions::default())
        .unwrap_err()
        .to_string();
    assert!(error.contains("must end in .shp"), "{error}");
}

#[test]
fn no_more_is_kept_than_is_allowed() {
    let folder = Folder::new("remote-limit");
    let web = Web::start();
    let file = formats::write(&folder, "gpkg", &rows(2_000));
    let bytes = std::fs::read(&file).unwrap();
    let options = |limit| LoadOptions {
        download_limit: Some(limit),
        ..LoadOptions::default()
    };
    let size = bytes.len() as u64;
    for no_length in [false, true] {
        let item = Item {
            no_length,
            no_ranges: no_length,
            ..Item::of(bytes.clone())
        };
        let address = web.put("/a.gpkg", item);
        assert_eq!(from(&address, &options(size)).unwrap().0.len(), 2_000);
        let error = from(&address, &options(size - 1)).unwrap_err().to_string();
        assert!(error.contains("`download_limit`"), "{error}");
    }
}

#[test]
fn an_option_without_use_is_refused_before_ranges_are_read() {
    let folder = Folder::new("remote-unused");
    let web = Web::start();
    let rows = rows(100);
    let (parquet_file, fgb) = (folder.file("a.parquet"), folder.file("a.fgb"));
    parquet(&parquet_file, &rows, 100);
    flatgeobuf(&fgb, &rows);
    let within = LoadOptions {
        within: Some("10,-80,30,80".parse().unwrap()),
        ..LoadOptions::default()
    };
    let member = LoadOptions {
        member: Some("a.csv".to_owned()),
        ..within.clone()
    };
    let table = LoadOptions {
        table: Some("shops".to_owned()),
        ..within
    };
    for file in [&parquet_file, &fgb] {
        let name = file.file_name().unwrap().to_str().unwrap();
        let address = web.put(&format!("/{name}"), Item::of(std::fs::read(file).unwrap()));
        for (options, says) in [
            (&member, "`member`: this is no archive"),
            (&table, "`table`: "),
        ] {
            let found = from(&address, options).map(|(_, report)| report);
            let message = found.unwrap_err().to_string();
            assert!(message.contains(says), "{message}");
            let found = opened(file, options).map(|(_, report)| report);
            let message = found.unwrap_err().to_string();
            assert!(message.contains(says), "{message}");
        }
    }
}
