//! Mapnik 3.1, as packaged by Debian, and heatsplat draw the same points from the same XML.

use crate::compare::{decode_png, side_by_side};
use crate::program::{folder, heatsplat};
use crate::python::system as python;
use heatsplat_import as import;
use std::fs;
use std::path::Path;
use std::process::Command;

/// A Python script in which Mapnik draws a map's XML: the world in `size` × `size` pixels. It
/// writes raw RGBA pixels, in which the colours are not multiplied by alpha.
const DRAW: &str = "
import mapnik, sys
xml, out, size = sys.argv[1], sys.argv[2], int(sys.argv[3])
m = mapnik.Map(size, size)
mapnik.load_map(m, xml)
m.buffer_size = 256
half = 20037508.342789244
m.zoom_to_box(mapnik.Box2d(-half, -half, half, half))
image = mapnik.Image(size, size)
mapnik.render(m, image)
open(out, 'wb').write(image.tostring())
print(mapnik.mapnik_version())
";

/// Writes the RGBA PNG of a marker. `alpha` returns the opacity of a pixel for its distance from
/// the middle, where 1 is half of the marker's side.
fn marker(path: &Path, side: u32, alpha: impl Fn(f64) -> f64) {
    let file = fs::File::create(path).unwrap();
    let mut encoder = png::Encoder::new(file, side, side);
    encoder.set_color(png::ColorType::Rgba);
    let mut writer = encoder.write_header().unwrap();
    let half = f64::from(side) / 2.0;
    let pixel = |i: u32| {
        let at = |n: u32| f64::from(n) + 0.5 - half;
        let u = at(i % side).hypot(at(i / side)) / half;
        [0, 0, 0, (alpha(u) * 255.0).round() as u8]
    };
    let pixels: Vec<u8> = (0..side * side).flat_map(pixel).collect();
    writer.write_image_data(&pixels).unwrap();
}

/// The order in which rows are written to the CSV file. Mapnik stamps them in the order of the
/// file.
#[derive(Clone, Copy)]
enum Order {
    /// The order in which heatsplat stamps pictures: row by row of the pixels of a world that is
    /// 512 pixels wide.
    Pixels,
    /// The order in which heatsplat stamps shapes: along the Z-order curve.
    Curve,
}

/// Writes the cities to a plain CSV file with only their positions. Mapnik can't read the original:
/// it doesn't decompress files, and takes the apostrophes in names for quotes.
fn cities(to: &Path, order: Order) {
    let out = Command::new("gzip")
        .args(["-dc", "examples/cities.csv.gz"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(out.status.success());
    let text = String::from_utf8(out.stdout).unwrap();
    let mut rows: Vec<(u64, String)> = text
        .lines()
        .skip(1)
        .map(|line| {
            let mut fields = line.rsplit(',').skip(1);
            let (lat, lon) = (fields.next().unwrap(), fields.next().unwrap());
            let (x, y) = crate::reference::project(lon.parse().unwrap(), lat.parse().unwrap());
            let whole = |v: f64, bits: i32| (v * 2f64.powi(bits)) as u64;
            let key = match order {
                Order::Pixels => whole(y, 9) << 32 | whole(x, 9),
                Order::Curve => (0..32).fold(0, |key, bit| {
                    let pair = (whole(x, 32) >> bit & 1) | (whole(y, 32) >> bit & 1) << 1;
                    key | pair << (2 * bit)
                }),
            };
            (key, format!("{lon},{lat}\n"))
        })
        .collect();
    rows.sort();
    let rows: String = rows.into_iter().map(|(_, row)| row).collect();
    fs::write(to, format!("lon,lat\n{rows}")).unwrap();
}

fn xml(filters: &str, markers: &str) -> String {
    format!(
        r#"<Map srs="epsg:3857"><Style name="heat" image-filters="{filters}" image-filters-inflate="true"><Rule>
<MarkersSymbolizer {markers} allow-overlap="true" ignore-placement="true"/></Rule></Style>
<Layer name="cities" srs="epsg:4326"><StyleName>heat</StyleName><Datasource>
<Parameter name="type">csv</Parameter><Parameter name="file">cities.csv</Parameter></Datasource></Layer></Map>"#
    )
}

/// Lets heatsplat draw the XML in the folder, the world in `size` × `size` pixels. Returns the
/// bytes of the file, which is called `name`.
fn draw_ours(folder: &Path, size: &str, name: &str) -> Vec<u8> {
    let out = folder.join(name);
    let style = folder.join("map.xml");
    let (code, _, stderr) = heatsplat(&[
        "render",
        "--mapnik-style",
        style.to_str().unwrap(),
        "--bbox=-180,-85.0511287798066,180,85.0511287798066",
        "--size",
        &format!("{size}x{size}"),
        "-o",
        out.to_str().unwrap(),
    ]);
    assert_eq!(code, 0, "{stderr}");
    fs::read(out).unwrap()
}

fn our_picture(folder: &Path, size: &str) -> Vec<[u8; 4]> {
    let picture = decode_png(&draw_ours(folder, size, "ours.png"));
    picture.pixels().map(|p| p.0).collect()
}

/// The alpha of each pixel that heatsplat draws from the XML, read from a file of densities.
fn ours(folder: &Path, size: &str) -> Vec<f32> {
    let bytes = draw_ours(folder, size, "ours.npy");
    let header = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let values = bytes[header..].chunks_exact(4);
    values
        .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
        .collect()
}

/// Mapnik's picture of alpha, coloured by heatsplat's colour table, equals Mapnik's coloured
/// picture in every pixel.
#[test]
fn its_alpha_through_our_table_is_its_picture() {
    let folder = folder("mapnik-table");
    cities(&folder.join("cities.csv"), Order::Pixels);
    marker(&folder.join("m.png"), 16, |u| (1.0 - u).max(0.0) * 0.15);
    let draw = |filters: &str, name: &str| {
        let (map, out) = (folder.join("map.xml"), folder.join(name));
        fs::write(&map, xml(filters, r#"file="m.png""#)).unwrap();
        python(
            "mapnik",
            DRAW,
            &[map.to_str().unwrap(), out.to_str().unwrap(), "512"],
        )?;
        Some(fs::read(out).unwrap())
    };
    let Some(plain) = draw("", "plain") else {
        return;
    };
    for filters in [
        "colorize-alpha(blue,cyan,green,yellow,orange,red)",
        "colorize-alpha(blue 30%, cyan, yellow 0.7, rgb(0%,80%,0%) 90%)",
        "colorize-alpha(#0000ff00, #00ff0080 0.2, #ff0000ff)",
        "colorize-alpha(#12345699)",
    ] {
        let table = *import::style(filters).unwrap().style.ramp().colors();
        let coloured = draw(filters, "coloured").unwrap();
        let scaled = |c: u8, a: u8| ((u32::from(c) * u32::from(a) + 255) >> 8) as u8;
        let mut hot = 0;
        for (i, (from, to)) in plain.chunks(4).zip(coloured.chunks(4)).enumerate() {
            let [r, g, b, a] = table[usize::from(from[3])];
            // Mapnik multiplies a colour by alpha in integers, and divides by it at the end.
            let there_and_back = |c: u8| match a {
                0 => 0,
                a => (u32::from(scaled(c, a)) * 255 / u32::from(a)).min(255) as u8,
            };
            let ours = [there_and_back(r), there_and_back(g), there_and_back(b), a];
            let ours = if from[3] == 0 { [0; 4] } else { ours };
            assert_eq!(ours, to, "{filters} pixel {i}, alpha {}", from[3]);
            hot += u32::from(from[3] > 128);
        }
        assert!(hot > 1000, "there is heat to see: {hot}");
    }
}

/// The classic recipe from one XML, drawn by both programs. At least 99.9 % of the pixels differ in
/// their alpha by 1 at most.
///
/// With `src-over` in 8 bits the order of stamping matters: a faint stamp has no effect on a pixel
/// that is already nearly opaque. Mapnik stamps in the order of the file; heatsplat stamps by
/// position, whatever the order of the file. So the file is written in heatsplat's order.
#[test]
fn one_xml_makes_the_same_picture_in_both() {
    const SIZE: usize = 512;
    // Pixels near the edges of the world are not compared, since they depend on what lies beyond
    // the edges.
    const EDGE: usize = 24;
    let folder = folder("mapnik-recipe");
    marker(&folder.join("m.png"), 16, |u| (1.0 - u).max(0.0) * 0.1);
    marker(&folder.join("odd.png"), 9, |u| (1.0 - u).max(0.0) * 0.3);
    marker(&folder.join("disc.png"), 12, |u| {
        if u < 1.0 { 0.2 } else { 0.0 }
    });
    const BEST: &str = r#"file="m.png" comp-op="plus""#;
    const RAINBOW: &str = "colorize-alpha(blue,cyan,green,yellow,orange,red)";
    let our_order = |markers: &str| {
        if markers.starts_with("file") {
            Order::Pixels
        } else {
            Order::Curve
        }
    };
    for (markers, blur) in [
        (BEST, ""),
        (r#"file="disc.png""#, ""),
        (r#"file="disc.png" opacity="0.4""#, "agg-stack-blur(4,2) "),
        (
            r#"file="odd.png" comp-op="plus" opacity="0.1""#,
            "agg-stack-blur(8,8) agg-stack-blur(3,3) ",
        ),
        (
            r#"width="7" height="5" fill="blue" opacity="0.05" stroke-width="0" comp-op="plus""#,
            "agg-stack-blur(5,5) ",
        ),
        (
            r#"width="10" fill="blue" opacity="0.1" stroke-width="0""#,
            "",
        ),
        (r#"file="m.png""#, ""),
    ] {
        let (map, out) = (folder.join("map.xml"), folder.join("theirs"));
        fs::write(&map, xml(&format!("{blur}{RAINBOW}"), markers)).unwrap();
        cities(&folder.join("cities.csv"), our_order(markers));
        let arguments = [map.to_str().unwrap(), out.to_str().unwrap(), "512"];
        if python("mapnik", DRAW, &arguments).is_none() {
            return;
        }
        let theirs = fs::read(out).unwrap();
        if markers == BEST {
            let theirs: Vec<[u8; 4]> = theirs.as_chunks().0.to_vec();
            side_by_side("mapnik", &theirs, &our_picture(&folder, "512"));
        }
        let ours = ours(&folder, "512");
        assert_eq!(ours.len() * 4, theirs.len());
        let inside = |i: &usize| {
            let within = |n: usize| (EDGE..SIZE - EDGE).contains(&n);
            within(i % SIZE) && within(i / SIZE)
        };
        let off: Vec<f32> = (0..SIZE * SIZE)
            .filter(inside)
            .map(|i| (ours[i] - f32::from(theirs[4 * i + 3])).abs())
            .collect();
        let near = off.iter().filter(|d| **d <= 1.0).count() as f64 / off.len() as f64;
        let mean = off.iter().sum::<f32>() / off.len() as f32;
        let worst = off.iter().fold(0.0f32, |m, d| m.max(*d));
        let seen = ours.iter().filter(|a| **a > 0.0).count();
        println!(
            "{blur}{markers}: within 1 {near:.5}, mean {mean:.3}, worst {worst}, {seen} pixels"
        );
        assert!(seen > 20_000, "{seen}");
        assert!(
            near >= 0.999 && mean <= 0.05,
            "{blur}{markers}: {near}, mean {mean}, worst {worst}"
        );
    }
}
