//! Values with their percentiles and nearest points, and the numbers of legends.

use crate::app::{app, get};
use axum::http::StatusCode;
use serde_json::json;

#[tokio::test]
async fn a_value_knows_its_percentile_and_the_rows_it_is_made_of() {
    let app = app();
    let answer = get(&app, "/cities/value?lon=13.4&lat=52.5&z=9&rows=5").await;
    assert_eq!(answer.status, StatusCode::OK);
    let found = answer.json();
    let percentile = found["percentile"].as_f64().unwrap();
    assert!(percentile > 90.0 && percentile <= 100.0, "{percentile}");
    let rows = found["rows"].as_array().unwrap();
    assert_eq!((rows.len(), found["count"].as_u64()), (2, Some(2)));
    assert_eq!(rows[0]["weight"], json!(3.0));
    assert!(rows[0]["metres"].as_f64().unwrap() < 0.1);
    let metres = rows[1]["metres"].as_f64().unwrap();
    assert!((metres - 2324.0).abs() < 10.0, "{metres}");
    let ratio = metres / rows[1]["pixels"].as_f64().unwrap();
    // This is the width of a CSS pixel in metres, at zoom 9 and 52.51° north.
    assert!((ratio - 186.1).abs() < 1.0, "{ratio}");
    // Far from all points the value is 0: no other value is less, and no points are near.
    let nowhere = get(&app, "/cities/value?lon=-150&lat=0&z=9&rows=5")
        .await
        .json();
    assert_eq!(
        (&nowhere["percentile"], &nowhere["rows"]),
        (&json!(0.0), &json!([]))
    );
    // Points are listed only if the request asks for them.
    let plain = get(&app, "/cities/value?lon=13.4&lat=52.5&z=9")
        .await
        .json();
    assert!(plain.get("rows").is_none());
    for (query, says) in [
        ("rows=0", "1 to 1000"),
        ("rows=1001", "1 to 1000"),
        ("rows=x", "whole number"),
    ] {
        let wrong = get(&app, &format!("/cities/value?lon=1&lat=1&{query}")).await;
        assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
        assert!(wrong.error().contains(says), "{query}: {}", wrong.error());
    }
}

#[tokio::test]
async fn a_legend_has_numbers_units_percentiles_and_boxes() {
    let app = app();
    for scale in [
        "linear",
        "log",
        "sqrt",
        "cbrt",
        "power:0.35",
        "eq_hist",
        "local",
    ] {
        let query = format!("z=4&scale={scale}&measure=count");
        let legend = get(&app, &format!("/cities/legend.json?{query}"))
            .await
            .json();
        let ticks = legend["ticks"].as_array().unwrap();
        assert!(ticks.len() >= 2, "{scale}");
        assert!(
            ticks.iter().all(|tick| tick["percentile"].is_number()),
            "{scale} {ticks:?}"
        );
        assert_eq!(legend["percentiles"].as_array().unwrap().len(), 8);
        let unit = if scale == "local" {
            "percentile of the neighbourhood"
        } else {
            "points"
        };
        assert_eq!(legend["unit"], unit);
        for ending in ["svg", "png"] {
            let drawn = get(&app, &format!("/cities/legend.{ending}?{query}&steps=6")).await;
            assert_eq!(drawn.status, StatusCode::OK, "{scale} {ending}");
        }
    }
    let classed = get(&app, "/cities/legend.json?z=4&steps=4").await.json();
    let classes = classed["classes"].as_array().unwrap();
    assert_eq!(
        (classes.len(), classed["ticks"].as_array().unwrap().len()),
        (4, 5)
    );
    assert_eq!(classes[0]["to"], classes[1]["from"]);
}

#[tokio::test]
async fn values_as_colours_are_read_back_by_the_documents_factors() {
    let app = app();
    let document = get(&app, "/cities/dem.json?measure=count").await;
    assert_eq!(document.status, StatusCode::OK);
    let document = document.json();
    let number = |name: &str| document[name].as_f64().unwrap();
    assert_eq!(
        (&document["encoding"], &document["source"]["type"]),
        (&json!("custom"), &json!("raster-dem"))
    );
    assert_eq!(document["source"]["redFactor"], document["redFactor"]);
    let address = document["tiles"][0].as_str().unwrap();
    let path = address
        .split_once("//")
        .unwrap()
        .1
        .split_once('/')
        .unwrap()
        .1;
    let path = path
        .replace("{z}", "4")
        .replace("{x}", "8")
        .replace("{y}", "5");
    let tile = get(&app, &format!("/{path}")).await;
    assert_eq!(
        (tile.status, tile.header("content-type")),
        (StatusCode::OK, "image/png")
    );
    let mut reader = png::Decoder::new(std::io::Cursor::new(&tile.body))
        .read_info()
        .unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    assert_eq!((info.width, info.height), (512, 512));
    let npy = get(&app, "/cities/4/8/5.npy?measure=count&size=512")
        .await
        .body;
    let values = npy[npy.len() - 512 * 512 * 4..].chunks_exact(4);
    let values = values.map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap()));
    let mut seen = 0;
    for (pixel, value) in pixels.chunks_exact(4).zip(values) {
        let read = f64::from(pixel[0]) * number("redFactor")
            + f64::from(pixel[1]) * number("greenFactor")
            + f64::from(pixel[2]) * number("blueFactor")
            - number("baseShift");
        assert!(
            (read - f64::from(value)).abs() <= number("blueFactor"),
            "{read} {value}"
        );
        assert_eq!(pixel[3], 255);
        seen += usize::from(value > 0.5);
    }
    assert!(seen > 10);
    for (uri, says) in [
        ("/cities/4/8/5.dem.png", "dem.json has addresses"),
        ("/cities/4/8/5.dem.png?range=3,1", "range can't be"),
        ("/cities/dem.json?range=x", "range can't be"),
    ] {
        let wrong = get(&app, uri).await;
        assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
        assert!(wrong.error().contains(says), "{uri}: {}", wrong.error());
    }
    let map = get(
        &app,
        "/cities/map.dem.png?bbox=-5,45,20,55&width=100&range=0,9",
    )
    .await;
    assert_eq!(map.status, StatusCode::OK);
    let tilejson = get(&app, "/cities").await.json();
    assert!(
        tilejson["dem"]
            .as_str()
            .unwrap()
            .ends_with("/cities/dem.json")
    );
}
