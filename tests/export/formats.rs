use super::{Tiles, assert_same, csv, dumped, expected, names, path, points};
use crate::program::{folder, heatsplat};
use crate::python;
use crate::scenes::style;
use heatsplat::{ImageFormat, Layer, Points, TileId, TileSize};
use serde_json::Value;
use std::path::Path;

/// A Python script that reads all tiles of a PMTiles archive by the reference reader. It also looks
/// some of them up by their addresses.
const PMTILES: &str = "
import sys, struct, json
from pmtiles.reader import Reader, MmapSource, all_tiles
file, out = sys.argv[1:]
with open(file, 'rb') as f, open(out, 'wb') as o:
    source = MmapSource(f)
    reader = Reader(source)
    count = 0
    for (z, x, y), data in all_tiles(source):
        o.write(struct.pack('<4I', z, x, y, len(data))); o.write(data)
        if count % 7 == 0: assert reader.get(z, x, y) == data, (z, x, y)
        count += 1
    h = reader.header()
    assert reader.get(7, 0, 0) is None
    assert h['addressed_tiles_count'] == count and h['clustered'], h
    assert h['internal_compression'].name == 'GZIP' and h['tile_type'].name in ('PNG', 'WEBP'), h
    print(json.dumps(dict(reader.metadata(), min=h['min_zoom'], max=h['max_zoom'],
        west=h['min_lon_e7'], contents=h['tile_contents_count'], entries=h['tile_entries_count'])))
";

fn by_pmtiles(file: &str, out: &Path) -> Option<(Tiles, Value)> {
    let said = python::packaged("pmtiles", PMTILES, &[file, out.to_str().unwrap()])?;
    Some((dumped(out), serde_json::from_str(&said).unwrap()))
}

#[test]
fn pmtiles_hold_every_tile_and_no_other() {
    let folder = folder("export-pmtiles");
    let points = points(3000);
    let source = csv(&folder, &points);
    let (_, file) = path(&folder, "out.pmtiles");
    let whole = style(&[]);
    // Tiles of smooth kernels are drawn by quads, tiles of edged kernels one by one. Colours that
    // cover whole tiles give equal tiles.
    for (words, flags, zooms, size, format) in [
        (&[][..], &[][..], 0..=6, TileSize::NORMAL, ImageFormat::Png),
        (
            &[
                ("kernel", "uniform"),
                ("radius", "9"),
                ("domain", "0,1"),
                ("scale", "linear"),
            ],
            &[
                "--kernel", "uniform", "--radius", "9", "--domain", "0,1", "--scale", "linear",
            ],
            3..=5,
            TileSize::NORMAL,
            ImageFormat::Png,
        ),
        (
            &[("kernel", "quartic"), ("radius", "100")],
            &[
                "--kernel", "quartic", "--radius", "100", "--retina", "--as", "webp",
            ],
            0..=3,
            TileSize::RETINA,
            ImageFormat::WebP,
        ),
        (
            &[("radius", "2")],
            &["--radius", "2", "--tile-size", "512", "--as", "rgba"],
            2..=4,
            TileSize::new(512, 1).unwrap(),
            ImageFormat::PngRgba,
        ),
    ] {
        let zoom = format!("{}-{}", zooms.start(), zooms.end());
        let command = [
            "export",
            &source,
            "-o",
            &file,
            "--zoom",
            &zoom,
            "--overwrite",
        ];
        let (code, _, err) = heatsplat(&[&command[..], flags].concat());
        assert_eq!(code, 0, "{err}");
        let Some((found, about)) = by_pmtiles(&file, &folder.join("dump")) else {
            return;
        };
        let style = if words.is_empty() {
            whole.clone()
        } else {
            style(words)
        };
        let expected = expected(&points, zooms.clone(), size, &style, format);
        assert!(expected.len() > 20, "{}", expected.len());
        assert_same(&found, &expected, &zoom);
        assert_eq!(
            (&about["name"], &about["type"]),
            (&"made up".into(), &"overlay".into())
        );
        assert_eq!(
            (&about["min"], &about["max"]),
            (&(*zooms.start()).into(), &(*zooms.end()).into())
        );
        assert_eq!(about["west"], -1_800_000_000);
        assert_eq!(about["data_bounds"].as_array().unwrap().len(), 4);
        let distinct = expected
            .values()
            .collect::<std::collections::BTreeSet<_>>()
            .len();
        assert_eq!(about["contents"], distinct, "equal tiles are stored once");
    }
    assert_eq!(names(&folder), ["dump", "made up.csv", "out.pmtiles"]);
}

/// The box crosses the date line.
#[test]
fn a_box_takes_the_tiles_it_touches() {
    let folder = folder("export-box");
    let points = points(3000);
    let source = csv(&folder, &points);
    let (_, file) = path(&folder, "out.pmtiles");
    let command = [
        "export",
        &source,
        "-o",
        &file,
        "--zoom",
        "2-6",
        "--bbox",
        "170,-45,281.25,66.6",
    ];
    let (code, _, err) = heatsplat(&command);
    assert_eq!(code, 0, "{err}");
    let Some((found, _)) = by_pmtiles(&file, &folder.join("dump")) else {
        return;
    };
    let mut expected = expected(
        &points,
        2..=6,
        TileSize::NORMAL,
        &style(&[]),
        ImageFormat::Png,
    );
    let all = expected.len();
    expected.retain(|&(z, x, y), _| {
        let side = f64::from(1u32 << z);
        let lon = |x: u32| f64::from(x) / side * 360.0 - 180.0;
        let lat = |y: u32| {
            let n = std::f64::consts::PI * (1.0 - 2.0 * f64::from(y) / side);
            n.sinh().atan().to_degrees()
        };
        let across = lon(x + 1) > 170.0 || lon(x) < 281.25 - 360.0;
        across && lat(y) > -45.0 && lat(y + 1) < 66.6
    });
    assert!(expected.len() * 3 < all * 2 && expected.len() > 100);
    assert_same(&found, &expected, "box");
}

/// The tiles are read by the reader that browsers use. There are so many tiles that the archive has
/// leaf directories.
#[test]
fn pmtiles_are_read_in_javascript() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser");
    if !root.join("node_modules/pmtiles").exists() {
        crate::requirements::left_out("npm's pmtiles is missing; scripts/test installs it");
        return;
    }
    let folder = folder("export-js");
    let points = points(20_000);
    let source = csv(&folder, &points);
    let (_, file) = path(&folder, "out.pmtiles");
    // With this radius there are so many tiles that the archive has leaf directories.
    let flags = ["--zoom", "0-7", "--radius", "16px"];
    let (code, _, err) = heatsplat(&[&["export", &source, "-o", &file][..], &flags].concat());
    assert_eq!(code, 0, "{err}");
    assert!(!err.contains(": 0 tiles"), "{err}");
    let layer = Layer::on_cpu("x", Points::from_lon_lat(points).unwrap(), style(&[]));
    let occupied = (0..=7).flat_map(|z| layer.points().occupied_tiles(z));
    let wanted: Vec<TileId> = occupied.map(|occupied| occupied.tile).step_by(53).collect();
    let address = |tile: &TileId| format!("{}/{}/{}", tile.z(), tile.x(), tile.y());
    let asked: Vec<String> = wanted.iter().map(address).collect();
    let (dump, out) = path(&folder, "dump");
    let script = root.join("pmtiles.mjs");
    let run = std::process::Command::new("node")
        .args([script.to_str().unwrap(), &file, &asked.join(","), &out])
        .output()
        .unwrap();
    assert!(
        run.status.success(),
        "{}",
        String::from_utf8_lossy(&run.stderr)
    );
    let leaves = u64::from_le_bytes(std::fs::read(&file).unwrap()[48..56].try_into().unwrap());
    assert!(leaves > 0, "there are no leaf directories");
    let found = dumped(&dump);
    assert_eq!(found.len(), wanted.len());
    for tile in wanted {
        let bytes = layer.tile(tile).png().unwrap();
        assert!(
            found[&(tile.z(), tile.x(), tile.y())] == *bytes,
            "{}",
            address(&tile)
        );
    }
}

/// The metadata for viewers: the bounds contain everything that a tile shows, the points have
/// separate bounds, and the first view lies within these. Both kinds of archives have equal
/// metadata.
#[test]
fn an_archives_bounds_hold_its_heat() {
    let folder = folder("export-bounds");
    let crowd = (0..400).map(|i| {
        (
            f64::from(i % 20) / 50.0 + 13.0,
            f64::from(i / 20) / 60.0 + 52.0,
            1.0,
        )
    });
    let points: Vec<_> = crowd.chain([(-70.0, -33.0, 1.0)]).collect();
    let source = csv(&folder, &points);
    let expected = expected(
        &points,
        2..=6,
        TileSize::NORMAL,
        &style(&[("radius", "60")]),
        ImageFormat::Png,
    );
    for name in ["out.pmtiles", "out.mbtiles"] {
        let (path, file) = path(&folder, name);
        let command = [
            "export", &source, "-o", &file, "--zoom", "2-6", "--radius", "60",
        ];
        let (code, _, err) = heatsplat(&command);
        assert_eq!(code, 0, "{err}");
        let archive = heatsplat_archive::Archive::open(&path).unwrap();
        let about = archive.contents();
        let [west, south, east, north] = about.bounds.edges();
        assert!(west > -180.0 && east < 180.0 && east > 30.0, "{about:?}");
        for &(z, x, y) in expected.keys() {
            let window = heatsplat::Window::tile(TileId::new(z, x, y).unwrap(), 256);
            let [w, s, e, n] = window.bounds();
            // Clients request the tiles that the box touches.
            assert!(
                w < east && e > west && s < north && n > south,
                "{z}/{x}/{y}: {about:?}"
            );
        }
        let near = |a: f64, b: f64| (a - b).abs() < 1e-6;
        let data = about.data_bounds.unwrap().edges();
        let all = [-70.0, -33.0, 13.38, 52.0 + 19.0 / 60.0];
        assert!(data.iter().zip(all).all(|(a, b)| near(*a, b)), "{data:?}");
        let [lon, lat, zoom] = about.center;
        assert!(
            (12.9..13.5).contains(&lon) && (51.9..52.5).contains(&lat),
            "{about:?}"
        );
        assert_eq!((zoom, about.tile_size), (6.0, 256), "{about:?}");
    }
}

const MBTILES: &str = "
import sys, sqlite3, struct, json
file, out = sys.argv[1:]
db = sqlite3.connect('file:' + file + '?mode=ro', uri=True)
assert [r[0] for r in db.execute('pragma integrity_check')] == ['ok']
assert db.execute('pragma application_id').fetchone()[0] == 0x4d504258
with open(out, 'wb') as o:
    for z, x, row, data in db.execute('select zoom_level, tile_column, tile_row, tile_data from tiles'):
        o.write(struct.pack('<4I', z, x, (1 << z) - 1 - row, len(data))); o.write(data)
print(json.dumps(dict(db.execute('select name, value from metadata'))))
";

/// A Python script in which GDAL opens the archive and reads the pixels of one tile of the deepest
/// zoom.
const GDAL: &str = "
import sys; from osgeo import gdal; gdal.UseExceptions()
file, z, x, y, tile = sys.argv[1], *map(int, sys.argv[2:5]), sys.argv[5]
d = gdal.OpenEx(file, open_options=['ZOOM_LEVEL=%d' % z, 'USE_BOUNDS=NO'])
assert d.GetDriver().ShortName == 'MBTiles' and '3857' in d.GetProjection()
g = d.GetGeoTransform()
side = 40075016.685578488 / 2**z
column = round((x * side - 20037508.342789244 - g[0]) / g[1])
row = round((20037508.342789244 - y * side - g[3]) / g[5])
open(tile + '.raw', 'wb').write(d.ReadRaster(column, row, 256, 256))
print(d.RasterCount, d.GetRasterBand(1).GetOverviewCount())
";

#[test]
fn mbtiles_hold_every_tile_and_no_other() {
    let folder = folder("export-mbtiles");
    let points = points(3000);
    let source = csv(&folder, &points);
    let (_, file) = path(&folder, "out.mbtiles");
    let flags = [
        "--zoom",
        "1-6",
        "--attribution",
        "made up",
        "--ramp",
        "viridis",
    ];
    let command = [&["export", &source, "-o", &file][..], &flags].concat();
    let (code, _, err) = heatsplat(&command);
    assert_eq!(code, 0, "{err}");
    let (dump, out) = path(&folder, "dump");
    let style = style(&[("ramp", "viridis")]);
    let expected = expected(&points, 1..=6, TileSize::NORMAL, &style, ImageFormat::Png);
    let Some(said) = python::system("sqlite3", MBTILES, &[&file, &out]) else {
        return;
    };
    assert_same(&dumped(&dump), &expected, "mbtiles");
    let about: Value = serde_json::from_str(&said).unwrap();
    for (name, value) in [
        ("format", "png"),
        ("minzoom", "1"),
        ("maxzoom", "6"),
        ("attribution", "made up"),
    ] {
        assert_eq!(about[name], value);
    }
    assert!(
        about["bounds"].as_str().unwrap().starts_with("-180,"),
        "{about}"
    );
    assert!(about["data_bounds"].as_str().unwrap().matches(',').count() == 3);

    let deepest = expected.iter().filter(|((z, ..), _)| *z == 6);
    let ((z, x, y), bytes) = deepest.max_by_key(|(_, bytes)| bytes.len()).unwrap();
    let address = [z.to_string(), x.to_string(), y.to_string()];
    let arguments = [&file, &address[0], &address[1], &address[2], &out].map(String::as_str);
    let Some(said) = python::system("osgeo", GDAL, &arguments) else {
        return;
    };
    assert_eq!(said, "4 5");
    let raw = std::fs::read(folder.join("dump.raw")).unwrap();
    let picture = crate::compare::decode_png(bytes);
    let bands: Vec<u8> = (0..4)
        .flat_map(|band| picture.pixels().map(move |p| p.0[band]))
        .collect();
    assert!(raw == bands, "GDAL sees other pixels");
    assert_eq!(
        names(&folder),
        ["dump", "dump.raw", "made up.csv", "out.mbtiles"]
    );
}

#[test]
fn a_folder_holds_every_tile_and_no_other() {
    let folder = folder("export-folder");
    let points = points(3000);
    let source = csv(&folder, &points);
    let (tiles, root) = path(&folder, "tiles");
    let template = format!("{root}/{{z}}/{{x}}/{{y}}.png");
    let export = |zoom: &str, flag: &[&str]| {
        heatsplat(
            &[
                &["export", &source, "-o", &template, "--zoom", zoom][..],
                flag,
            ]
            .concat(),
        )
    };
    assert_eq!(export("0-5", &[]).0, 0);
    let mut found = Tiles::new();
    let inner = |path: &Path| std::fs::read_dir(path).unwrap().map(|e| e.unwrap().path());
    let number = |path: &Path| {
        path.file_stem()
            .unwrap()
            .to_str()
            .unwrap()
            .parse::<u32>()
            .unwrap()
    };
    for zoom in inner(&tiles).filter(|path| path.is_dir()) {
        for column in inner(&zoom) {
            for file in inner(&column) {
                let address = (number(&zoom) as u8, number(&column), number(&file));
                found.insert(address, std::fs::read(&file).unwrap());
            }
        }
    }
    let expected = expected(
        &points,
        0..=5,
        TileSize::NORMAL,
        &style(&[]),
        ImageFormat::Png,
    );
    assert_same(&found, &expected, "folder");
    let about = std::fs::read(tiles.join("metadata.json")).unwrap();
    assert_eq!(
        serde_json::from_slice::<Value>(&about).unwrap()["maxzoom"],
        "5"
    );
    // An export may replace a folder of tiles, but not a folder that contains any other file.
    let (code, _, err) = export("2", &[]);
    assert!(code == 1 && err.contains("--overwrite"), "{err}");
    assert_eq!(export("2", &["--overwrite"]).0, 0);
    assert_eq!(names(&tiles), ["2", "metadata.json"]);
    std::fs::write(tiles.join("letter.txt"), "dear").unwrap();
    let (code, _, err) = export("3", &["--overwrite"]);
    assert!(code == 1 && err.contains("more than tiles"), "{err}");
    assert_eq!(names(&tiles), ["2", "letter.txt", "metadata.json"]);
}

#[test]
fn a_dry_run_says_what_would_come_and_writes_nothing() {
    let folder = folder("export-dry");
    let points = points(2000);
    let source = csv(&folder, &points);
    let (_, file) = path(&folder, "out.pmtiles");
    let flags = ["--zoom", "0-5", "--dry-run"];
    let (code, out, err) = heatsplat(&[&["export", &source, "-o", &file][..], &flags].concat());
    assert_eq!(code, 0, "{err}");
    assert_eq!(names(&folder), ["made up.csv"]);
    let expected = expected(
        &points,
        0..=5,
        TileSize::NORMAL,
        &style(&[]),
        ImageFormat::Png,
    );
    let lines: Vec<Vec<&str>> = out
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    for z in 0..=5u8 {
        let count = expected.keys().filter(|(zoom, ..)| *zoom == z).count();
        let line = &lines[usize::from(z) + 1];
        let said: f64 = line[1]
            .trim_start_matches('~')
            .replace(',', "")
            .parse()
            .unwrap();
        let exact = !line[1].starts_with('~');
        let near = (said / count as f64 - 1.0).abs() < if exact { 1e-9 } else { 0.3 };
        assert!(near, "zoom {z}: {said} of {count}\n{out}");
    }
}

#[test]
fn mistakes_leave_everything_as_it_was() {
    let folder = folder("export-mistakes");
    let source = csv(&folder, &points(50));
    let (there, file) = path(&folder, "there.pmtiles");
    std::fs::write(&there, "mine").unwrap();
    let (_, nowhere) = path(&folder, "no/such/folder/a.mbtiles");
    for (flags, hint) in [
        (&["-o", &file[..], "--zoom", "3"][..], "--overwrite"),
        (&["-o", &nowhere, "--zoom", "3"], "no/such/folder"),
        (
            &["-o", &file, "--zoom", "3", "--overwrite", "--as", "f32"],
            "png, rgba or webp",
        ),
    ] {
        let (code, _, err) = heatsplat(&[&["export", &source][..], flags].concat());
        assert!(code == 1 && err.contains(hint), "{flags:?}: {code} {err}");
    }
    assert_eq!(names(&folder), ["made up.csv", "there.pmtiles"]);
    assert_eq!(std::fs::read(&there).unwrap(), b"mine");
}

/// A `.parquet` has the points themselves: any command reads them again, with the pictures of the
/// source.
#[test]
fn points_are_exported_as_geoparquet() {
    let folder = folder("export-points");
    let points = points(3000);
    let source = csv(&folder, &points);
    let (_, file) = path(&folder, "out.parquet");
    let (code, _, errors) = heatsplat(&["export", &source, "-o", &file]);
    assert_eq!(code, 0, "{errors}");
    assert!(errors.contains("out.parquet: 3003 points"), "{errors}");
    let picture = |source: &str, name: &str| {
        let (_, file) = path(&folder, name);
        let (code, _, errors) = heatsplat(&["render", source, "-o", &file, "--size", "300"]);
        assert_eq!(code, 0, "{errors}");
        std::fs::read(file).unwrap()
    };
    assert!(picture(&source, "a.png") == picture(&file, "b.png"));
    let (code, _, errors) = heatsplat(&["export", &source, "-o", &file]);
    assert!(code != 0 && errors.contains("--overwrite"), "{errors}");
    let (code, _, errors) = heatsplat(&["export", &source, "-o", &file, "--overwrite"]);
    assert_eq!(code, 0, "{errors}");
    for (flags, says) in [
        (&["--zoom", "3"][..], "--zoom is for tiles"),
        (&["--resume"], "--resume is for tiles"),
    ] {
        let all = [&["export", &source, "-o", &file][..], flags].concat();
        let (code, _, errors) = heatsplat(&all);
        assert!(code == 2 && errors.contains(says), "{errors}");
    }
    let (_, tiles) = path(&folder, "out.pmtiles");
    let (code, _, errors) = heatsplat(&["export", &source, "-o", &tiles]);
    assert!(
        code == 2 && errors.contains("--zoom is missing"),
        "{errors}"
    );
}
