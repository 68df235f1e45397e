//! Tests of the real program `heatsplat export`. Its files are read by programs that know nothing
//! of heatsplat.

mod formats;
mod interrupted;
mod raster;
mod served;

use heatsplat::{ImageFormat, Layer, Points, Style, TileId, TileSize};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Tiles by their addresses: zoom, column and row.
type Tiles = BTreeMap<(u8, u32, u32), Vec<u8>>;

/// Points in clusters, single points on both sides of the date line, and one near a pole.
fn points(count: usize) -> Vec<(f64, f64, f32)> {
    let odd = [
        (179.99, 10.0, 3.0),
        (-179.99, -20.0, 2.0),
        (12.0, 84.9, 1.0),
    ];
    let weight = |i: usize| (i % 5 + 1) as f32;
    let made = heatsplat::generate::points(count, 7).enumerate();
    made.map(|(i, (lon, lat, _))| (lon, lat, weight(i)))
        .chain(odd)
        .collect()
}

/// Writes points to a CSV file, and returns its path.
fn csv(folder: &Path, points: &[(f64, f64, f32)]) -> String {
    let mut rows = String::from("lon,lat,weight\n");
    for (lon, lat, weight) in points {
        writeln!(rows, "{lon},{lat},{weight}").unwrap();
    }
    let file = folder.join("made up.csv");
    std::fs::write(&file, rows).unwrap();
    file.to_str().unwrap().to_owned()
}

/// The expected tiles: all tiles of some zooms that show something, as the library draws them.
fn expected(
    points: &[(f64, f64, f32)],
    zooms: std::ops::RangeInclusive<u8>,
    size: TileSize,
    style: &Style,
    format: ImageFormat,
) -> Tiles {
    let points = Points::from_lon_lat(points.iter().copied()).unwrap();
    let style = &crate::scenes::fitted(style.clone(), &points);
    let layer = Layer::on_cpu("made up", points, style.clone());
    let mut tiles = Tiles::new();
    for z in zooms {
        for (x, y) in (0..1 << z).flat_map(|x| (0..1 << z).map(move |y| (x, y))) {
            let tile = TileId::new(z, x, y).unwrap();
            if layer
                .tile(tile)
                .size(size)
                .style(style)
                .picture()
                .indices
                .iter()
                .any(|&index| index > 0)
            {
                let bytes = layer
                    .tile(tile)
                    .size(size)
                    .style(style)
                    .format(format)
                    .encode()
                    .unwrap();
                tiles.insert((z, x, y), bytes.to_vec());
            }
        }
    }
    tiles
}

/// Reads the tiles that a script has written one after the other. Each has four 32-bit numbers
/// (zoom, column, row and length), then its bytes.
fn dumped(file: &Path) -> Tiles {
    let all = std::fs::read(file).unwrap();
    let mut left = &all[..];
    let mut tiles = Tiles::new();
    while !left.is_empty() {
        let number = |i: usize| u32::from_le_bytes(left[4 * i..4 * i + 4].try_into().unwrap());
        let [z, x, y, length] = [0, 1, 2, 3].map(number);
        let end = 16 + length as usize;
        let former = tiles.insert((z as u8, x, y), left[16..end].to_vec());
        assert!(former.is_none(), "{z}/{x}/{y} is there twice");
        left = &left[end..];
    }
    tiles
}

/// Asserts that the tiles are equal. A failure doesn't print their bytes, which may be megabytes.
fn assert_same(found: &Tiles, expected: &Tiles, what: &str) {
    let missing: Vec<_> = expected.keys().filter(|k| !found.contains_key(k)).collect();
    let needless: Vec<_> = found.keys().filter(|k| !expected.contains_key(k)).collect();
    assert!(
        missing.is_empty() && needless.is_empty(),
        "{what}: missing {missing:?}, needless {needless:?}"
    );
    for (address, bytes) in expected {
        assert!(
            found[address] == *bytes,
            "{what}: {address:?} is another tile"
        );
    }
}

/// The names of the files and folders in a folder.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn path(folder: &Path, name: &str) -> (PathBuf, String) {
    let path = folder.join(name);
    let text = path.to_str().unwrap().to_owned();
    (path, text)
}
