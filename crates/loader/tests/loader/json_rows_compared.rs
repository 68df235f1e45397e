//! JSON rows compared with a reading of the whole document by `serde_json`.

use crate::loaded;
use heatsplat_loader::LoadOptions;
use heatsplat_points::{Point, WorldCoord, mercator};
use proptest::prelude::*;
use serde_json::{Value, json};

/// The number that a JSON value or its text is.
fn number(value: Option<&Value>) -> Option<f64> {
    match value? {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

/// The points of rows, as a plain reader makes them.
fn expected(rows: &[Value], lat: &str, lon: &str, weight: &str) -> Vec<Point> {
    let point = |row: &Value| {
        let (lon, lat) = (number(row.pointer(lon))?, number(row.pointer(lat))?);
        let at: WorldCoord = mercator::project(lon, lat).ok()?;
        let weight = number(row.pointer(weight)).map(|weight| weight as f32);
        Some(Point::weighing(at, weight))
    };
    rows.iter().filter_map(point).collect()
}

/// A number as a number or as a text, or sometimes null.
fn value(range: std::ops::Range<i32>) -> impl Strategy<Value = Value> {
    (range, 0..8u8).prop_map(|(number, kind)| {
        let number = f64::from(number) / 100.0;
        match kind {
            0 => Value::Null,
            1 | 2 => Value::String(number.to_string()),
            _ => json!(number),
        }
    })
}

/// A value that has nothing to do with positions.
fn other() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!(null)),
        Just(json!({"a": {"b": [1, [2]], "c": "]}\"\\"}})),
        Just(json!(["x", {"y": "é\n"}, [], {}])),
        any::<i64>().prop_map(|n| json!(n)),
        "[ -~é]{0,8}".prop_map(Value::String),
    ]
}

/// A row with its members in any order.
fn object() -> impl Strategy<Value = Value> {
    let parts = (
        value(-8500..8500),
        value(-18000..18000),
        value(-500..500),
        other(),
        other(),
    );
    let members = parts.prop_map(|(lat, lon, w, a, b)| {
        vec![
            ("place", json!({"o": b, "lat": lat, "lng": lon})),
            ("w", w),
            ("other", a),
        ]
    });
    members.prop_shuffle().prop_map(|members| {
        let members = members
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value));
        Value::Object(members.collect())
    })
}

fn by_weight(name: &str) -> LoadOptions {
    LoadOptions {
        weight: Some(name.to_owned()),
        lat: Some("place.lat".to_owned()),
        lon: Some("place.lng".to_owned()),
        ..LoadOptions::default()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn rows_of_objects_are_those_of_serde_json(
        rows in proptest::collection::vec(object(), 1..40),
        form in 0..5u8,
    ) {
        let pretty = |value: &Value| serde_json::to_string_pretty(value).unwrap();
        let text = match form {
            0 => json!(rows).to_string(),
            1 => pretty(&json!(rows)),
            2 => rows.iter().map(|row| row.to_string() + "\n").collect(),
            3 => json!({"n": [1, 2], "data": {"rows": rows}, "z": {"a": []}}).to_string(),
            _ => rows.iter().map(|row| pretty(row) + "\n").collect(),
        };
        let expected = expected(&rows, "/place/lat", "/place/lng", "/w");
        match loaded("a.json", text.as_bytes(), &by_weight("w")) {
            Ok((points, report)) => {
                prop_assert_eq!(points, expected, "{}", text);
                prop_assert_eq!(report.rows, rows.len() as u64);
            }
            // Without any position, or any weight, there is nothing to read.
            Err(error) => {
                let weights = expected.iter().filter(|point| point.has_weight()).count();
                prop_assert!(expected.is_empty() || weights == 0, "{}: {}", text, error);
            }
        }
    }

    #[test]
    fn rows_of_arrays_are_those_of_serde_json(
        rows in proptest::collection::vec((value(-8500..8500), value(-18000..18000), value(-500..500)), 2..40),
        lines: bool,
    ) {
        let rows: Vec<Value> = rows.into_iter().map(|(lat, lon, w)| json!([lat, lon, w])).collect();
        let text = if lines {
            rows.iter().map(|row| row.to_string() + "\n").collect()
        } else {
            serde_json::to_string_pretty(&rows).unwrap()
        };
        let options = LoadOptions {
            weight: Some("3".to_owned()),
            order: "lat,lon".parse().ok(),
            ..LoadOptions::default()
        };
        let expected = expected(&rows, "/0", "/1", "/2");
        let numeric = |at: &str| rows.iter().any(|row| number(row.pointer(at)).is_some());
        // Without any latitude or longitude the columns may be others, or none.
        prop_assume!(numeric("/0") && numeric("/1"));
        match loaded("a.json", text.as_bytes(), &options) {
            Ok((points, _)) => prop_assert_eq!(points, expected, "{}", text),
            Err(error) => prop_assert!(expected.is_empty(), "{}: {}", text, error),
        }
    }
}
