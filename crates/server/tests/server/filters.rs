//! Tests of `?filter=`: a filtered layer must equal a layer that was loaded with the same filter,
//! and wrong conditions must be refused.

use crate::app::{get, send, serving_with};
use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use heatsplat_loader::Table;
use heatsplat_render::{Category, Layer, PointSet, Style};
use heatsplat_server::{Registry, Server, ServerConfig, router};
use std::sync::Arc;

/// Reads 3000 rows of crimes and keeps three of their columns. With `filter`, only the rows that
/// fulfil it are loaded.
fn crimes(filter: Option<&str>) -> (heatsplat_loader::Table, Layer) {
    let rows: String = (0..3000)
        .map(|i| {
            let kind = ["theft", "fraud", "arson & more", ""][i % 4];
            let (x, y) = (i % 77, i % 53);
            format!("{x}.5,{y}.25,{kind},2010-0{}-01,{i}\n", i % 9 + 1)
        })
        .collect();
    let csv = format!("lon,lat,offense,time,n\n{rows}");
    let options = heatsplat_loader::LoadOptions {
        keep: ["offense", "time", "n"].map(str::to_owned).to_vec(),
        weight: Some("n".into()),
        filter: filter.map(|filter| filter.parse().unwrap()),
        ..heatsplat_loader::LoadOptions::default()
    };
    let csv = std::io::Cursor::new(csv.into_bytes());
    let mut source = heatsplat_loader::read(csv, "crimes.csv", &options).unwrap();
    let (points, table, _) = heatsplat_loader::load_table(&mut *source, |_| ()).unwrap();
    (table, Layer::on_cpu("crimes", points, Style::default()))
}

/// Makes a server with two layers: `crimes` has all rows and three columns by which requests may
/// filter it; `wanted` has only the rows that fulfil `filter`.
fn crime_app(filter: &str) -> Router {
    let layers = Registry::default();
    let id = layers.announce("crimes");
    let (table, layer) = crimes(None);
    layers.put_with_table(&id, layer, table);
    let id = layers.announce("wanted");
    layers.put(&id, crimes(Some(filter)).1);
    router(Arc::new(Server::new(layers, ServerConfig::default())))
}

#[tokio::test]
async fn a_filtered_tile_is_the_tile_of_a_filtered_load() {
    for (filter, query) in [
        ("offense = 'theft'", "filter=offense+%3D+%27theft%27"),
        (
            "offense in ('arson & more', 'fraud') and time >= 2010-03",
            "filter=offense%20in%20('arson%20%26%20more','fraud')%20and%20time%20%3E=%202010-03",
        ),
        (
            "n < 0 or offense is null",
            "filter=n%3C0%20or%20offense+is+null",
        ),
    ] {
        let app = crime_app(filter);
        for (path, rest) in [
            ("0/0/0.png", ""),
            ("3/5/3.png", ""),
            ("3/5/3@2x.png", ""),
            ("4/9/7.npy", ""),
            ("5/20/15.png", "domain=p90"),
            ("legend.json", "z=3"),
            ("legend.svg", "z=3"),
            ("map.png", "bbox=0,0,60,50"),
            ("value", "lon=4.5&lat=4.25&z=3"),
        ] {
            let address = |layer, more| format!("/{layer}/{path}?{rest}&{more}");
            let by_filter = get(&app, &address("crimes", query)).await;
            let by_load = get(&app, &address("wanted", "")).await;
            assert_eq!(by_filter.status, StatusCode::OK, "{filter}: {path}");
            assert!(by_filter.body == by_load.body, "{filter}: {path}");
            let whole = get(&app, &address("crimes", "")).await;
            assert!(whole.body != by_filter.body || path == "4/9/7.npy");
            assert_ne!(whole.header("etag"), by_filter.header("etag"), "{path}");
            let tag = by_filter.header("etag");
            let known = Request::get(address("crimes", query)).header("if-none-match", tag);
            let known = send(&app, known.body(Body::empty()).unwrap()).await;
            assert_eq!(known.status, StatusCode::NOT_MODIFIED, "{path}");
        }
    }
}

/// Makes a layer of crimes in categories: the two most frequent kinds, and `other`. The categories
/// get the colours of `colors`, the categories of another layer, by their names. Without `colors`
/// they get the colours of the palette.
fn by_kind(filter: Option<&str>, colors: Option<&[Category]>) -> (Layer, Table) {
    let (table, layer) = crimes(filter);
    let parts = table.split(layer.points(), "offense", 2).unwrap();
    let mut categories = Category::with_palette(parts);
    if let Some(colors) = colors {
        // A kind that the whole layer has under `other` keeps the colour of `other` here, even if
        // it is frequent among the filtered points.
        let rest = colors.last().unwrap().color;
        for category in &mut categories {
            let of = colors.iter().find(|other| other.name == category.name);
            category.color = of.map_or(rest, |of| of.color);
        }
    }
    let set = PointSet::new(Arc::clone(layer.data().points())).in_categories(categories);
    let backend = Arc::clone(layer.backend());
    let layer = Layer::new("crimes", Arc::new(set), Style::default(), backend);
    (layer, table.shown_by("offense"))
}

#[tokio::test]
async fn categories_are_filtered_and_keep_their_colours() {
    // `fraud` is the second category of all points. Of the filtered points it is the first
    // category, or has no points.
    for (filter, query) in [
        ("n >= 1500", "filter=n%3E%3D1500"),
        (
            "offense <> 'arson & more' or n is null",
            "filter=offense%3C%3E'arson%20%26%20more'%20or%20n%20is%20null",
        ),
        (
            "offense = 'fraud' and n < 100",
            "filter=offense='fraud'%20and%20n%3C100",
        ),
    ] {
        let layers = Registry::default();
        let (whole, table) = by_kind(None, None);
        let colors: Vec<_> = whole
            .data()
            .categories()
            .iter()
            .map(|c| (c.name.clone(), c.color))
            .collect();
        assert_eq!(colors.len(), 3, "{colors:?}");
        let (loaded, _) = by_kind(Some(filter), Some(whole.data().categories()));
        let id = layers.announce("crimes");
        layers.put_with_table(&id, whole, table);
        layers.put(&layers.announce("wanted"), loaded);
        let app = router(Arc::new(Server::new(layers, ServerConfig::default())));
        for path in ["0/0/0.png", "3/5/3.png", "3/5/3@2x.png", "4/9/7.npy"] {
            let by_filter = get(&app, &format!("/crimes/{path}?{query}")).await;
            let by_load = get(&app, &format!("/wanted/{path}")).await;
            assert_eq!(by_filter.status, StatusCode::OK, "{filter}: {path}");
            assert!(by_filter.body == by_load.body, "{filter}: {path}");
            let all = get(&app, &format!("/crimes/{path}")).await;
            assert!(
                all.body != by_filter.body || path == "4/9/7.npy",
                "{filter}: {path}"
            );
        }
        let legend = |query: &str| format!("/crimes/legend.json?z=3&{query}");
        let all = get(&app, &legend("")).await.json();
        let some = get(&app, &legend(query)).await.json();
        assert_eq!(all["categories"].as_array().map(Vec::len), Some(3), "{all}");
        assert_eq!(all["categories"], some["categories"], "{filter}");
    }
    // In this layer the column of the categories is not kept, so it can't be filtered.
    let layers = Registry::default();
    let (whole, _) = by_kind(None, None);
    layers.put_with_table(&layers.announce("crimes"), whole, crimes(None).0);
    let app = router(Arc::new(Server::new(layers, ServerConfig::default())));
    let refused = get(&app, "/crimes/0/0/0.png?filter=n%3E5").await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert!(String::from_utf8_lossy(&refused.body).contains("by category"));
}

#[tokio::test]
async fn attributes_are_listed_and_filters_are_part_of_addresses() {
    let app = crime_app("n > 5");
    let tilejson = get(&app, "/crimes?ramp=viridis&filter=offense%3D'theft'")
        .await
        .json();
    let suffix = "?ramp=viridis&filter=offense%3D%27theft%27";
    assert!(tilejson["tiles"][0].as_str().unwrap().ends_with(suffix));
    assert!(tilejson["legend"].as_str().unwrap().ends_with(suffix));
    let expected = serde_json::json!([
        { "name": "offense", "type": "text", "nulls": 750, "values": [
            { "value": "arson & more", "count": 750 },
            { "value": "fraud", "count": 750 },
            { "value": "theft", "count": 750 },
        ] },
        { "name": "time", "type": "time", "nulls": 0,
          "range": ["2010-01-01T00:00:00Z", "2010-09-01T00:00:00Z"] },
        { "name": "n", "type": "number", "nulls": 0, "range": [0.0, 2999.0] },
    ]);
    // Numbers and times have a histogram too, which a unit test checks.
    let without_histograms = |attributes: &serde_json::Value| {
        let mut attributes = attributes.clone();
        for attribute in attributes.as_array_mut().unwrap() {
            let is_text = attribute["type"] == "text";
            let histogram = attribute.as_object_mut().unwrap().remove("histogram");
            assert_eq!(histogram.is_none(), is_text, "{attribute}");
        }
        attributes
    };
    assert_eq!(without_histograms(&tilejson["attributes"]), expected);
    let catalog = get(&app, "/catalog").await.json();
    let listed = &catalog["layers"][0]["attributes"];
    assert_eq!(without_histograms(listed), expected);
    assert_eq!(catalog["layers"][1].get("attributes"), None);
    let xml = get(&app, "/crimes/gdal.xml?filter=n%3E7").await;
    assert!(String::from_utf8_lossy(&xml.body).contains("?filter=n%3E7&amp;format=rgba"));
}

#[tokio::test]
async fn filters_that_can_not_be_are_refused() {
    let app = crime_app("n > 5");
    let deep = format!("{}n=1", "not%20".repeat(40));
    let long = format!("n=1%20or%20{}", "n=1%20or%20".repeat(500));
    for (path, filter, says) in [
        (
            "crimes",
            "n%3E",
            "filter can't be `n>`: it ends where a value is expected",
        ),
        ("crimes", "", "filter has no value"),
        (
            "crimes",
            "beat%3D1",
            "no column \"beat\" is kept; there are: \"offense\", \"time\", \"n\"",
        ),
        ("crimes", "n%3D'x'", "column \"n\" holds numbers"),
        ("crimes", "time%3D5", "column \"time\" holds times"),
        (
            "crimes",
            "n=1;drop%20table%20x",
            "neither a number nor a date",
        ),
        ("crimes", &deep, "nested more than 16 deep"),
        ("crimes", &long, "more than 256 comparisons"),
        ("wanted", "n%3D1", "no columns are kept"),
    ] {
        for file in [
            "/0/0/0.png?",
            "/map.png?",
            "/legend.json?",
            "/value?lon=1&lat=1&",
            "?",
            "/gdal.xml?",
        ] {
            let answer = get(&app, &format!("/{path}{file}filter={filter}")).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{filter}");
            assert!(answer.error().contains(says), "{}", answer.error());
        }
    }
    let twice = get(&app, "/crimes/0/0/0.png?filter=n=1&filter=n=2").await;
    assert!(twice.error().contains("filter is given twice"));
}

#[tokio::test]
async fn dates_that_are_none_are_refused() {
    let csv =
        "lon,lat,ts,id\n1,2,06/15/2024,867322040000000001\n3,4,2024-06-20,867322040000000002\n";
    let app = |formats: &[&str]| {
        let options = heatsplat_loader::LoadOptions {
            keep: ["ts", "id"].map(str::to_owned).to_vec(),
            time_formats: formats.iter().map(|f| f.parse().unwrap()).collect(),
            ..heatsplat_loader::LoadOptions::default()
        };
        let mut source = heatsplat_loader::read(csv.as_bytes(), "a.csv", &options).unwrap();
        let (points, table, _) = heatsplat_loader::load_table(&mut *source, |_| ()).unwrap();
        serving_with("a", Layer::on_cpu("a", points, Style::default()), table)
    };
    for filter in ["ts%3E%3D2024-06-01", "ts%20%3E=%20'2024-06-01%2000:00'"] {
        let path = format!("/a/0/0/0.png?filter={filter}");
        let refused = get(&app(&[]), &path).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST);
        let says = "1 value of ts is no date that is understood, e.g. \\\"06/15/2024\\\"";
        let body = String::from_utf8_lossy(&refused.body).into_owned();
        assert!(body.contains(says), "{body}");
        assert_eq!(get(&app(&["%m/%d/%Y"]), &path).await.status, StatusCode::OK);
    }
    // Large whole numbers keep all of their digits.
    let tilejson = get(&app(&[]), "/a").await;
    let text = String::from_utf8_lossy(&tilejson.body).into_owned();
    let range = tilejson.json()["attributes"][1]["range"].clone();
    let expected = serde_json::json!([867_322_040_000_000_001_i64, 867_322_040_000_000_002_i64]);
    assert_eq!(range, expected, "{text}");
    let value = |filter: &str| format!("/a/value?lon=1&lat=2&z=3&filter={filter}");
    let app = app(&[]);
    let one = get(&app, &value("id=867322040000000001")).await;
    let none = get(&app, &value("id=867322040000000002")).await;
    assert_ne!(one.body, none.body);
}
