use super::{csv, expected, path, points};
use crate::program::{Server, folder, heatsplat};
use crate::scenes::style;
use heatsplat::render::PointSet;
use heatsplat::{CpuBackend, ImageFormat, Layer, Point, TileId, TileSize};
use heatsplat_archive::Archive;
use serde_json::Value;
use std::sync::Arc;

fn exported(folder: &std::path::Path, name: &str, zooms: &str) -> String {
    let source = csv(folder, &points(3000));
    let (_, file) = path(folder, name);
    let (code, _, err) = heatsplat(&["export", &source, "-o", &file, "--zoom", zooms]);
    assert_eq!(code, 0, "{err}");
    file
}

#[test]
fn an_archive_is_served_as_it_was_drawn() {
    let folder = folder("export-served");
    let files = ["a.pmtiles", "b.mbtiles"].map(|name| exported(&folder, name, "1-6"));
    let server = Server::start(&[&files[0], &files[1], "examples/cities.csv.gz"]);
    let json = |path: &str| {
        let (status, _, body) = server.get(path, "");
        assert_eq!(status, 200, "{path}");
        serde_json::from_slice::<Value>(&body).unwrap()
    };
    let expected = expected(
        &points(3000),
        1..=6,
        TileSize::NORMAL,
        &style(&[]),
        ImageFormat::Png,
    );
    for id in ["a", "b"] {
        let about = json(&format!("/{id}"));
        assert_eq!(
            (&about["minzoom"], &about["maxzoom"]),
            (&1.into(), &6.into())
        );
        let url = about["tiles"][0].as_str().unwrap().to_owned();
        assert!(
            url.ends_with(&format!("/{id}/{{z}}/{{x}}/{{y}}.png")),
            "{url}"
        );
        for ((z, x, y), bytes) in expected.iter().step_by(7) {
            let (status, head, body) = server.get(&format!("/{id}/{z}/{x}/{y}.png"), "");
            assert!(status == 200 && body == *bytes, "{id}/{z}/{x}/{y}");
            assert!(
                head.contains("content-type: image/png") && head.contains("etag: "),
                "{head}"
            );
        }
        // Parameters that proxies and libraries add to addresses change nothing.
        let plain = server.get(&format!("/{id}/1/0/0.png"), "").2;
        let (status, _, body) = server.get(&format!("/{id}/1/0/0.png?v=2&utm_source=a"), "");
        assert!(status == 200 && body == plain, "{id}: {status}");
        let (status, _, _) = server.get(&format!("/{id}?v=2"), "");
        assert_eq!(status, 200, "{id}");
        // Within the zooms of the archive, a tile that it doesn't contain is an empty picture.
        let free = (0..64)
            .map(|x| (6, x, 63))
            .find(|k| !expected.contains_key(k))
            .unwrap();
        let (status, _, body) =
            server.get(&format!("/{id}/{}/{}/{}.png", free.0, free.1, free.2), "");
        let picture = crate::compare::decode_png(&body);
        assert!(status == 200 && picture.pixels().all(|p| p.0[3] == 0) && picture.width() == 256);
        for (rest, wanted) in [
            ("0/0/0.png", 404),
            ("7/0/0.png", 404),
            ("1/0/0@2x.png", 404),
            ("1/0/0.webp", 404),
            ("1/2/0.png", 400),
            ("1/0/0.png?ramp=viridis", 400),
            ("1/0/0.png?v=2&colour=red", 400),
            ("legend.json", 404),
            ("value?lon=1&lat=2", 404),
            ("gdal.xml", 404),
            ("map.png?bbox=-10,35,30,60&width=64&height=64", 404),
        ] {
            let (status, _, body) = server.get(&format!("/{id}/{rest}"), "");
            let said = String::from_utf8_lossy(&body);
            assert!(
                status == wanted && said.contains("error"),
                "{id}/{rest}: {status} {said}"
            );
        }
    }
    let catalog = json("/catalog");
    let stored: Vec<_> = catalog["layers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|l| l["stored"].clone())
        .collect();
    assert_eq!(stored, ["png".into(), "png".into(), Value::Null]);
}

/// An archive is cut off at many places, or one of its bits is changed. Then it is refused or read,
/// but never causes a panic.
#[test]
fn a_damaged_archive_is_refused() {
    let folder = folder("export-damaged");
    for name in ["a.pmtiles", "b.mbtiles"] {
        let file = exported(&folder, name, "0-4");
        let whole = std::fs::read(&file).unwrap();
        let (damaged, text) = path(&folder, &format!("damaged-{name}"));
        for part in 0..60 {
            std::fs::write(&damaged, &whole[..whole.len() * part / 60]).unwrap();
            let error = Archive::open(&damaged).unwrap_err().to_string();
            assert!(error.contains(&text), "{error}");
        }
        let (mut refused, mut random) = (0, 88_172_645_463_325_252u64);
        for turn in 0..200 {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let mut spoiled = whole.clone();
            // Damage is most likely to be noticed in the first bytes, and then in the directories
            // at the end of an archive.
            let places = [200, spoiled.len(), 4096];
            let at = match turn % 3 {
                0 => random as usize % places[0],
                1 => random as usize % places[1],
                _ => spoiled.len() - 1 - random as usize % places[2],
            };
            spoiled[at] ^= 1 << (random >> 40 & 7);
            std::fs::write(&damaged, &spoiled).unwrap();
            let Ok(archive) = Archive::open(&damaged) else {
                refused += 1;
                continue;
            };
            for (z, side) in (0..=4u8).map(|z| (z, 1 << z)) {
                for (x, y) in (0..side).flat_map(|x| (0..side).map(move |y| (x, y))) {
                    let _ = archive.tile(TileId::new(z, x, y).unwrap());
                }
            }
        }
        assert!(refused > 20, "{name}: {refused} of 200 are refused");
        std::fs::write(&damaged, &whole[..whole.len() - 100]).unwrap();
        let (code, _, err) = heatsplat(&["serve", &text, "--listen", "127.0.0.1:0"]);
        assert!(
            code == 1 && err.contains(&text) && err.contains("cut off"),
            "{code} {err}"
        );
        assert!(!err.contains("panicked"), "{err}");
    }
    let (text, name) = path(&folder, "text.pmtiles");
    std::fs::write(&text, "lon,lat\n1,2\n").unwrap();
    let (code, _, err) = heatsplat(&["serve", &name, "--listen", "127.0.0.1:0"]);
    assert!(code == 1 && err.contains("no PMTiles"), "{err}");
}

/// A point may have a larger radius than the style. It is shown in each tile that its radius
/// reaches.
#[test]
fn a_radius_of_its_own_is_exported_as_far_as_it_reaches() {
    let folder = folder("export-radii");
    let (source, out) = (folder.join("lone.csv"), folder.join("tiles"));
    std::fs::write(&source, "lon,lat,weight,reach\n10,20,1,120\n").unwrap();
    let output = format!("{}/{{z}}/{{x}}/{{y}}.png", out.display());
    let source = source.to_str().unwrap();
    let flags = ["export", source, "-o", &output, "--zoom", "4"];
    let (code, _, err) = heatsplat(&[&flags[..], &["--radius-column", "reach"]].concat());
    assert_eq!(code, 0, "{err}");
    let point = Point::from_lon_lat(10.0, 20.0, 1.0).unwrap();
    let set = PointSet::with_radii(&[point], &[120.0]);
    let layer = Layer::new(
        "lone",
        Arc::new(set),
        style(&[]),
        Arc::new(CpuBackend::new()),
    );
    let all = (0..16).flat_map(|x| (0..16).map(move |y| TileId::new(4, x, y).unwrap()));
    let mut seen = 0;
    for tile in all {
        let file = out.join(format!("4/{}/{}.png", tile.x(), tile.y()));
        let shown = !layer.tile(tile).picture().is_empty();
        assert_eq!(file.exists(), shown, "{tile:?}");
        seen += usize::from(shown);
    }
    assert!(seen > 1, "{seen}");
}
