//! The choice of columns, the text that explains it, and the errors if a column is not found.

use crate::{error, loaded, weight};
use heatsplat_loader::{LoadOptions, Position, read};

fn why(name: &str, text: &str, options: &LoadOptions) -> String {
    let text = std::io::Cursor::new(text.as_bytes().to_vec());
    read(text, name, options).unwrap().columns().why.clone()
}

fn lon_lat(lon: &str, lat: &str) -> LoadOptions {
    LoadOptions {
        lon: Some(lon.into()),
        lat: Some(lat.into()),
        ..LoadOptions::default()
    }
}

#[test]
fn the_choice_is_told() {
    let auto = LoadOptions::default();
    assert_eq!(
        why(
            "a.csv",
            "id,longitude,latitude,population\n1,2,3,4\n",
            &auto
        ),
        "longitude from \"longitude\", latitude from \"latitude\", weight from \"population\" \
         (the only column that looks like one; `weight` none counts rows)"
    );
    assert_eq!(
        why("a.csv", "lon,lat,count,value\n1,2,3,4\n", &auto),
        "longitude from \"lon\", latitude from \"lat\", every row counts 1 \
         (\"count\", \"value\" all look like weights; choose one with `weight` NAME)"
    );
    assert_eq!(
        why("a.csv", "lon,lat,count\n1,2,3\n", &weight("none")),
        "longitude from \"lon\", latitude from \"lat\", every row counts 1 (weight none)"
    );
    let feature = r#"{"type":"Feature","properties":{"mag":1},"geometry":{"type":"Point","coordinates":[1,2]}}"#;
    assert_eq!(
        why("a.json", feature, &auto),
        "positions from the geometries, weight from \"mag\" \
         (the only column that looks like one; `weight` none counts rows)"
    );
}

#[test]
fn without_a_header() {
    let text = "13.4;52.5;3\n13.5;52.6;4\n";
    let mut source = read(text.as_bytes(), "a.csv", &LoadOptions::default()).unwrap();
    let columns = source.columns();
    assert!(
        columns.why.contains("assumed: there is no header"),
        "{}",
        columns.why
    );
    assert_eq!(
        columns.position,
        Position::LonLat {
            lon: "1".into(),
            lat: "2".into()
        }
    );
    assert_eq!(columns.weight.as_deref(), Some("3"));
    let mut points = Vec::new();
    while source.next_batch(&mut points).unwrap() {}
    assert_eq!(points.iter().map(|p| p.weight).sum::<f32>(), 7.0);

    // There are too many columns to guess which of them are the longitude and the latitude.
    let wide = "7,52.5,13.4,x\n8,NaN,13.5,y\n";
    let message = error("a.csv", wide.as_bytes(), &LoadOptions::default());
    assert!(message.contains("`lon` 1 `lat` 2"), "{message}");
    let (points, report) = loaded("a.csv", wide.as_bytes(), &lon_lat("3", "2")).unwrap();
    assert_eq!(
        (points.len(), report.rows, report.examples[0].line),
        (1, 2, 2)
    );
    // A first row of data that has no valid number is not taken for a header if columns are named
    // by number.
    let (_, report) = loaded("a.csv", b"x,NaN,1\ny,2,1\n", &lon_lat("2", "3")).unwrap();
    assert_eq!((report.rows, report.kept), (2, 1));
}

#[test]
fn columns_that_are_not_there() {
    for (text, options, says) in [
        (
            "a,b\n1,2\n",
            LoadOptions::default(),
            "no longitude and no latitude column was found; there are: \"a\", \"b\"",
        ),
        (
            "lon,b\n1,2\n",
            LoadOptions::default(),
            "no latitude column was found",
        ),
        (
            "lon,lat\n1,2\n",
            lon_lat("east", "lat"),
            "`lon`: there is no column \"east\"; there are: \"lon\", \"lat\"",
        ),
        (
            "lon,lat\n1,2\n",
            weight("mass"),
            "`weight`: there is no column \"mass\"",
        ),
        (
            "1,2,3,4\n",
            lon_lat("1", "9"),
            "`lat`: there is no column \"9\"",
        ),
        (
            "a,b\n1,2\n",
            lon_lat("a", "A"),
            "`lat`: longitude and latitude cannot be the same column",
        ),
        (
            "easting,northing\n1,2\n",
            LoadOptions::default(),
            "metres of a projection",
        ),
    ] {
        let message = error("t.csv", text.as_bytes(), &options);
        assert!(
            message.starts_with("t.csv: ") && message.contains(says),
            "{message}"
        );
    }
    let point = br#"{"type":"Feature","properties":{"a":1},"geometry":{"type":"Point","coordinates":[1,2]}}"#;
    let message = error("t.json", point, &weight("b"));
    assert!(
        message.contains("`weight`: there is no column \"b\"; there are: \"a\""),
        "{message}"
    );
    let message = error("t.json", point, &lon_lat("x", "y"));
    assert!(
        message.contains("`lon`: GeoJSON has positions"),
        "{message}"
    );
}

#[test]
fn a_property_may_turn_up_late() {
    let feature = |properties: &str| {
        format!(
            "{{\"type\":\"Feature\",\"properties\":{{{properties}}},\"geometry\":{{\"type\":\"Point\",\"coordinates\":[1,2]}}}}\n"
        )
    };
    let text = feature("\"a\":1").repeat(100) + &feature("\"b\":5");
    let (points, report) = loaded("a.ndjson", text.as_bytes(), &weight("b")).unwrap();
    assert_eq!(points.iter().map(|p| p.weight).sum::<f32>(), 5.0);
    assert_eq!(report.weights_missing, 100);
}

#[test]
fn one_of_several_pairs_is_chosen() {
    let text = "id,pickup_lat,pickup_lng,dropoffLat,dropoffLng\n1,1,2,3,4\n";
    let message = error("t.csv", text.as_bytes(), &LoadOptions::default());
    assert!(
        message.starts_with("t.csv: `pair`: there are several pairs")
            && message.contains("pickup (\"pickup_lng\" and \"pickup_lat\"), dropoff ("),
        "{message}"
    );
    let pair = |name: &str| LoadOptions {
        pair: Some(name.into()),
        ..LoadOptions::default()
    };
    assert!(why("t.csv", text, &pair("Dropoff")).contains("longitude from \"dropoffLng\""));
    let message = error("t.csv", text.as_bytes(), &pair("end"));
    assert!(
        message.contains("called \"end\"") && message.contains("pickup ("),
        "{message}"
    );
    let gtfs = "stop_id,stop_lat,stop_lon\nS1,40.7,-74.0\n";
    assert!(
        why("stops.txt", gtfs, &LoadOptions::default()).contains("longitude from \"stop_lon\"")
    );
}
