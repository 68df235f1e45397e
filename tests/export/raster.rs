use super::{csv, names, path, points};
use crate::program::{folder, heatsplat};
use crate::python;
use crate::scenes::style;
use heatsplat::{Layer, Points, Style, TileId};
use std::path::Path;

const VALID: &str = "
import sys
from rio_cogeo.cogeo import cog_validate
valid, errors, warnings = cog_validate(sys.argv[1], strict=True)
print(valid, errors, warnings)
";

/// A Python script in which GDAL reads the pixels of a tile: from the raster, or from its overview
/// of a lower zoom.
const READ: &str = "
import sys; from osgeo import gdal; gdal.UseExceptions()
file, last, z, x, y, out = sys.argv[1], *map(int, sys.argv[2:6]), sys.argv[6]
d = gdal.Open(file)
assert d.GetDriver().ShortName == 'GTiff' and '3857' in d.GetProjection(), d.GetProjection()
assert d.GetMetadata('IMAGE_STRUCTURE')['COMPRESSION'] == 'DEFLATE'
g = d.GetGeoTransform(); scale = 2 ** (last - z); world = 40075016.685578488
size = round(world / 2 ** last / g[1])
left = round((x * world / 2 ** z - world / 2 - g[0]) / g[1] / scale)
top = round((world / 2 - y * world / 2 ** z - g[3]) / g[5] / scale)
bands = [d.GetRasterBand(b + 1) for b in range(d.RasterCount)]
if z < last: bands = [b.GetOverview(last - z - 1) for b in bands]
open(out, 'wb').write(b''.join(b.ReadRaster(left, top, size, size) for b in bands))
b = d.GetRasterBand(1)
print(d.RasterCount, b.GetOverviewCount(), b.GetNoDataValue(), gdal.GetDataTypeName(b.DataType), d.RasterXSize)
";

fn layer(points: &[(f64, f64, f32)], style: Style) -> Layer {
    let points = Points::from_lon_lat(points.iter().copied()).unwrap();
    let style = crate::scenes::fitted(style, &points);
    Layer::on_cpu("made up", points, style)
}

/// Asserts that a file is a valid COG. Returns `None` if the program that validates it is missing.
fn is_valid(file: &str) -> Option<()> {
    let said = python::packaged("rio_cogeo", VALID, &[file])?;
    assert_eq!(said, "True [] []");
    Some(())
}

fn read(file: &str, last: u8, tile: TileId, out: &Path) -> Option<(String, Vec<u8>)> {
    let [last, z, x, y] =
        [u32::from(last), u32::from(tile.z()), tile.x(), tile.y()].map(|n| n.to_string());
    let arguments = [file, &last, &z, &x, &y, out.to_str().unwrap()];
    let said = python::system("osgeo", READ, &arguments)?;
    Some((said, std::fs::read(out).unwrap()))
}

#[test]
fn densities_are_a_valid_cog_with_each_zoom_as_an_overview() {
    let folder = folder("export-cog");
    let points = points(3000);
    let source = csv(&folder, &points);
    let (_, file) = path(&folder, "out.tif");
    for (words, flags, nothing) in [
        (&[][..], &[][..], "0.0"),
        (&[("measure", "mean")], &["--measure", "mean"], "nan"),
    ] {
        let command = [
            "export",
            &source,
            "-o",
            &file,
            "--zoom",
            "2-5",
            "--overwrite",
        ];
        let (code, _, err) = heatsplat(&[&command[..], flags].concat());
        assert_eq!(code, 0, "{err}");
        let valid = is_valid(&file);
        let layer = layer(&points, style(words));
        for (z, x, y) in [(5u8, 16u32, 11u32), (5, 31, 15), (4, 8, 5), (2, 0, 1)] {
            let tile = TileId::new(z, x, y).unwrap();
            let Some((said, bytes)) = read(&file, 5, tile, &folder.join("raw")) else {
                return;
            };
            assert_eq!(said, format!("1 3 {nothing} Float32 8192"));
            let numbers = bytes
                .chunks_exact(4)
                .map(|b| f32::from_le_bytes(b.try_into().unwrap()));
            let expected = layer.tile(tile).density();
            assert!(
                expected.values.iter().any(|&v| v > 0.0),
                "{z}/{x}/{y} shows nothing"
            );
            let same = numbers
                .zip(&expected.values)
                .all(|(a, b)| a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan());
            assert!(
                same && bytes.len() == 4 << 16,
                "{z}/{x}/{y} has other numbers"
            );
        }
        if valid.is_none() {
            return;
        }
    }
    assert_eq!(names(&folder), ["made up.csv", "out.tif", "raw"]);
}

#[test]
fn colours_of_a_box_are_a_valid_cog_too() {
    let folder = folder("export-cog-rgba");
    let points = points(3000);
    let source = csv(&folder, &points);
    let (_, file) = path(&folder, "out.tif");
    let flags = [
        "--zoom",
        "3-6",
        "--as",
        "rgba",
        "--bbox",
        "-10,35,30,60",
        "--ramp",
        "viridis",
    ];
    let (code, _, err) = heatsplat(&[&["export", &source, "-o", &file][..], &flags].concat());
    assert_eq!(code, 0, "{err}");
    let _ = is_valid(&file);
    let layer = layer(&points, style(&[("ramp", "viridis")]));
    for (z, x, y) in [(6u8, 33u32, 21u32), (4, 8, 5), (3, 4, 2)] {
        let tile = TileId::new(z, x, y).unwrap();
        let Some((said, bytes)) = read(&file, 6, tile, &folder.join("raw")) else {
            return;
        };
        assert_eq!(said, "4 3 None Byte 4096");
        let picture = layer.tile(tile).picture();
        let image = heatsplat::image::rgba(&picture, layer.style().ramp());
        let bands: Vec<u8> = (0..4)
            .flat_map(|band| image.pixels().map(move |p| p.0[band]))
            .collect();
        assert!(
            bands == bytes && bands.iter().any(|&b| b > 0),
            "{z}/{x}/{y} has other pixels"
        );
    }
    let (code, _, err) = heatsplat(&[
        "export",
        &source,
        "-o",
        &file,
        "--zoom",
        "0-20",
        "--overwrite",
    ]);
    assert!(code == 1 && err.contains("less of the map"), "{err}");
}

/// Points on both sides of ±180° become a raster of a few tiles that crosses ±180°. Its metadata
/// contain the bounds of the points.
#[test]
fn a_cog_around_180_is_as_wide_as_its_heat() {
    const SIZE: &str = "
import sys; from osgeo import gdal; gdal.UseExceptions()
d = gdal.Open(sys.argv[1]); g = d.GetGeoTransform()
print(d.RasterXSize, d.RasterYSize, round(g[0]), d.GetMetadata()['data_bounds'])
";
    let folder = folder("export-cog-180");
    let points = [(179.7, -17.0, 1.0), (-179.7, -16.5, 2.0)];
    let source = csv(&folder, &points);
    let (_, file) = path(&folder, "out.tif");
    let (code, _, err) = heatsplat(&["export", &source, "-o", &file, "--zoom", "4-5"]);
    assert_eq!(code, 0, "{err}");
    let _ = is_valid(&file);
    let Some(said) = python::system("osgeo", SIZE, &[&file]) else {
        return;
    };
    // These are the tiles 15 and 0 of zoom 4. The raster has them at zoom 5, so at twice the size.
    let west = (40_075_016.685_578_49 * (15.0 / 16.0 - 0.5_f64)).round();
    let (size, bounds) = said.rsplit_once(' ').unwrap();
    assert_eq!(size, format!("1024 512 {west}"));
    let numbers: Vec<f64> = bounds.split(',').map(|n| n.parse().unwrap()).collect();
    let near = numbers
        .iter()
        .zip([179.7, -17.0, 180.3, -16.5])
        .all(|(a, b)| (a - b).abs() < 1e-6);
    assert!(near, "{said}");
    let layer = layer(&points, style(&[]));
    for (z, x, y) in [(5u8, 31u32, 17u32), (5, 0, 17), (4, 0, 8)] {
        let tile = TileId::new(z, x, y).unwrap();
        let expected = layer.tile(tile).density();
        let place = if x == 0 {
            1 << (z - 4)
        } else {
            x - (15 << (z - 4))
        };
        let out = folder.join("raw");
        let at = [z, 5].map(|n| n.to_string());
        let [place, row] = [place, y - (8 << (z - 4))].map(|n| n.to_string());
        let arguments = [&file, &at[0], &at[1], &place, &row].map(String::as_str);
        let arguments = [&arguments[..], &[out.to_str().unwrap()]].concat();
        python::system("osgeo", PART, &arguments).unwrap();
        let bytes = std::fs::read(&out).unwrap();
        let (numbers, _) = bytes.as_chunks::<4>();
        let same = numbers
            .iter()
            .zip(&expected.values)
            .all(|(a, b)| f32::from_le_bytes(*a) == *b);
        assert!(
            same && expected.values.iter().any(|v| *v > 0.0),
            "{z}/{x}/{y}"
        );
    }
}

/// A Python script in which GDAL reads a tile by its position within the raster.
const PART: &str = "
import sys; from osgeo import gdal; gdal.UseExceptions()
file, z, last, x, y, out = sys.argv[1], *map(int, sys.argv[2:6]), sys.argv[6]
d = gdal.Open(file); b = d.GetRasterBand(1)
if z < last: b = b.GetOverview(last - z - 1)
open(out, 'wb').write(b.ReadRaster(x * 256, y * 256, 256, 256))
";
