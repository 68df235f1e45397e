//! Lines and areas that become points: the same points in every format, and a count of each that
//! gives none.

use crate::geometries::{arrow, parquet};
use crate::records::flatgeobuf;
use crate::{Folder, loaded, opened};
use arrow_array::{ArrayRef, Float64Array, ListArray, StructArray};
use arrow_buffer::OffsetBuffer;
use arrow_schema::{DataType, Field, Fields};
use flatgeobuf::FgbCrs;
use heatsplat_loader::{AreaRule, LineRule, LoadOptions, ShapeRules, SkipReason};
use heatsplat_points::{Point, mercator};
use shapefile::{PolygonRing, ShapeWriter};
use std::sync::Arc;

type Ring = Vec<(f64, f64)>;
type Polygon = Vec<Ring>;

fn rules(areas: AreaRule, lines: LineRule) -> LoadOptions {
    LoadOptions {
        shapes: ShapeRules { areas, lines },
        ..LoadOptions::default()
    }
}

fn areas(rule: AreaRule) -> LoadOptions {
    rules(rule, LineRule::Skip)
}

fn square(west: f64, south: f64, size: f64) -> Ring {
    let (east, north) = (west + size, south + size);
    vec![
        (west, south),
        (east, south),
        (east, north),
        (west, north),
        (west, south),
    ]
}

/// A square of 4° with a hole of 1°, and a triangle far north of it.
fn example() -> Vec<Polygon> {
    let triangle = vec![(10.0, 20.0), (13.0, 20.0), (10.0, 26.0), (10.0, 20.0)];
    let mut hole = square(1.0, 1.0, 1.0);
    hole.reverse();
    vec![vec![square(0.0, 0.0, 4.0), hole], vec![triangle]]
}

/// The centroid of the example: areas 16, −1 and 9 with their own centroids.
const CENTROID: (f64, f64) = (
    (16.0 * 2.0 - 1.5 + 9.0 * 11.0) / 24.0,
    (16.0 * 2.0 - 1.5 + 9.0 * 22.0) / 24.0,
);

fn places(points: &[Point]) -> Vec<(f64, f64)> {
    points.iter().map(|p| mercator::unproject(p.at())).collect()
}

/// Asserts that positions are equal to about a centimetre, which is the step of the world grid.
fn assert_at(found: &[(f64, f64)], expected: &[(f64, f64)], what: &str) {
    let near =
        |(a, b): (&(f64, f64), &(f64, f64))| (a.0 - b.0).abs() < 2e-7 && (a.1 - b.1).abs() < 2e-7;
    let all = found.len() == expected.len() && found.iter().zip(expected).all(near);
    assert!(all, "{what}: {found:?}, not {expected:?}");
}

fn nested(open: &str, close: &str, items: impl Iterator<Item = String>) -> String {
    format!("{open}{}{close}", items.collect::<Vec<_>>().join(","))
}

fn wkt(polygons: &[Polygon], mark: &str, rest: &str) -> String {
    let position = |(x, y): &(f64, f64)| format!("{x} {y}{rest}");
    let ring = |ring: &Ring| nested("(", ")", ring.iter().map(position));
    let polygon = |polygon: &Polygon| nested("(", ")", polygon.iter().map(ring));
    let all = nested("(", ")", polygons.iter().map(polygon));
    format!("MULTIPOLYGON{mark} {all}")
}

fn json(polygons: &[Polygon]) -> String {
    let position = |(x, y): &(f64, f64)| format!("[{x},{y},7]");
    let ring = |ring: &Ring| nested("[", "]", ring.iter().map(position));
    let polygon = |polygon: &Polygon| nested("[", "]", polygon.iter().map(ring));
    let all = nested("[", "]", polygons.iter().map(polygon));
    format!("{{\"type\":\"MultiPolygon\",\"coordinates\":{all}}}")
}

/// Well-known binary: `more` is the number of coordinates after x and y, and `flags` are those of
/// the type that state them.
fn wkb(polygons: &[Polygon], is_little: bool, flags: u32, more: usize) -> Vec<u8> {
    let word = |n: u32| {
        if is_little {
            n.to_le_bytes()
        } else {
            n.to_be_bytes()
        }
    };
    let count = |n: usize| word(n as u32);
    let number = |n: f64| {
        if is_little {
            n.to_le_bytes()
        } else {
            n.to_be_bytes()
        }
    };
    let head = |kind: u32| [&[u8::from(is_little)][..], &word(kind + flags)].concat();
    let mut bytes = [&head(6)[..], &count(polygons.len())].concat();
    for polygon in polygons {
        bytes.extend([&head(3)[..], &count(polygon.len())].concat());
        for ring in polygon {
            bytes.extend(count(ring.len()));
            for (x, y) in ring {
                bytes.extend([number(*x), number(*y)].concat());
                bytes.extend(number(f64::NAN).repeat(more));
            }
        }
    }
    bytes
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

/// A column of one MultiPolygon in GeoArrow's encoding.
fn column(polygons: &[Polygon]) -> ArrayRef {
    let rings = || polygons.iter().flatten();
    let axis = |axis: fn(&(f64, f64)) -> f64| -> ArrayRef {
        Arc::new(rings().flatten().map(axis).collect::<Float64Array>())
    };
    let field = |name| Field::new(name, DataType::Float64, true);
    let fields = Fields::from(vec![field("x"), field("y")]);
    let points = StructArray::new(fields, vec![axis(|p| p.0), axis(|p| p.1)], None);
    let list = |values: ArrayRef, lengths: Vec<usize>| -> ArrayRef {
        let field = Arc::new(Field::new("item", values.data_type().clone(), true));
        let offsets = OffsetBuffer::from_lengths(lengths);
        Arc::new(ListArray::new(field, offsets, values, None))
    };
    let of_rings = list(Arc::new(points), rings().map(Vec::len).collect());
    let of_polygons = list(of_rings, polygons.iter().map(Vec::len).collect());
    list(of_polygons, vec![polygons.len()])
}

/// Writes a Shapefile of one shape. Its holes run anticlockwise, or clockwise if `is_turned`, and
/// they come before the rings around them.
fn shape(path: &std::path::Path, polygons: &[Polygon], is_turned: bool) {
    let ring = |(at, ring): (usize, &Ring)| {
        let points: Vec<_> = ring
            .iter()
            .map(|(x, y)| shapefile::Point::new(*x, *y))
            .collect();
        match at {
            0 => PolygonRing::Outer(points),
            _ => PolygonRing::Inner(points),
        }
    };
    let all = polygons.iter().flat_map(|p| p.iter().enumerate().map(ring));
    let mut all: Vec<_> = all.collect();
    all.reverse();
    let polygon = shapefile::Polygon::with_rings(all);
    let mut writer = ShapeWriter::from_path(path).unwrap();
    writer.write_shape(&polygon).unwrap();
    drop(writer);
    if is_turned {
        // The record begins at byte 100. Its positions follow the box and the starts of the parts.
        let mut bytes = std::fs::read(path).unwrap();
        let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
        let (parts, points) = (word(144), word(148));
        let mut starts: Vec<usize> = (0..parts).map(|part| word(152 + 4 * part)).collect();
        starts.push(points);
        let first = 152 + 4 * parts;
        for part in starts.windows(2) {
            let ring = &mut bytes[first + 16 * part[0]..first + 16 * part[1]];
            let (pairs, _) = ring.as_chunks_mut::<16>();
            pairs.reverse();
        }
        std::fs::write(path, bytes).unwrap();
    }
}

#[test]
fn an_area_gives_the_same_points_in_every_format() {
    let folder = Folder::new("areas");
    let polygons = example();
    let wkb_of = |more| wkb(&polygons, true, 0, more);
    std::fs::write(folder.file("a.geojson"), json(&polygons)).unwrap();
    let collection = format!(
        "{{\"type\":\"GeometryCollection\",\"geometries\":[{}]}}",
        json(&polygons)
    );
    std::fs::write(folder.file("b.geojson"), collection).unwrap();
    let texts = [
        wkt(&polygons, "", ""),
        wkt(&polygons, " Z", " 7"),
        wkt(&polygons, "ZM", " 7 8").to_lowercase(),
        format!("SRID=4326;{}", wkt(&polygons, "", "")),
        format!("GEOMETRYCOLLECTION ({})", wkt(&polygons, "", "")),
        hexadecimal(&wkb_of(0)),
        hexadecimal(&wkb(&polygons, false, 0, 0)),
        hexadecimal(&wkb(&polygons, true, 0x8000_0000, 1)),
        hexadecimal(&wkb(&polygons, true, 3000, 2)),
        json(&polygons).replace('"', "\"\""),
    ];
    let mut files = vec!["a.geojson".to_owned(), "b.geojson".to_owned()];
    for (number, text) in texts.iter().enumerate() {
        let name = format!("{number}.csv");
        std::fs::write(folder.file(&name), format!("id,geom\n1,\"{text}\"\n")).unwrap();
        files.push(name);
    }
    let feature = format!(
        "{{\"type\":\"Feature\",\"properties\":{{}},\"geometry\":{}}}",
        json(&polygons)
    );
    let fgb = flatgeobuf(false, FgbCrs::default(), &[feature]);
    std::fs::write(folder.file("a.fgb"), fgb).unwrap();
    files.push("a.fgb".to_owned());
    for (name, is_turned) in [("a.shp", false), ("b.shp", true)] {
        shape(&folder.file(name), &polygons, is_turned);
        files.push(name.to_owned());
    }
    let native = column(&polygons);
    arrow(&folder.file("a.arrow"), "geoarrow.multipolygon", &native);
    parquet(
        &folder.file("a.parquet"),
        "geoarrow.multipolygon",
        &native,
        true,
    );
    let binary: ArrayRef = Arc::new(arrow_array::BinaryArray::from_iter_values([&wkb_of(0)]));
    arrow(&folder.file("b.arrow"), "geoarrow.wkb", &binary);
    files.extend(["a.arrow", "a.parquet", "b.arrow"].map(str::to_owned));
    let vertices = |points: &[Point]| {
        let mut all = places(points);
        all.sort_by(|a, b| a.partial_cmp(b).unwrap());
        all
    };
    let rings = polygons.iter().flatten();
    let mut expected: Vec<_> = rings.flat_map(|ring| ring[1..].to_vec()).collect();
    expected.sort_by(|a, b| a.partial_cmp(b).unwrap());
    for file in &files {
        let path = folder.file(file);
        let load = |rule| opened(&path, &areas(rule)).unwrap();
        let (points, report) = load(AreaRule::Centroid);
        assert_at(&places(&points), &[CENTROID], file);
        assert_eq!((report.rows, report.kept), (1, 1), "{file}");
        let notes = report.notes();
        assert_eq!(notes, ["1 area is read as points (`areas`)"], "{file}");
        // The square's scan line is at 2°, on the hole's northern side; the line of the nearest
        // vertices above and below it is at 3°, where the run is 4° wide.
        assert_at(&places(&load(AreaRule::Surface).0), &[(2.0, 3.0)], file);
        let (points, report) = load(AreaRule::Vertices);
        assert_at(&vertices(&points), &expected, file);
        assert_eq!((report.rows, report.kept), (11, 11), "{file}");
        let message = opened(&path, &areas(AreaRule::Skip))
            .unwrap_err()
            .to_string();
        assert!(
            message.contains("not a point: geometry "),
            "{file}: {message}"
        );
    }
}

#[test]
fn a_geopackage_of_areas_is_read_where_areas_are_asked_for() {
    let folder = Folder::new("areas-gpkg");
    let path = folder.file("a.gpkg");
    let database = rusqlite::Connection::open(&path).unwrap();
    database
        .execute_batch(
            "create table gpkg_spatial_ref_sys (srs_name text, srs_id integer, organization text, \
               organization_coordsys_id integer, definition text);
             insert into gpkg_spatial_ref_sys values ('WGS 84', 4326, 'EPSG', 4326, 'GEOGCS');
             create table gpkg_contents (table_name text);
             create table gpkg_geometry_columns (table_name text, column_name text, \
               geometry_type_name text, srs_id integer);
             create table parcels (fid integer primary key, geom blob);
             insert into gpkg_contents values ('parcels');
             insert into gpkg_geometry_columns values ('parcels', 'geom', 'MULTIPOLYGON', 4326);",
        )
        .unwrap();
    let head = [b'G', b'P', 0, 1, 0xe6, 0x10, 0, 0];
    let blob = [&head[..], &wkb(&example(), true, 0, 0)].concat();
    database
        .execute("insert into parcels (geom) values (?1)", [blob])
        .unwrap();
    drop(database);
    let (points, _) = opened(&path, &areas(AreaRule::Centroid)).unwrap();
    assert_at(&places(&points), &[CENTROID], "GeoPackage");
    let message = opened(&path, &LoadOptions::default())
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("`areas` centroid reads its tables of areas"),
        "{message}"
    );
}

/// The order of polygons, holes and positions, and the direction of rings, change nothing.
#[test]
fn order_and_direction_of_rings_change_nothing() {
    let mut seed = 7_u64;
    let mut dice = |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 33) as usize % below
    };
    for round in 0..200 {
        // Polygons are stars around middles that are far from each other, each with a hole.
        let mut polygons: Vec<Polygon> = Vec::new();
        for number in 0..1 + dice(4) {
            let (x, y) = (number as f64 * 20.0 - 30.0, dice(100) as f64 - 50.0);
            let corners = 3 + dice(9);
            let star = |from: f64, size: f64, dice: &mut dyn FnMut(usize) -> usize| -> Ring {
                let corner = |corner: usize| {
                    let angle = std::f64::consts::TAU * corner as f64 / corners as f64;
                    let size = from + size * dice(1000) as f64 / 1000.0;
                    (x + size * angle.cos(), y + size * angle.sin())
                };
                (0..corners).map(corner).collect()
            };
            polygons.push(vec![star(4.0, 5.0, &mut dice), star(0.5, 0.5, &mut dice)]);
        }
        let close = |polygons: &[Polygon]| -> Vec<Polygon> {
            let closed = |ring: &Ring| [&ring[..], &ring[..1]].concat();
            polygons
                .iter()
                .map(|polygon| polygon.iter().map(closed).collect())
                .collect()
        };
        let mut other = polygons.clone();
        let turn = dice(other.len());
        other.rotate_left(turn);
        for ring in other.iter_mut().flatten() {
            let turn = dice(ring.len());
            ring.rotate_left(turn);
            if dice(2) == 0 {
                ring.reverse();
            }
        }
        for rule in [AreaRule::Centroid, AreaRule::Surface] {
            let [a, b] = [&polygons, &other].map(|polygons| {
                let text = json(&close(polygons));
                let (points, report) = loaded("a.geojson", text.as_bytes(), &areas(rule)).unwrap();
                assert_eq!(report.notes().len(), 1, "{round}: {report}");
                places(&points)
            });
            assert_at(&a, &b, &format!("round {round}, {rule:?}"));
        }
    }
}

/// Parts of 100 m² that are a third of the world apart have the centroid of the exact numbers.
#[test]
fn small_parts_far_apart_have_an_exact_centroid() {
    let square = |x: f64, y: f64, side: f64| {
        let (x1, y1) = (x + side, y + side);
        format!("(({x} {y}, {x1} {y}, {x1} {y1}, {x} {y1}, {x} {y}))")
    };
    let two = |west: f64, east: f64| {
        let (one, other) = (square(-60.0, -40.0, west), square(60.0, 40.0, east));
        format!("MULTIPOLYGON ({one}, {other})")
    };
    let (equal, twice) = (two(1e-4, 1e-4), two(2e-5, 4e-5));
    let text = format!("geom\n\"{equal}\"\n\"{twice}\"\n");
    let (points, report) = loaded("a.csv", text.as_bytes(), &areas(AreaRule::Centroid)).unwrap();
    assert_eq!(report.kept, 2, "{report}");
    // The second one has four times the area of the first one in the east.
    let wanted = [(5e-5, 5e-5), (36.0 + 1.8e-5, 24.0 + 1.8e-5)];
    assert_at(&places(&points), &wanted, "two squares");
}

/// A member of a collection that is not read takes no other member with it.
#[test]
fn an_empty_curve_in_a_collection_hides_no_point() {
    for (row, kept, rows) in [
        ("GEOMETRYCOLLECTION (CURVEPOLYGON EMPTY, POINT (1 1))", 1, 2),
        (
            "GEOMETRYCOLLECTION (POINT (1 1), CURVEPOLYGON Z EMPTY)",
            1,
            2,
        ),
        ("GEOMETRYCOLLECTION (CURVEPOLYGON EMPTY)", 0, 1),
    ] {
        let text = format!("geom\nPOINT (5 5)\n\"{row}\"\n");
        let loaded = loaded("a.csv", text.as_bytes(), &areas(AreaRule::Centroid));
        let (points, report) = loaded.unwrap();
        assert_eq!(
            (points.len(), report.rows),
            (1 + kept, 1 + rows),
            "{row}: {report}"
        );
        assert_eq!(report.skipped(SkipReason::Malformed), 0, "{row}: {report}");
    }
}

#[test]
fn bad_areas_are_counted_by_their_reason() {
    let rows = [
        "POLYGON ((0 0, 4 0, 4 4, 0 4, 0 0))",
        "POLYGON ((0 0, 4 0, 4 4, 0 4))",
        "POLYGON ((0 0, 4 4, 4 0, 0 4, 0 0))",
        "POLYGON ((0 0, 3 6, 6 0, 0 4, 0 0))",
        "POLYGON ((1 1, 1 1))",
        "POLYGON ((1 1))",
        "POLYGON ((0 0, 1 1, 2 2, 0 0))",
        "POLYGON ((0.1 0.1, 0.2 0.2, 0.3 0.3, 0.1 0.1))",
        "POLYGON ((0 0, 1e999 0, 1 1, 0 0))",
        "POLYGON ((0 86, 4 86, 4 89, 0 89, 0 86))",
        "POLYGON EMPTY",
        "MULTIPOLYGON EMPTY",
        "MULTIPOLYGON (((0 0, 4 0, 4 4, 0 4, 0 0)), EMPTY)",
        "POLYGON ((0 0, 4 0",
        "CURVEPOLYGON (CIRCULARSTRING (0 0, 4 0, 4 4, 0 4, 0 0))",
        "GEOMETRYCOLLECTION (POINT (1 1), LINESTRING (0 0, 1 1), CURVEPOLYGON ((1 1, 2 2)), \
         POLYGON ((0 0, 4 0, 4 4, 0 4, 0 0)))",
    ];
    let nan = vec![vec![vec![
        (0.0, 0.0),
        (f64::NAN, 0.0),
        (1.0, 1.0),
        (0.0, 0.0),
    ]]];
    let nan = hexadecimal(&wkb(&nan, true, 0, 0));
    let text = rows.map(|row| format!("\"{row}\"\n")).concat();
    let text = format!("geom\n{text}{nan}\n");
    let (points, report) = loaded("a.csv", text.as_bytes(), &areas(AreaRule::Centroid)).unwrap();
    let middle = (2.0, 2.0);
    let found = places(&points);
    assert_at(&found[..2], &[middle, middle], "plain and unclosed");
    assert_at(&found[3..], &[middle, (1.0, 1.0), middle], "the rest");
    assert_eq!((report.rows, report.kept), (20, 6), "{report}");
    for (reason, count) in [
        (SkipReason::BadShape, 5),
        (SkipReason::BadPosition, 1),
        (SkipReason::Outside, 1),
        (SkipReason::NoPosition, 2),
        (SkipReason::Malformed, 2),
        (SkipReason::NotAPoint, 3),
    ] {
        assert_eq!(report.skipped(reason), count, "{reason}: {report}");
    }
    let notes = report.notes();
    assert!(
        notes[1].starts_with("1 line is skipped (`lines` vertices"),
        "{notes:?}"
    );
    assert!(
        notes[2].starts_with("1 area has a ring that doesn't end"),
        "{notes:?}"
    );
    assert!(
        notes[3].starts_with("2 areas have a ring that crosses itself"),
        "{notes:?}"
    );
}

#[test]
fn a_plane_other_than_degrees_is_that_of_the_centroid() {
    // In EPSG:3857 the middle of this square is at half its height in metres, which is not at half
    // its height in degrees.
    let high = 20_037_508.342_789_244;
    let text = format!("geom\n\"POLYGON ((0 0, {high} 0, {high} {high}, 0 {high}, 0 0))\"\n");
    let options = LoadOptions {
        srid: Some(3857),
        ..areas(AreaRule::Centroid)
    };
    let (points, _) = loaded("a.csv", text.as_bytes(), &options).unwrap();
    assert_at(&places(&points), &[(90.0, 66.513_260_443_1)], "metres");
}

#[test]
fn weights_and_kept_values_are_those_of_the_row() {
    let text = "name,n,geom\na,2,\"POLYGON ((0 0, 4 0, 4 4, 0 0))\"\n\
                b,3,POINT (7 7)\nc,5,\"LINESTRING (1 1, 2 2)\"\n";
    let options = LoadOptions {
        weight: Some("n".into()),
        keep: vec!["name".into()],
        ..rules(AreaRule::Vertices, LineRule::Vertices)
    };
    let input = std::io::Cursor::new(text.as_bytes().to_vec());
    let mut source = heatsplat_loader::read(input, "a.csv", &options).unwrap();
    let (mut weights, mut names) = (Vec::new(), Vec::new());
    let points = heatsplat_loader::load_first(&mut *source, 100).unwrap();
    weights.extend(points.0.iter().map(|point| point.weight));
    for row in 0..points.0.len() {
        names.push(points.1.columns()[0].text(row).unwrap_or_default());
    }
    assert_eq!(weights, [2.0, 2.0, 2.0, 3.0, 5.0, 5.0]);
    assert_eq!(names, ["a", "a", "a", "b", "c", "c"]);
}

#[test]
fn json_rows_give_areas_beside_points() {
    let text = wkt(&example(), "", "");
    let text = format!("[{{\"geom\":\"POINT (7 8)\"}},{{\"geom\":\"{text}\"}}]");
    let (points, _) = loaded("a.json", text.as_bytes(), &areas(AreaRule::Centroid)).unwrap();
    assert_at(&places(&points), &[(7.0, 8.0), CENTROID], "JSON rows");
}

#[test]
fn lines_give_their_vertices_in_every_notation() {
    let options = rules(AreaRule::Skip, LineRule::Vertices);
    let expected = [(1.0, 1.0), (2.0, 3.0), (5.0, 5.0), (6.0, 6.0)];
    for text in [
        "MULTILINESTRING ((1 1, 2 3), (5 5, 6 6))",
        "GEOMETRYCOLLECTION (LINESTRING Z (1 1 9, 2 3 9), POINT (5 5), MULTIPOINT ((6 6)))",
        "{\"\"type\"\":\"\"MultiLineString\"\",\"\"coordinates\"\":[[[1,1],[2,3]],[[5,5],[6,6]]]}",
        "{\"\"type\"\":\"\"LineString\"\",\"\"coordinates\"\":[[1,1],[2,3],[5,5],[6,6]]}",
    ] {
        let text = format!("geom\n\"{text}\"\n");
        let (points, report) = loaded("a.csv", text.as_bytes(), &options).unwrap();
        assert_at(&places(&points), &expected, &text);
        assert_eq!((report.rows, report.kept), (4, 4));
    }
    let folder = Folder::new("lines");
    let path = folder.file("a.shp");
    let point = |(x, y): &(f64, f64)| shapefile::Point::new(*x, *y);
    let parts = expected
        .chunks(2)
        .map(|part| part.iter().map(point).collect());
    let line = shapefile::Polyline::with_parts(parts.collect());
    let mut writer = ShapeWriter::from_path(&path).unwrap();
    writer.write_shape(&line).unwrap();
    drop(writer);
    let (points, _) = opened(&path, &options).unwrap();
    assert_at(&places(&points), &expected, "Shapefile");
}
