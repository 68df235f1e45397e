//! JSON rows that are not GeoJSON: each shape of documents, and what is refused.

use crate::{error, loaded};
use heatsplat_loader::{AxisOrder, InputFormat, LoadOptions, SkipReason, load, load_table, read};
use heatsplat_points::mercator;
use std::io::Cursor;

/// A longitude, a latitude and a weight.
type Place = (f64, f64, f32);

/// The places of a document, and the words on how it was read.
fn read_json(text: &str, options: &LoadOptions) -> (Vec<Place>, String) {
    let mut source = read(Cursor::new(text.to_owned()), "a.json", options)
        .unwrap_or_else(|error| panic!("{text}: {error}"));
    let mut points = Vec::new();
    let report = load(&mut *source, &mut points, |_| ());
    report.unwrap_or_else(|error| panic!("{text}: {error}"));
    let round = |v: f64| (v * 1e6).round() / 1e6;
    let place = |p: &heatsplat_points::Point| {
        let (lon, lat) = mercator::unproject(p.at());
        (round(lon), round(lat), p.weight)
    };
    let why = source.columns().why.clone();
    (points.iter().map(place).collect(), why)
}

/// Asserts that a document gives these places, and that the account has these words.
fn assert_places(text: &str, expected: &[Place], words: &str) {
    let (places, why) = read_json(text, &LoadOptions::default());
    assert_eq!(places, expected, "{text}: {why}");
    assert!(why.contains(words), "{text}: {why}");
}

fn refused(text: &str) -> String {
    error("a.json", text.as_bytes(), &LoadOptions::default())
}

fn order(order: AxisOrder) -> LoadOptions {
    LoadOptions {
        order: Some(order),
        ..LoadOptions::default()
    }
}

fn rows(path: &str) -> LoadOptions {
    LoadOptions {
        rows: Some(path.to_owned()),
        ..LoadOptions::default()
    }
}

const PARIS: Place = (2.25, 48.5, 1.0);
const BERLIN: Place = (13.5, 52.5, 1.0);

fn weighing(place: Place, weight: f32) -> Place {
    (place.0, place.1, weight)
}

#[test]
fn bare_arrays_have_the_latitude_first() {
    let leaflet = "read as rows of Leaflet.heat: latitude, longitude";
    let both = [PARIS, BERLIN];
    assert_places("[[48.5, 2.25], [52.5, 13.5]]", &both, leaflet);
    assert_places(
        "[[\"48.5\", \"2.25\"],\n [\" 52.5 \", \"13.5\"]]\n",
        &both,
        leaflet,
    );
    assert_places("[48.5, 2.25]\n[52.5, 13.5]\n", &both, leaflet);
    assert_places("[[48.5, 2.25]]\n[[52.5, 13.5]]\n", &both, leaflet);
    let weighed = [weighing(PARIS, 0.5), weighing(BERLIN, 2.0)];
    assert_places(
        "[[48.5, 2.25, 0.5], [52.5, 13.5, 2]]",
        &weighed,
        "latitude, longitude, weight",
    );
    // A house number is no weight.
    let (places, why) = read_json(
        "[[48.5,2.25,\"571\"],[52.5,13.5,\"486\"]]",
        &LoadOptions::default(),
    );
    assert_eq!(places, both);
    assert!(why.contains("every row counts 1"), "{why}");
    let three = LoadOptions {
        weight: Some("3".to_owned()),
        ..LoadOptions::default()
    };
    let (places, _) = read_json("[[48.5,2.25,\"571\"],[52.5,13.5,\"486\"]]", &three);
    assert_eq!(places, [weighing(PARIS, 571.0), weighing(BERLIN, 486.0)]);
}

#[test]
fn bare_arrays_inside_rows_and_around_them() {
    let both = [PARIS, BERLIN];
    assert_places(
        "[[[48.5,2.25],[52.5,13.5]],[[48.5,2.25]]]",
        &[PARIS, BERLIN, PARIS],
        "Leaflet",
    );
    assert_places(
        "[[[48.5,2.25],7],[[52.5,13.5],8]]",
        &both,
        "from 1.1 and 1.2",
    );
    assert_places(
        "[[\"A\",48.5,2.25,1],[\"B\",52.5,13.5,2]]",
        &both,
        "from 2 and 3",
    );
    assert_places(
        "{\"n\":1,\"points\":[[48.5,2.25],[52.5,13.5]],\"b\":[1,2]}",
        &both,
        "Leaflet",
    );
    let message = refused("[[[48.5,2.25],\"to\",[52.5,13.5]]]");
    assert!(
        message.contains("in 1 and in 3; choose with `lon` and `lat`"),
        "{message}"
    );
}

#[test]
fn the_order_of_bare_arrays_is_decided_with_a_word() {
    let far = [(151.25, -33.5, 1.0), (2.25, 48.5, 1.0)];
    assert_places(
        "[[151.25, -33.5], [2.25, 48.5]]",
        &far,
        "the first goes beyond ±90",
    );
    assert_places(
        "[[-33.5, 151.25], [48.5, 2.25]]",
        &far,
        "the second goes beyond ±90",
    );
    let (places, why) = read_json("[[2.25, 48.5]]", &order(AxisOrder::LonLat));
    assert_eq!(places, [PARIS]);
    assert!(why.contains("longitude, latitude (`order`)"), "{why}");
    let message = refused("[[151.25, -33.5], [48.5, 151.25]]");
    assert!(
        message.contains("either may be the longitude; name the order"),
        "{message}"
    );
    assert_eq!("LNG, lat".parse(), Ok(AxisOrder::LonLat));
    assert!("lat".parse::<AxisOrder>().is_err());
}

#[test]
fn a_later_row_that_contradicts_the_order_is_an_error() {
    let mut text = String::from("[\n");
    for i in 0..200_000 {
        text.push_str(&format!("[48.{i:06}, 2.5],\n"));
    }
    text.push_str("[120.5, 3],\n[1, 2]]");
    let message = refused(&text);
    assert!(
        message.contains("`order`: line 200002, column 1") && message.contains("[120.5, 3]"),
        "{message}"
    );
    // With an order that is asked for, it is a bad row.
    let (_, report) = loaded("a.json", text.as_bytes(), &order(AxisOrder::LatLon)).unwrap();
    assert_eq!(
        (report.kept, report.skipped(SkipReason::BadPosition)),
        (200_001, 1)
    );
}

#[test]
fn objects_by_the_names_of_their_members() {
    let weighed = [weighing(PARIS, 2.0), weighing(BERLIN, 3.0)];
    let words = "longitude from \"lon\", latitude from \"lat\", weight from \"weight\"";
    let (a, b) = (
        r#"{"lat": 48.5, "lon": 2.25, "weight": 2}"#,
        r#"{"weight": "3", "lon": "13.5", "lat": "52.5"}"#,
    );
    for text in [
        format!("[{a}, {b}]"),
        format!("{a}\n{b}\n"),
        format!("\u{1e}{a}\n\u{1e}{b}\n"),
        format!("{a} {b}"),
        format!("{{\"status\":\"ok\",\"data\":{{\"rows\":[{a},{b}],\"n\":[1]}},\"x\":[]}}"),
        format!("{{\"max\":8,\"data\":[{a},{b}]}}"),
        format!("{{\"-Kx1\":{a},\"-Kx2\":{b}}}"),
        format!("{{\"datasets\":[{{\"name\":\"x\",\"all\":[{a},{b}]}}]}}"),
    ] {
        assert_places(&text, &weighed, words);
    }
}

#[test]
fn nested_members_are_dotted_columns() {
    let text = concat!(
        r#"{"id":1,"location":{"latitude":48.5,"longitude":2.25},"info":{"kind":"a","n":4}}"#,
        "\n",
        r#"{"id":2,"location":{"latitude":52.5,"longitude":13.5},"info":{"kind":"b","n":5}}"#,
    );
    let words = "longitude from \"location.longitude\", latitude from \"location.latitude\"";
    assert_places(text, &[PARIS, BERLIN], words);
    let options = LoadOptions {
        weight: Some("info.n".to_owned()),
        filter: "info.kind = 'b'".parse().ok(),
        keep: vec!["info.kind".to_owned(), "later".to_owned()],
        ..LoadOptions::default()
    };
    let later = format!("{text}\n{}", r#"{"later":7,"info":{"kind":"b"}}"#);
    let mut source = read(Cursor::new(later), "a.ndjson", &options).unwrap();
    assert_eq!(
        source.columns().seen,
        [
            "id",
            "location.latitude",
            "location.longitude",
            "info.kind",
            "info.n",
            "later"
        ]
    );
    let (points, table, report) = load_table(&mut *source, |_| ()).unwrap();
    assert_eq!((points.summary().count, report.filtered), (1, 1));
    assert_eq!(report.skipped(SkipReason::NoPosition), 1);
    assert_eq!(table.columns().len(), 2);
    // The depth is no matter, up to a limit.
    let deep = |levels: usize| {
        let (open, close) = ("{\"a\":".repeat(levels), "}".repeat(levels));
        format!("[{open}{{\"lat\":48.5,\"lng\":2.25}}{close}]")
    };
    assert_places(&deep(60), &[PARIS], "a.a.a");
    let message = refused(&deep(70));
    assert!(message.contains("longitude"), "{message}");
}

#[test]
fn arrays_and_texts_with_a_name() {
    let both = [PARIS, BERLIN];
    for (text, words) in [
        (
            r#"[{"COORDINATES":[2.25,48.5]},{"COORDINATES":[13.5,52.5]}]"#,
            "longitude, latitude from \"COORDINATES\" (by convention",
        ),
        (
            r#"[{"position":[2.25,48.5,9]},{"position":["13.5","52.5"]}]"#,
            "longitude, latitude from \"position\"",
        ),
        (
            r#"[{"latlng":[48.5,2.25]},{"latlng":[52.5,13.5]}]"#,
            "latitude, longitude from \"latlng\"",
        ),
        (
            r#"[{"location":{"type":"Point","coordinates":[2.25,48.5]}},{"location":{"coordinates":[13.5,52.5]}}]"#,
            "from \"location.coordinates\"",
        ),
        (
            r#"[{"at":"geo:48.5,2.25"},{"at":"52.5°, 13.5°"}]"#,
            "latitude, longitude from texts in \"at\"",
        ),
        (
            r#"[{"location":"48.5, 2.25"},{"location":"52.5,13.5"}]"#,
            "latitude, longitude from texts in \"location\" (by convention",
        ),
    ] {
        assert_places(text, &both, words);
    }
    let swapped = order(AxisOrder::LatLon);
    let (places, _) = read_json(r#"[{"position":[48.5,2.25]}]"#, &swapped);
    assert_eq!(places, [PARIS]);
}

#[test]
fn what_is_ambiguous_is_refused_with_its_readings() {
    for (text, words) in [
        (
            r#"{"a":[{"lat":1,"lon":2}],"b":[{"lat":1,"lon":2}]}"#,
            "there are rows with positions in a and in b; choose one with `rows`",
        ),
        (
            r#"[{"from":{"lat":1,"lon":2},"to":{"lat":3,"lon":4}}]"#,
            "rows have positions in \"from.lon\", \"from.lat\" and in \"to.lon\", \"to.lat\"; choose",
        ),
        (
            r#"{"max":8,"data":[{"x":10,"y":15,"value":5}]}"#,
            "pixels of a picture",
        ),
        (
            r#"[{"a":1,"b":2}]"#,
            "no longitude and latitude column was found; there are: \"a\", \"b\"",
        ),
        (r#"{"a":{"b":[1,2]}}"#, "there are: \"a.b.1\""),
    ] {
        let message = refused(text);
        assert!(message.contains(words), "{text}: {message}");
    }
    let trips = r#"[{"from":{"lat":1,"lon":2},"to":{"lat":48.5,"lon":2.25},"end_lat":52.5,"end_lng":13.5}]"#;
    for (pair, place) in [("to", PARIS), ("end", BERLIN)] {
        let options = LoadOptions {
            pair: Some(pair.to_owned()),
            ..LoadOptions::default()
        };
        assert_eq!(read_json(trips, &options).0, [place]);
    }
    let two = r#"{"a":[{"lat":1,"lon":2}],"b":{"c":[{"lat":48.5,"lon":2.25}]}}"#;
    assert_eq!(read_json(two, &rows("b.c")).0, [PARIS]);
    assert_eq!(read_json(two, &rows("$.b.c")).0, [PARIS]);
    let message = error("a.json", two.as_bytes(), &rows("b.d"));
    assert!(
        message.contains("`rows`: there are no rows at \"b.d\""),
        "{message}"
    );
    let pixels = LoadOptions {
        lon: Some("x".to_owned()),
        lat: Some("y".to_owned()),
        ..LoadOptions::default()
    };
    assert_eq!(read_json(r#"[{"x":2.25,"y":48.5}]"#, &pixels).0, [PARIS]);
}

#[test]
fn rows_far_behind_are_refused_too() {
    let long: Vec<String> = (0..60_000)
        .map(|i| format!("{{\"lat\":48.5,\"lon\":2.25,\"n\":{i}}}"))
        .collect();
    let text = format!("{{\"a\":[{}],\"b\":[[1,2],[3,4]]}}", long.join(",\n"));
    let message = refused(&text);
    assert!(message.contains("positions in a and in b"), "{message}");
    assert_eq!(read_json(&text, &rows("a")).0.len(), 60_000);
    let text = format!(
        "{{\"rows\":[{}],\"fields\":[{{\"name\":\"x\"}}]}}",
        "[1,2],\n".repeat(200_000) + "[1,2]"
    );
    let message = refused(&text);
    assert!(
        message.contains("the names of the columns (\"x\") stand behind the rows"),
        "{message}"
    );
}

#[test]
fn columns_that_are_named_beside_the_rows() {
    let both = [weighing(PARIS, 3.0), weighing(BERLIN, 4.0)];
    for text in [
        r#"{"columns":["n","lon","lat"],"index":[0,1],"data":[[3,2.25,48.5],[4,13.5,52.5]]}"#,
        r#"{"fields":[{"name":"n"},{"name":"lon"},{"name":"lat"}],"rows":[[3,2.25,48.5],[4,13.5,52.5]]}"#,
        r#"{"rows":[[3,2.25,48.5],[4,13.5,52.5]],"fields":[{"name":"n"},{"name":"lon"},{"name":"lat"}]}"#,
    ] {
        let by_name = LoadOptions {
            weight: Some("n".to_owned()),
            ..LoadOptions::default()
        };
        let (places, why) = read_json(text, &by_name);
        assert_eq!(places, both, "{text}: {why}");
        assert!(why.contains("longitude from \"lon\""), "{why}");
    }
}

#[test]
fn wrapped_geojson_is_geojson() {
    let feature = |lon: f64, lat: f64, n: u8| {
        format!(
            "{{\"type\":\"Feature\",\"properties\":{{\"weight\":{n}}},\"geometry\":\
             {{\"type\":\"Point\",\"coordinates\":[{lon},{lat}]}}}}"
        )
    };
    let (a, b) = (feature(2.25, 48.5, 2), feature(13.5, 52.5, 3));
    let collection = format!("{{\"type\":\"FeatureCollection\",\"features\":[{a},\n{b}]}}");
    let both = [weighing(PARIS, 2.0), weighing(BERLIN, 3.0)];
    for (text, words) in [
        (
            format!("{{\"status\":\"ok\",\"data\":{collection},\"n\":[1]}}"),
            "GeoJSON at data",
        ),
        (
            format!("{{\"data\":{{\"all\":[{a},{b}]}}}}"),
            "GeoJSON at data.all",
        ),
        (
            format!("[{{\"layer\":{collection}}}]"),
            "GeoJSON at 1.layer",
        ),
    ] {
        assert_places(&text, &both, words);
        let cut = error(
            "a.json",
            &text.as_bytes()[..text.len() - 1],
            &LoadOptions::default(),
        );
        assert!(cut.contains("the file ends too early"), "{cut}");
    }
    let as_json = LoadOptions {
        format: Some(InputFormat::Json),
        ..LoadOptions::default()
    };
    assert_eq!(read_json(&collection, &as_json).0, both);
    let two = format!("{{\"a\":{collection},\"b\":{collection}}}");
    assert!(
        refused(&two).contains("positions in a and in b"),
        "{}",
        refused(&two)
    );
    let bad =
        format!("{{\"x\":\n1,\"data\":{{\"type\":\"FeatureCollection\",\"features\":[{a},\n7]}}}}");
    let (_, report) = loaded("a.json", bad.as_bytes(), &LoadOptions::default()).unwrap();
    assert_eq!(report.examples[0].line, 3);
}

#[test]
fn values_of_scripts_are_rows() {
    let both = [PARIS, BERLIN];
    let feature =
        "{\"type\":\"Feature\",\"geometry\":{\"type\":\"Point\",\"coordinates\":[2.25,48.5]}}";
    for (text, expected, words) in [
        (
            "var addressPoints = [\n[48.5, 2.25],\n[52.5, 13.5],\n];\n",
            &both[..],
            "Leaflet.heat",
        ),
        (
            "export default [[48.5,2.25],[52.5,13.5]]",
            &both,
            "Leaflet.heat",
        ),
        (
            "\n// made by hand\n\
             const testData = {max: 8, data: [{lat: 48.5, lng: 2.25}, {'lat': 52.5, lng: 13.5}]};",
            &both,
            "longitude from \"lng\"",
        ),
        (
            "show({\"data\":[{\"lat\":48.5,\"lng\":2.25},{\"lat\":52.5,\"lng\":13.5}]});",
            &both,
            "\"lat\"",
        ),
        (
            "var heat = [new google.maps.LatLng(48.5, 2.25), new google.maps.LatLng(52.5, 13.5)];",
            &both,
            "\"lat\"",
        ),
        (
            "L.heatLayer([[48.5, 2.25], [52.5, 13.5]], {radius: 25}).addTo(map);",
            &both,
            "Leaflet.heat",
        ),
        (
            &format!(
                "eqfeed_callback({{\"type\":\"FeatureCollection\",\"features\":[{feature}]}});"
            ),
            &both[..1],
            "geometries",
        ),
    ] {
        for name in ["a.js", "a.json", "a", "a.txt"] {
            let options = LoadOptions::default();
            let mut source = read(Cursor::new(text.to_owned()), name, &options).unwrap();
            assert!(source.columns().why.contains(words), "{text}");
            let mut points = Vec::new();
            load(&mut *source, &mut points, |_| ()).unwrap();
            assert_eq!(points.len(), expected.len());
        }
        assert_places(text, expected, words);
    }
    for (text, words) in [
        (
            "var a = [[1,2]]; var b = [[3,4]];",
            "a second array of rows",
        ),
        (
            "var a = [\n[1,2],\n[3,4]",
            "line 3, column 6: malformed JSON: the file ends too early",
        ),
        ("var a = [\n[1,2],\n[3,x]];", "line 3"),
        ("var a = 7;", "has no rows"),
    ] {
        let message = error("a.js", text.as_bytes(), &LoadOptions::default());
        assert!(message.contains(words), "{text}: {message}");
    }
}

#[test]
fn bad_rows_are_counted_and_cost_no_other() {
    let text = "[{\"lat\":48.5,\"lon\":2.25},\n null,\n{\"lat\":null,\"lon\":1},\n{\"lat\":\"x\",\"lon\":1},\n\
                {\"a\":1},\n{\"lat\":88,\"lon\":1}]";
    let (points, report) = loaded("a.json", text.as_bytes(), &LoadOptions::default()).unwrap();
    assert_eq!((points.len(), report.rows), (1, 6));
    for (reason, count) in [
        (SkipReason::Malformed, 1),
        (SkipReason::NoPosition, 2),
        (SkipReason::BadPosition, 1),
        (SkipReason::Outside, 1),
    ] {
        assert_eq!(report.skipped(reason), count, "{reason}");
    }
    assert_eq!(
        report.examples[0].to_string(),
        "line 2: malformed: no row: \"null\""
    );
    // A malformed line is a skipped row; in a document it ends the load.
    let lines = "{\"lat\":48.5,\"lon\":2.25}\n{\"lat\":1,\"lon\":x}\n{\"lat\":52.5,\"lon\":13.5}\n{\"lat\":1,";
    let (points, report) = loaded("a.json", lines.as_bytes(), &LoadOptions::default()).unwrap();
    assert_eq!(
        (points.len(), report.skipped(SkipReason::Malformed)),
        (2, 2)
    );
    let message = refused("[{\"lat\":48.5,\"lon\":2.25},\n{\"lat\":1,\"lon\":x}]");
    assert!(
        message.contains("line 2, column 16: malformed JSON"),
        "{message}"
    );
}

#[test]
fn every_cut_is_an_error_or_fewer_rows() {
    for text in [
        "[[48.5, 2.25, 1], [52.5, 13.5, 2], [1, 2, 3]]",
        r#"{"a":{"rows":[{"lat":48.5,"lon":2.25},{"lat":52.5,"lon":13.5}],"b":"c"},"d":[1]}"#,
        "{\"lat\":48.5,\"lon\":2.25}\n{\"lat\":52.5,\"lon\":13.5}",
        r#"{"x":{"lat":48.5,"lon":2.25},"y":{"lat":52.5,"lon":13.5}}"#,
        r#"{"columns":["n","lon","lat"],"data":[[3,2.25,48.5],[4,13.5,52.5]]}"#,
        r#"{"data":{"type":"FeatureCollection","features":[{"type":"Feature","geometry":{"type":"Point","coordinates":[1,2]}}]}}"#,
    ] {
        let whole = loaded("a.json", text.as_bytes(), &LoadOptions::default()).unwrap();
        let is_lines = text.contains('\n');
        for length in 0..text.len() {
            let cut = loaded(
                "a.json",
                &text.as_bytes()[..length],
                &LoadOptions::default(),
            );
            match cut {
                Ok((points, _)) => {
                    assert!(
                        is_lines && points.len() < whole.0.len(),
                        "{}",
                        &text[..length]
                    );
                }
                Err(error) => assert!(!error.to_string().is_empty()),
            }
        }
    }
}

#[test]
fn esri_json_is_in_its_coordinate_system() {
    let features = r#"[{"attributes":{"n":3,"weight":2},"geometry":{"x":250468.85,"y":6190443.81}},{"attributes":{"n":4},"geometry":null},{"attributes":{"n":5},"geometry":{"x":"NaN","y":"NaN"}}]"#;
    let mercator = r#"{"wkid":102100,"latestWkid":3857}"#;
    for text in [
        format!(
            r#"{{"geometryType":"esriGeometryPoint","spatialReference":{mercator},"features":{features}}}"#
        ),
        format!(r#"{{"features":{features},"spatialReference":{mercator}}}"#),
    ] {
        let mut source = read(Cursor::new(text), "a.json", &LoadOptions::default()).unwrap();
        assert_eq!(source.columns().seen[..2], ["n", "weight"]);
        assert!(source.columns().why.starts_with(
            "read as Esri JSON: positions from the geometries in EPSG:3857, weight from \"weight\""
        ));
        let mut points = Vec::new();
        let report = load(&mut *source, &mut points, |_| ()).unwrap();
        let (lon, lat) = mercator::unproject(points[0].at());
        assert!(
            (lon - 2.25).abs() < 1e-4 && (lat - 48.5).abs() < 1e-4,
            "{lon} {lat}"
        );
        assert_eq!((points[0].weight, report.kept), (2.0, 1));
        assert_eq!(
            (
                report.skipped(SkipReason::NoPosition),
                report.skipped(SkipReason::BadPosition)
            ),
            (1, 1)
        );
    }
    let degrees = r#"{"features":[{"geometry":{"x":2.25,"y":48.5}},{"geometry":{"points":[[13.5,52.5],[2.25,48.5]]}}]}"#;
    assert_places(
        degrees,
        &[PARIS, BERLIN, PARIS],
        "in degrees (no spatialReference is there)",
    );
    let unknown =
        r#"{"spatialReference":{"wkid":999999},"features":[{"geometry":{"x":2.25,"y":48.5}}]}"#;
    assert!(refused(unknown).contains("EPSG:999999"));
    let many = vec![r#"{"geometry":{"x":2.25,"y":48.5}}"#; 50_000].join(",");
    let late = format!(r#"{{"features":[{many}],"spatialReference":{mercator}}}"#);
    assert!(refused(&late).contains("the spatialReference stands behind the features"));
}

#[test]
fn overpass_json_has_nodes_and_centers() {
    let text = r#"{"version":0.6,"elements":[
        {"type":"node","id":1,"lat":48.5,"lon":2.25,"tags":{"amenity":"bench","type":"x"}},
        {"type":"way","id":2,"center":{"lat":52.5,"lon":13.5},"bounds":{"minlat":1},"tags":{"amenity":"cafe"}},
        {"type":"relation","id":3,"members":[{"type":"node","lat":1,"lon":2}]}]}"#;
    assert_places(text, &[PARIS, BERLIN], "read as Overpass JSON");
    let options = LoadOptions {
        filter: "amenity = 'cafe' and type = 'way'".parse().ok(),
        ..LoadOptions::default()
    };
    assert_eq!(read_json(text, &options).0, [BERLIN]);
}

#[test]
fn exports_of_google_takeout() {
    let records = r#"{"locations":[{"latitudeE7":485000000,"longitudeE7":22500000,"accuracy":9},
        {"latitudeE7":377500000,"longitudeE7":3070773096},{"latitudeE7":4079967296,"longitudeE7":"-1224194200"}]}"#;
    let far = (-122.41942, 37.75, 1.0);
    assert_places(
        records,
        &[PARIS, far, (-122.41942, -21.5, 1.0)],
        "\"longitudeE7\"",
    );
    let semantic = r#"{"timelineObjects":[
        {"activitySegment":{"startLocation":{"latitudeE7":485000000,"longitudeE7":22500000},"endLocation":{"latitudeE7":525000000,"longitudeE7":135000000},"distance":9}},
        {"placeVisit":{"location":{"latitudeE7":525000000,"longitudeE7":135000000,"name":"x"},"childVisits":[{"location":{"latitudeE7":1,"longitudeE7":1}}]}}]}"#;
    assert_places(
        semantic,
        &[PARIS, BERLIN, BERLIN],
        "Semantic Location History",
    );
    let android = r#"{"semanticSegments":[
        {"startTime":"a","timelinePath":[{"point":"48.5°, 2.25°","time":"a"},{"point":"52.5°, 13.5°"}]},
        {"startTime":"b","visit":{"topCandidate":{"placeLocation":{"latLng":"52.5°, 13.5°"}}}}],
        "rawSignals":[{"position":{"LatLng":"1°, 2°"}}]}"#;
    assert_places(
        android,
        &[PARIS, BERLIN, BERLIN],
        "read as Google's timeline",
    );
    let apple = r#"[{"startTime":"a","activity":{"start":"geo:48.5,2.25","end":"geo:52.5,13.5"}},
        {"startTime":"b","visit":{"topCandidate":{"placeLocation":"geo:52.5,13.5"}}},
        {"startTime":"c","timelinePath":[{"point":"geo:48.5,2.25"}]},{"startTime":"d"}]"#;
    assert_places(
        apple,
        &[PARIS, BERLIN, BERLIN, PARIS],
        "read as Google's timeline",
    );
}

#[test]
fn options_of_rows_are_refused_elsewhere() {
    let point = "{\"type\":\"Point\",\"coordinates\":[1,2]}";
    for (name, text) in [("a.csv", "lon,lat\n1,2\n"), ("a.geojson", point)] {
        let message = error(name, text.as_bytes(), &order(AxisOrder::LatLon));
        assert!(message.contains("`order`: only JSON rows"), "{message}");
        let message = error(name, text.as_bytes(), &rows("a"));
        assert!(message.contains("`rows`: only JSON rows"), "{message}");
    }
}

#[test]
fn json_with_a_part_for_each_column() {
    let both = [weighing(PARIS, 3.0), weighing(BERLIN, 4.0)];
    let words = "read as columns of JSON: longitude from \"lon\", latitude from \"lat\"";
    for text in [
        r#"{"lat":[48.5,"52.5"],"lon":[2.25,13.5],"count":[3,4],"x":[]}"#,
        r#"{"lat":{"0":48.5,"7":52.5},"lon":{"0":2.25,"7":13.5},"count":{"0":3,"7":4}}"#,
        r#"{"ok":true,"result":{"lat":[48.5,52.5],"lon":[2.25,13.5],"count":[3,4]}}"#,
    ] {
        assert_places(text, &both, words);
        for length in 0..text.len() {
            assert!(
                loaded(
                    "a.json",
                    &text.as_bytes()[..length],
                    &LoadOptions::default()
                )
                .is_err()
            );
        }
    }
    let text = r#"{"lat":[48.5,null,"x"],"lon":[2.25,1,1],"kind":["a","b","c"]}"#;
    let (_, report) = loaded("a.json", text.as_bytes(), &LoadOptions::default()).unwrap();
    assert_eq!((report.kept, report.rows), (1, 3));
    let options = LoadOptions {
        filter: "kind = 'a'".parse().ok(),
        ..LoadOptions::default()
    };
    assert_eq!(read_json(text, &options).0, [PARIS]);
    for text in [
        r#"{"lat":[48.5,52.5],"lon":[2.25]}"#,
        r#"{"lat":{"0":48.5},"lon":{"1":2.25}}"#,
    ] {
        assert!(refused(text).contains("has other rows than the column before it"));
    }
    // The second column may begin far behind the first.
    let many = |value: &str| vec![value; 400_000].join(",");
    let text = format!("{{\"lat\":[{}],\"lon\":[{}]}}", many("48.5"), many("2.25"));
    assert_eq!(read_json(&text, &LoadOptions::default()).0.len(), 400_000);
}

#[test]
fn points_of_topojson() {
    let text = r#"{"type":"Topology","arcs":[],"objects":{"a":{"type":"GeometryCollection","geometries":[
        {"type":"Point","coordinates":[225,4850],"properties":{"weight":2,"kind":"x"}},
        {"type":"MultiPoint","coordinates":[[1350,5250]],"properties":{"weight":3}},
        {"type":"LineString","arcs":[0]},{"type":null}]},"b":{"type":"Point","coordinates":[225,4850]}},
        "transform":{"scale":[0.01,0.01],"translate":[0,0]}}"#;
    let (places, why) = read_json(text, &LoadOptions::default());
    assert_eq!(
        places,
        [
            weighing(PARIS, 2.0),
            weighing(BERLIN, 3.0),
            weighing(PARIS, 0.0)
        ]
    );
    assert!(
        why.starts_with("read as TopoJSON: positions from the points of all objects"),
        "{why}"
    );
    let (_, report) = loaded("a.json", text.as_bytes(), &LoadOptions::default()).unwrap();
    assert_eq!(
        (
            report.skipped(SkipReason::NotAPoint),
            report.skipped(SkipReason::NoPosition)
        ),
        (1, 1)
    );
    let bad = text.replace("[0.01,0.01]", "7");
    assert!(refused(&bad).contains("transform"));
}

#[test]
fn many_keys_take_a_time_in_proportion() {
    const KEYS: usize = 20_000;
    let objects = |key: &dyn Fn(usize) -> String| {
        let all = (0..KEYS).map(|i| format!("{}{{\"lat\":48.5,\"lon\":2.25}}", key(i)));
        all.collect::<Vec<_>>().join(",")
    };
    let numbers = vec!["[7]"; KEYS].join(",");
    let nested: Vec<String> = (0..4000).map(|i| format!("\"k{i}\":{{\"n\":7}}")).collect();
    let texts = [
        format!("[{}]", objects(&|_| String::new())),
        format!("{{{}}}", objects(&|i| format!("\"k{i}\":"))),
        format!("{{{},\"a\":[[48.5,2.25]]}}", {
            let keys = numbers.split(',').enumerate();
            keys.map(|(i, value)| format!("\"k{i}\":{value}"))
                .collect::<Vec<_>>()
                .join(",")
        }),
        format!("[{{\"lat\":48.5,\"lon\":2.25,{}}}]", nested.join(",")),
    ];
    let times = texts.map(|text| {
        let bytes = text.len() as f64;
        let start = cpu_time::ThreadTime::now();
        read(Cursor::new(text), "a.json", &LoadOptions::default()).unwrap();
        start.elapsed().as_secs_f64() / bytes
    });
    for time in &times[1..] {
        assert!(*time < times[0] * 300.0, "{times:?}");
    }
}

#[test]
fn positions_behind_wrapped_geojson_are_refused_unless_rows_are_named() {
    let feature =
        "{\"type\":\"Feature\",\"geometry\":{\"type\":\"Point\",\"coordinates\":[2.25,48.5]}}";
    let many = vec![feature; 20_000].join(",\n");
    let collection =
        |features: &str| format!("{{\"type\":\"FeatureCollection\",\"features\":[{features}]}}");
    for part in [format!("[{many}]"), collection(&many)] {
        for behind in [
            format!("[{feature},{feature}]"),
            collection(feature),
            format!("{{\"c\":{}}}", collection(feature)),
            "[[48,2],[49,3]]".to_owned(),
            "[{\"lat\":48,\"lon\":2}]".to_owned(),
            feature.to_owned(),
        ] {
            let text = format!("{{\"a\":{part},\"n\":[1],\"b\":{behind}}}");
            let message = refused(&text);
            assert!(
                message.contains("a.json: there are rows with positions in a and in b"),
                "{behind}: {message}"
            );
            assert_eq!(read_json(&text, &rows("a")).0.len(), 20_000, "{behind}");
        }
        for behind in ["[1,2]", "{\"b\":[[]]}", "\"FeatureCollection\"", "null"] {
            let text = format!("{{\"a\":{part},\"b\":{behind},\"bounds\":[[48,2],[53,14]]}}");
            assert_eq!(
                read_json(&text, &LoadOptions::default()).0.len(),
                20_000,
                "{behind}"
            );
        }
        refuses_damaged_ends(&format!("{{\"a\":{part}"));
    }
}

/// Checks that what can't end a document is refused behind `rows`, which are the value of a first
/// member.
fn refuses_damaged_ends(rows: &str) {
    for end in [
        "]",
        ",]",
        ",7}",
        "} x",
        " 7}",
        ",\"b\" 7}",
        ",\"b\":}",
        ",\"b\":[}",
    ] {
        let message = refused(&format!("{rows}{end}"));
        let names_it = message.contains("expected") || message.contains("too early");
        assert!(names_it, "{end}: {message}");
    }
}

#[test]
fn positions_behind_columns_and_topologies_are_refused() {
    let many = |value: &str| vec![value; 400_000].join(",");
    let columns = format!("{{\"lat\":[{}],\"lon\":[{}]}}", many("48.5"), many("2.25"));
    let topology = format!(
        "{{\"type\":\"Topology\",\"objects\":{{\"a\":{{\"type\":\"MultiPoint\",\"coordinates\":[{}]}}}}}}",
        many("[2.25,48.5]")
    );
    for part in [columns, topology] {
        let text = format!("{{\"a\":{part},\"n\":[1,2],\"b\":[[48,2],[49,3]]}}");
        let message = refused(&text);
        assert!(message.contains("positions in a and in b"), "{message}");
        assert_eq!(read_json(&text, &rows("a")).0.len(), 400_000);
        let text = format!("{{\"a\":{part},\"bounds\":[[48,2],[49,3]]}}");
        assert_eq!(read_json(&text, &LoadOptions::default()).0.len(), 400_000);
    }
}

#[test]
fn a_box_behind_the_rows_is_no_data() {
    let many = vec!["[48.5,2.25]"; 100_000].join(",");
    for name in ["bounds", "maxBounds", "bbox"] {
        let text = format!("{{\"data\":[{many}],\"{name}\":[[48,2],[53,14]]}}");
        let found = read_json(&text, &LoadOptions::default()).0;
        assert_eq!(found.len(), 100_000);
    }
    let text = format!("{{\"data\":[{many}],\"b\":[[48,2],[53,14]]}}");
    assert!(refused(&text).contains("positions in data and in b"));
    refuses_damaged_ends(&format!("{{\"data\":[{many}]"));
}

#[test]
fn groups_may_be_empty() {
    for text in [
        "[[],[[48.5,2.25]],[],[[52.5,13.5]]]",
        "[[],[],[[48.5,2.25],[52.5,13.5]]]",
        "{\"data\":[[],[[48.5,2.25],[52.5,13.5]]]}",
        "[[],[48.5,2.25],[52.5,13.5]]",
        "[{},{\"lat\":48.5,\"lon\":2.25},{\"lat\":52.5,\"lon\":13.5}]",
    ] {
        assert_places(text, &[PARIS, BERLIN], "");
    }
}

#[test]
fn an_array_beside_two_numbers_is_ambiguous() {
    let text = "[[48.5,2.25,[25,41]],[52.5,13.5,[25,41]]]";
    let message = refused(text);
    assert!(
        message.contains("in 1 and 2, and in 3; choose with `lon` and `lat`"),
        "{message}"
    );
    let options = LoadOptions {
        lon: Some("2".to_owned()),
        lat: Some("1".to_owned()),
        ..LoadOptions::default()
    };
    assert_eq!(read_json(text, &options).0, [PARIS, BERLIN]);
}

#[test]
fn texts_of_two_numbers_are_judged_by_their_values() {
    let far = (-122.5, 37.5, 1.0);
    let near = (2.5, 48.5, 1.0);
    assert_places(
        r#"[{"location":"-122.5, 37.5"},{"location":"2.5, 48.5"}]"#,
        &[far, near],
        "longitude, latitude from texts in \"location\" (the first goes beyond ±90)",
    );
    assert_places(
        r#"[{"lonlat":"37.5, -122.5"},{"lonlat":"48.5, 2.5"}]"#,
        &[far, near],
        "(the second goes beyond ±90)",
    );
    assert_places(
        r#"[{"location":"-122.5°, 37.5°"},{"location":"2.5°, 48.5°"}]"#,
        &[far, near],
        "(the first goes beyond ±90)",
    );
    let message = refused(r#"[{"location":"-122.5, 37.5"},{"location":"37.5, -122.5"}]"#);
    assert!(message.contains("name the order with `order`"), "{message}");
    // A later row that contradicts the order ends the load; a text that states its order doesn't.
    let many = vec![r#"{"location":"48.5, 2.5"}"#; 100_000].join(",\n");
    let text = format!("[{many},\n{}]", r#"{"location":"-122.5, 37.5"}"#);
    let message = refused(&text);
    assert!(
        message.contains("`order`: line 100001, column 1") && message.contains("-122.5"),
        "{message}"
    );
    let (_, report) = loaded("a.json", text.as_bytes(), &order(AxisOrder::LatLon)).unwrap();
    assert_eq!(
        (report.kept, report.skipped(SkipReason::BadPosition)),
        (100_000, 1)
    );
    let stated = format!("[{many},\n{}]", r#"{"location":"122.5°W, 37.5°N"}"#);
    assert_eq!(read_json(&stated, &LoadOptions::default()).0[100_000], far);
}

#[test]
fn texts_of_positions_are_those_of_csv() {
    for text in [
        "(48.5, 2.25)",
        "48.5 2.25",
        "48.5;2.25",
        "48,5; 2,25",
        "[2.25, 48.5]",
        "48°30'N 2°15'E",
        "2°15'E, 48°30'N",
        "1 Main St, Paris\\n(48.5, 2.25)",
        "POINT (2.25 48.5)",
        "SRID=4326;POINT(2.25 48.5)",
        "MULTIPOINT((2.25 48.5))",
        "010100000000000000000002400000000000404840",
        "{\\\"type\\\":\\\"Point\\\",\\\"coordinates\\\":[2.25,48.5]}",
    ] {
        assert_places(
            &format!("[{{\"n\":1,\"location\":\"{text}\"}}]"),
            &[PARIS],
            "texts in",
        );
    }
    // These need no name, unlike two numbers.
    for text in ["POINT (2.25 48.5)", "48°30'N 2°15'E", "geo:48.5,2.25"] {
        assert_places(&format!("[{{\"a\":\"{text}\"}}]"), &[PARIS], "texts in");
    }
    assert_places(
        r#"{"columns":["n","location"],"data":[[1,"48.5, 2.25"]]}"#,
        &[PARIS],
        "texts in",
    );
    for text in [
        r#"[{"price":"12,50"},{"price":"9,99"}]"#,
        r#"[{"hours":"08:00, 17:00"}]"#,
        r#"[{"location":"08:00, 17:00"}]"#,
        r#"[{"a":"48.5, 2.25"}]"#,
    ] {
        let message = refused(text);
        assert!(
            message.contains("no longitude and latitude"),
            "{text}: {message}"
        );
    }
    let mixed = r#"[{"g":"POINT (2.25 48.5)","n":1},{"g":"LINESTRING (1 2, 3 4)"},{"g":"POINT EMPTY"},
        {"g":"SRID=25832;POINT (1 2)"},{"g":"MULTIPOINT (13.5 52.5, 1 89)"},{"g":"POINT (2.25 48.5)"},{"g":"POINT (2.25 48.5)"}]"#;
    let (_, report) = loaded("a.json", mixed.as_bytes(), &LoadOptions::default()).unwrap();
    let skipped = [
        SkipReason::NotAPoint,
        SkipReason::NoPosition,
        SkipReason::BadPosition,
        SkipReason::Outside,
    ]
    .map(|reason| report.skipped(reason));
    assert_eq!((report.kept, skipped), (4, [1, 1, 1, 1]), "{report}");
    assert!(report.to_string().contains("EPSG:25832"), "{report}");
}

#[test]
fn options_without_use_are_refused() {
    let set = |name: &str| {
        let mut options = LoadOptions::default();
        match name {
            "order" => options.order = Some(AxisOrder::LatLon),
            "pair" => options.pair = Some("a".to_owned()),
            "lon" => options.lon = Some("a".to_owned()),
            "lat" => options.lat = Some("a".to_owned()),
            _ => options.decimal = ",".parse().ok(),
        }
        options
    };
    let point = r#"{"type":"Feature","geometry":{"type":"Point","coordinates":[1,2]}}"#;
    let wrapped = format!("{{\"a\":[{point}]}}");
    let named = r#"[{"lat":1,"lon":2}]"#;
    let topology = r#"{"type":"Topology","objects":{"a":{"type":"Point","coordinates":[1,2]}}}"#;
    let columns = r#"{"lat":[1],"lon":[2]}"#;
    let overpass = r#"{"elements":[{"type":"node","id":1,"lat":1,"lon":2}]}"#;
    for (text, names) in [
        (named, &["order", "decimal"][..]),
        ("[[1,2]]", &["pair", "decimal"]),
        (r#"[{"a":"geo:1,2"}]"#, &["order", "decimal"]),
        (r#"[{"latlng":[1,2]}]"#, &["decimal"]),
        (columns, &["order", "decimal"]),
        (topology, &["order", "pair", "lon", "lat", "decimal"]),
        (&wrapped, &["order", "pair", "lon", "lat", "decimal"]),
        (point, &["pair", "decimal"]),
        (overpass, &["order", "pair", "decimal"]),
    ] {
        loaded("a.json", text.as_bytes(), &LoadOptions::default()).unwrap();
        for name in names {
            let message = error("a.json", text.as_bytes(), &set(name));
            assert!(
                message.contains(&format!("`{name}`: ")) && message.contains("leave"),
                "{text}: {message}"
            );
        }
    }
    let both = LoadOptions {
        lon: Some("lon".to_owned()),
        lat: Some("lat".to_owned()),
        ..set("order")
    };
    assert!(error("a.json", named.as_bytes(), &both).contains("`order`: "));
}

#[test]
fn a_damaged_first_line_costs_that_line() {
    let (row, other) = ("{\"lat\":48.5,\"lon\":2.25}", "{\"lat\":52.5,\"lon\":13.5}");
    for text in [
        format!("{{\"lat\":1,\"lo\n{row}\n{other}\n"),
        format!("{{\"lat\":1,\"lon\":x}}\n{row}\n{other}"),
        format!("{{\"lat\":1 \"lon\":2}}\r\n{row}\r\n{other}\r\n"),
        "[1,x]\n[48.5,2.25]\n[52.5,13.5]\n".to_owned(),
    ] {
        let (_, report) = loaded("a.ndjson", text.as_bytes(), &LoadOptions::default()).unwrap();
        assert_eq!(
            (report.kept, report.skipped(SkipReason::Malformed)),
            (2, 1),
            "{text}"
        );
        assert_places(&text, &[PARIS, BERLIN], "read as");
    }
    let feature = "{\"type\":\"Feature\",\"properties\":{\"weight\":2},\"geometry\":\
                   {\"type\":\"Point\",\"coordinates\":[2.25,48.5]}}";
    for damaged in ["{\"type\":\"Fea", "{\"typ"] {
        let text = format!("{damaged}\n{feature}\n");
        let (points, report) =
            loaded("a.ndjson", text.as_bytes(), &LoadOptions::default()).unwrap();
        assert_eq!(report.skipped(SkipReason::Malformed), 1, "{text}");
        assert_eq!(points[0].weight, 2.0, "{text}");
    }
    // A document of several lines is none of lines.
    for text in [
        format!("[\n{row}\n,\n{other}\n]"),
        format!("[{row},\n{other}\n]"),
        format!("{{\"a\":1,\"data\":[\n{row},\n{other}]}}"),
        "[[48.5,2.25],\n[52.5,13.5]\n]".to_owned(),
    ] {
        let (_, report) = loaded("a.json", text.as_bytes(), &LoadOptions::default()).unwrap();
        assert_eq!((report.kept, report.rows), (2, 2), "{text}");
    }
    for text in [
        format!("[\n{row}"),
        format!("[{row}\n{other}]"),
        "[[48.5,2.25]\n[52.5,13.5]\n]".to_owned(),
    ] {
        let message = refused(&text);
        assert!(message.contains("malformed JSON"), "{text}: {message}");
    }
}
