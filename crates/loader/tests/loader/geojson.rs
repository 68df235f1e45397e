//! All kinds of GeoJSON documents, and documents that give errors.

use crate::{error, loaded, places, weight};
use heatsplat_loader::{InputFormat, LoadOptions, SkipReason};

fn feature(geometry: &str, properties: &str) -> String {
    format!("{{\"type\":\"Feature\",\"geometry\":{geometry},\"properties\":{properties}}}")
}

fn point(coordinates: &str) -> String {
    format!("{{\"type\":\"Point\",\"coordinates\":{coordinates}}}")
}

#[test]
fn documents_of_every_kind() {
    let expected = [(1.0, 2.0, 1.0), (3.0, 4.0, 1.0)];
    let (a, b) = (point("[1,2]"), point("[ 3e0 , 4.0 , 100 ]"));
    let both = format!("{},\n{}", feature(&a, "null"), feature(&b, "{}"));
    for text in [
        format!("{{\"type\":\"FeatureCollection\",\"features\":[{both}]}}"),
        format!(
            "\u{feff}\n{{\"features\":[{both}],\"bbox\":[1,2,3,4],\"type\":\"FeatureCollection\"}}\n"
        ),
        format!(
            "{{\"meta\":{{\"features\":[{{}}]}},\"x\":\"]}}\\\"\",\"features\" : [ {both} ] , \"y\":[]}}"
        ),
        format!("[{both}]"),
        format!("{}\n{}", feature(&a, "{}"), feature(&b, "{}")),
        "{\"coordinates\":[[1,2],[3,4]],\"type\":\"MultiPoint\"}".into(),
        feature(
            "{\"type\":\"MultiPoint\",\"coordinates\":[[1,2],[3,4]]}",
            "{}",
        ),
        format!(
            "{{\"type\":\"GeometryCollection\",\"geometries\":[{a},{{\"type\":\"GeometryCollection\",\"geometries\":[{b}]}}]}}"
        ),
        feature(
            &format!("{{\"type\":\"GeometryCollection\",\"geometries\":[{a},{b}]}}"),
            "{}",
        ),
    ] {
        assert_eq!(places("a.geojson", &text), expected, "{text}");
        assert_eq!(places("no name", &text), expected, "{text}");
    }
}

#[test]
fn weights_from_properties() {
    let places = |properties: &str| {
        let text = feature(
            "{\"type\":\"MultiPoint\",\"coordinates\":[[1,2],[3,4]]}",
            properties,
        );
        loaded("a.json", text.as_bytes(), &weight("w"))
    };
    for (value, expected) in [
        ("2.5", 2.5),
        ("-3", -3.0),
        ("\" 4.5 \"", 4.5),
        ("\"\\u0035\"", 5.0),
        ("null", 0.0),
        ("\"\"", 0.0),
    ] {
        let (points, report) = places(&format!("{{\"v\":[1,{{\"w\":9}}],\"w\":{value}}}")).unwrap();
        assert_eq!(
            [points[0].weight, points[1].weight],
            [expected; 2],
            "{value}"
        );
        assert_eq!(report.weights_missing, if expected == 0.0 { 2 } else { 0 });
    }
    for value in ["\"1,000\"", "\"x\"", "true", "[1]", "1e39", "1e999"] {
        let message = places(&format!("{{\"w\":{value}}}"))
            .unwrap_err()
            .to_string();
        assert!(
            message.contains("2 bad weight") && message.contains("line 1"),
            "{message}"
        );
    }
}

#[test]
fn rows_that_give_no_point() {
    let skipped = [
        (feature("null", "{}"), SkipReason::NoPosition),
        (
            "{\"type\":\"Feature\",\"properties\":{}}".into(),
            SkipReason::NoPosition,
        ),
        (point("[]"), SkipReason::NoPosition),
        (point("[1]"), SkipReason::NoPosition),
        (point("null"), SkipReason::NoPosition),
        (point("[null,1]"), SkipReason::NoPosition),
        ("{\"type\":\"Point\"}".into(), SkipReason::NoPosition),
        (
            "{\"type\":\"MultiPoint\",\"coordinates\":[]}".into(),
            SkipReason::NoPosition,
        ),
        (
            "{\"type\":\"GeometryCollection\",\"geometries\":[]}".into(),
            SkipReason::NoPosition,
        ),
        (point("[\"a\",1]"), SkipReason::BadPosition),
        (point("[[1,2],[3,4]]"), SkipReason::BadPosition),
        (point("[1,91]"), SkipReason::BadPosition),
        (point("[1e999,0]"), SkipReason::BadPosition),
        (point("[1,86]"), SkipReason::Outside),
        (
            feature(
                "{\"type\":\"Polygon\",\"coordinates\":[[[0,0],[1,1],[1,0],[0,0]]]}",
                "{}",
            ),
            SkipReason::NotAPoint,
        ),
        (
            "{\"type\":\"LineString\",\"coordinates\":[[0,0],[1,1]]}".into(),
            SkipReason::NotAPoint,
        ),
        (
            "{\"type\":\"Topology\",\"objects\":{}}".into(),
            SkipReason::Malformed,
        ),
        ("{\"lon\":1,\"lat\":2}".into(), SkipReason::Malformed),
        ("7".into(), SkipReason::Malformed),
        ("[\"Point\",[1,2]]".into(), SkipReason::Malformed),
    ];
    let good = point("[1,2]");
    let inside: Vec<String> = skipped
        .iter()
        .map(|(f, _)| format!("{f},\n{good}"))
        .collect();
    let document = format!("{{\"features\":[\n{}]}}", inside.join(",\n"));
    let lines: Vec<String> = skipped
        .iter()
        .map(|(f, _)| format!("{f}\n{good}"))
        .collect();
    let lines = format!("\n{}\n", lines.join("\n"));
    for (name, text) in [("a.json", document), ("a.ndjson", lines)] {
        let (_, report) = loaded(name, text.as_bytes(), &LoadOptions::default()).unwrap();
        assert_eq!((report.rows, report.kept), (40, 20), "{report}");
        for skip in SkipReason::ALL {
            let of = skipped.iter().enumerate().filter(|(_, (_, s))| *s == skip);
            let lines: Vec<u64> = of.map(|(i, _)| 2 * i as u64 + 2).collect();
            assert_eq!(report.skipped(skip), lines.len() as u64, "{skip}: {report}");
            let shown = report
                .examples
                .iter()
                .filter(|e| e.skip == skip)
                .map(|e| e.line);
            assert!(shown.eq(lines.into_iter().take(5)), "{skip}: {report}");
        }
        let polygon = report
            .examples
            .iter()
            .find(|e| e.skip == SkipReason::NotAPoint)
            .unwrap();
        assert_eq!(polygon.found, "geometry Polygon");
    }
}

#[test]
fn each_position_of_a_multipoint_is_a_row() {
    let text = "{\"type\":\"MultiPoint\",\"coordinates\":[[1,2],[1,99],[],[3,4]]}";
    let (points, report) = loaded("a.json", text.as_bytes(), &LoadOptions::default()).unwrap();
    assert_eq!((points.len(), report.rows), (2, 4));
    assert_eq!(
        (
            report.skipped(SkipReason::BadPosition),
            report.skipped(SkipReason::NoPosition)
        ),
        (1, 1)
    );
}

#[test]
fn text_sequences_and_bad_lines() {
    let good = point("[1,2]");
    let pretty = good.replace(',', ",\n\t");
    let sequence = format!("\u{1e}{good}\n\u{1e}{pretty}\n\u{1e}{{\"type\":\n\u{1e}{good}\n");
    let (points, report) = loaded("any", sequence.as_bytes(), &LoadOptions::default()).unwrap();
    assert_eq!(
        (points.len(), report.rows, report.examples[0].line),
        (3, 4, 5),
        "{report}"
    );

    let lines = format!("{good}\r\n\r\nnonsense\n{{\"type\":\"Point\"\n{good}{good}\n{good}");
    let (points, report) = loaded("a.geojsonl", lines.as_bytes(), &LoadOptions::default()).unwrap();
    assert_eq!(
        (points.len(), report.skipped(SkipReason::Malformed)),
        (2, 3),
        "{report}"
    );
    let at: Vec<u64> = report.examples.iter().map(|e| e.line).collect();
    assert_eq!(at, [3, 4, 5]);
}

#[test]
fn malformed_documents_name_line_and_column() {
    for (text, says) in [
        (
            "{\"features\":[\n  {\"type\":\"Point\",}]}",
            "line 2, column 19: malformed JSON: key must be a string",
        ),
        (
            "{\"features\":[{},\n\n   {\"a\":\n 01}]}",
            "line 4, column 3: malformed JSON",
        ),
        (
            "{\"features\":[{} {}]}",
            "line 1, column 17: malformed JSON: expected a comma or ]",
        ),
        (
            "{\"features\":[{},]}",
            "line 1, column 17: malformed JSON: expected a value",
        ),
        ("{\"features\":[{\"a\":[1}]}]}", "column 21: malformed JSON"),
        (
            "{\"features\":[]\n\"a\":1}",
            "line 2, column 1: malformed JSON: expected a comma or }",
        ),
        (
            "{features:[]}",
            "line 1, column 2: malformed JSON: expected a member's name",
        ),
        (
            "{\"features\":[{}",
            "line 1, column 16: malformed JSON: the file ends too early",
        ),
        ("{\"type\":\"Poi", "the file ends too early"),
        (
            "{\"features\":[]} x",
            "column 17: malformed JSON: expected a GeoJSON object",
        ),
        (
            "lon,lat",
            "line 1, column 1: malformed JSON: expected a GeoJSON object",
        ),
        (
            "{\"type\":\"FeatureCollection\",\"features\":[]}",
            "a.geojson: no rows",
        ),
        (
            "{\"type\":\"Topology\"}",
            "line 1: malformed: no GeoJSON object: \"{\"type\":\"Topology\"}\"",
        ),
    ] {
        let options = LoadOptions {
            format: Some(InputFormat::GeoJson),
            ..LoadOptions::default()
        };
        let message = error("a.geojson", text.as_bytes(), &options);
        assert!(
            message.starts_with("a.geojson: ") && message.contains(says),
            "{text}: {message}"
        );
    }
}

#[test]
fn depth_is_bounded() {
    let deep = |n: usize| {
        let open = "{\"type\":\"GeometryCollection\",\"geometries\":[".repeat(n);
        format!("{open}{}{}", point("[1,2]"), "]}".repeat(n))
    };
    assert_eq!(places("a.json", &deep(10)), [(1.0, 2.0, 1.0)]);
    let options = LoadOptions::default();
    assert!(error("a.json", deep(40).as_bytes(), &options).contains("nested too deeply"));
    assert!(error("a.json", deep(50_000).as_bytes(), &options).contains("nested too deeply"));
    let brackets = format!(
        "{{\"type\":\"Point\",\"coordinates\":{}}}",
        "[".repeat(200_000)
    );
    assert!(error("a.json", brackets.as_bytes(), &options).contains("ends too early"));
    let brackets = point(&format!("{}{}", "[".repeat(200_000), "]".repeat(200_000)));
    assert!(error("a.json", brackets.as_bytes(), &options).contains("1 no position"));
}

/// The positions of the points in a document with the texts `before` and `after` around its
/// features, or the error's message. Positions are in thousandths of a degree of longitude and
/// hundredths of a degree of latitude.
fn in_system(before: &str, behind: &str) -> Result<Vec<(i64, i64)>, String> {
    let text = format!(
        "{{\"type\":\"FeatureCollection\",{before}\"features\":[{{\"type\":\"Feature\",\"properties\":{{}},\
         \"geometry\":{{\"type\":\"Point\",\"coordinates\":[1491681.18,6894699.80]}}}}]{behind}}}"
    );
    let loaded = loaded("a.geojson", text.as_bytes(), &LoadOptions::default());
    let (points, _) = loaded.map_err(|error| error.to_string())?;
    let place = |p: &heatsplat_points::Point| {
        let (lon, lat) = heatsplat_points::mercator::unproject(p.at());
        ((lon * 1000.0).round() as i64, (lat * 100.0).round() as i64)
    };
    Ok(points.iter().map(place).collect())
}

#[test]
fn places_outside_of_a_system_are_shown_as_they_are_written() {
    let text = "{\"type\":\"FeatureCollection\",\"crs\":{\"type\":\"name\",\"properties\":\
         {\"name\":\"EPSG:4807\"}},\"features\":[\
         {\"type\":\"Point\",\"coordinates\":[2,50]},\
         {\"type\":\"Point\",\"coordinates\":[3.5,120]},\
         {\"type\":\"Point\",\"coordinates\":[\"a\",50]}]}";
    let (points, report) = loaded("a.geojson", text.as_bytes(), &LoadOptions::default()).unwrap();
    let found: Vec<String> = report.examples.iter().map(ToString::to_string).collect();
    assert_eq!(points.len(), 1);
    assert!(
        found[0].ends_with("bad position: x 3.5, y 120"),
        "{found:?}"
    );
    assert!(found[1].contains("longitude"), "{found:?}");
}

#[test]
fn the_old_member_crs_is_respected_or_refused() {
    let named = |name: &str| {
        format!("\"crs\":{{\"type\":\"name\",\"properties\":{{\"name\":\"{name}\"}}}}")
    };
    let mercator = named("urn:ogc:def:crs:EPSG::3857");
    let berlin = Ok(vec![(13_400, 5252)]);
    assert_eq!(in_system(&format!("{mercator},"), ""), berlin);
    // The member `crs` is repeated after the features.
    assert_eq!(
        in_system(&format!("{mercator},"), &format!(",{mercator}")),
        berlin
    );
    let refused =
        in_system(&format!("{},", named("urn:ogc:def:crs:EPSG::999999")), "").unwrap_err();
    assert!(refused.contains("EPSG:999999"), "{refused}");
    let behind = in_system("", &format!(",{mercator}")).unwrap_err();
    assert!(behind.contains("behind them"), "{behind}");
    // Degrees may be named in several ways.
    for (before, behind) in [
        ("EPSG:4326", "urn:ogc:def:crs:OGC:1.3:CRS84"),
        ("CRS84", "CRS84"),
    ] {
        let text = in_system(
            &format!("{},", named(before)),
            &format!(",{}", named(behind)),
        );
        assert!(
            text.unwrap_err().contains("longitude"),
            "metres are no degrees"
        );
    }
    // On each line the member may be in a geometry, a feature or a collection. The third line has
    // none and is in degrees.
    let place = "\"coordinates\":[1491681.18,6894699.80]}";
    let text = format!(
        "{{\"type\":\"Point\",{mercator},{place}\n\
         {{\"type\":\"Feature\",{mercator},\"geometry\":{{\"type\":\"Point\",{place},\"properties\":null}}\n\
         {{\"type\":\"Point\",\"coordinates\":[13.4,52.52]}}\n\
         {{\"type\":\"FeatureCollection\",{mercator},\"features\":[{{\"type\":\"Feature\",\
         \"geometry\":{{\"type\":\"Point\",{place}}}]}}\n"
    );
    let all = places("a.geojsonl", &text);
    assert_eq!(all.len(), 4);
    assert!(
        all.iter()
            .all(|p| (p.0 - 13.4).abs() < 1e-3 && (p.1 - 52.52).abs() < 2e-3),
        "{all:?}"
    );
    let other = text.replace("3857", "999999");
    assert!(error("a.geojsonl", other.as_bytes(), &LoadOptions::default()).contains("EPSG:999999"));
    // The two documents are in different systems.
    let one = |crs: &str| format!("{{\"type\":\"FeatureCollection\",{crs}\"features\":[]}}\n");
    let text = [one(&format!("{mercator},")), one("")].concat();
    let message = error(
        "a.geojson",
        format!(" \n[]{text}").as_bytes(),
        &LoadOptions::default(),
    );
    assert!(
        message.contains("said of some of the features"),
        "{message}"
    );
}
