//! Tests of `?time=`: a window of time must equal a layer that was loaded with a filter for it, and
//! what isn't possible must be refused by name.

use crate::app::{get, send};
use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use heatsplat_loader::{LoadOptions, Table, load_table, read};
use heatsplat_render::{Category, Layer, PointSet, Style};
use heatsplat_server::{Registry, Server, ServerConfig, router};
use heatsplat_time::{Timeline, Zone};
use serde_json::Value;
use std::sync::Arc;

/// Reads 4000 rows with times in 2010 and 2011, of which every eighth is empty. With `filter`, only
/// the rows that fulfil it are loaded.
fn seen(filter: Option<&str>) -> (Table, Layer) {
    let rows: String = (0..4000)
        .map(|i| {
            let kind = ["theft", "fraud", "arson", ""][i % 4];
            let (x, y) = (i % 77, i % 53);
            let (year, month, day, hour) = (i / 3 % 2, i / 7 % 12 + 1, i / 5 % 28 + 1, i / 11 % 24);
            let time = match i % 8 {
                5 => String::new(),
                _ => format!("201{year}-{month:02}-{day:02}T{hour:02}:30:00Z"),
            };
            format!("{x}.5,{y}.25,{kind},{time},{}\n", month * (i % 5))
        })
        .collect();
    let csv = format!("lon,lat,kind,t,n\n{rows}");
    let options = LoadOptions {
        keep: ["kind", "t", "n"].map(str::to_owned).to_vec(),
        weight: Some("n".into()),
        filter: filter.map(|filter| filter.parse().unwrap()),
        ..LoadOptions::default()
    };
    let mut source = read(std::io::Cursor::new(csv.into_bytes()), "seen.csv", &options).unwrap();
    let (points, table, _) = load_table(&mut *source, |_| ()).unwrap();
    (table, Layer::on_cpu("seen", points, Style::default()))
}

fn timeline(table: &Table, layer: &Layer) -> Timeline {
    let column = table.column("t").unwrap();
    let time = |row: usize| column.time(row);
    Timeline::new("t", layer.points(), time, None, &Zone::UTC).unwrap()
}

/// A server with the layer `seen`, whose rows have times, and the layer `wanted`, which has only
/// the rows that fulfil `filter` and no times.
fn app(filter: &str) -> Router {
    let layers = Registry::default();
    let id = layers.announce("seen");
    let (table, layer) = seen(None);
    let timeline = timeline(&table, &layer);
    layers.put_timed(&id, layer, table, timeline);
    let id = layers.announce("wanted");
    layers.put(&id, seen(Some(filter)).1);
    router(Arc::new(Server::new(layers, ServerConfig::default())))
}

/// The document of an answer without the window of time, which a layer of all times doesn't have.
fn without_window(body: &[u8]) -> Vec<u8> {
    match serde_json::from_slice::<Value>(body) {
        Ok(Value::Object(mut object)) => {
            object.remove("time");
            object.remove("title");
            serde_json::to_vec(&object).unwrap()
        }
        _ => body.to_vec(),
    }
}

#[tokio::test]
async fn a_window_is_drawn_as_a_layer_that_was_loaded_with_a_filter_for_it() {
    for (filter, query, window) in [
        (
            "t >= 2010-03-01 and t < 2010-04-01",
            "time=2010-03",
            "2010-03-01T00:00:00Z/2010-04-01T00:00:00Z",
        ),
        (
            "t >= 2010-11-01 and t < 2011-03-01",
            "time=2010-11/2011-02",
            "2010-11-01T00:00:00Z/2011-03-01T00:00:00Z",
        ),
        (
            "t >= 2010-11-01 and t < 2011-03-01 and kind = 'theft'",
            "time=2010-11-01/P4M&filter=kind%3D%27theft%27",
            "2010-11-01T00:00:00Z/2011-03-01T00:00:00Z",
        ),
        (
            "t < 2010-02-01",
            "datetime=../2010-01-31T23:15:00Z",
            "2010-01-01T00:00:00Z/2010-02-01T00:00:00Z",
        ),
        (
            "t is not null",
            "time=../..",
            "2010-01-01T00:00:00Z/2012-01-01T00:00:00Z",
        ),
    ] {
        let app = app(filter);
        for (path, rest) in [
            ("0/0/0.png", ""),
            ("3/5/3@2x.png", ""),
            ("4/9/7.npy", ""),
            ("5/20/15.png", "domain=p90&kernel=quartic&radius=9"),
            ("legend.json", "z=3"),
            ("map.png", "bbox=0,0,60,50"),
            ("map.png", "bbox=170,-10,190,10"),
            ("value", "lon=4.5&lat=4.25&z=3&rows=5"),
        ] {
            let address = |layer, more| format!("/{layer}/{path}?{rest}&{more}");
            let query = format!("{query}&time_scale=each");
            let query = query.as_str();
            let by_time = get(&app, &address("seen", query)).await;
            let by_load = get(&app, &address("wanted", "")).await;
            assert_eq!(by_time.status, StatusCode::OK, "{query}: {path}");
            let (a, b) = (without_window(&by_time.body), without_window(&by_load.body));
            assert!(a == b, "{query}: {path}");
            let shown = by_time.header("x-heatsplat-time");
            // The first and the last hour of the data are not those of their years.
            if !query.starts_with("time=../..") && !query.starts_with("datetime") {
                assert_eq!(shown, window, "{query}: {path}");
            }
            if path == "value" || path == "legend.json" {
                let json: Value = serde_json::from_slice(&by_time.body).unwrap();
                assert_eq!(json["time"], shown, "{query}: {path}");
            }
            let tag = by_time.header("etag");
            let whole = get(&app, &address("seen", "")).await;
            assert_ne!(whole.header("etag"), tag, "{query}: {path}");
            let known = Request::get(address("seen", query)).header("if-none-match", tag);
            let known = send(&app, known.body(Body::empty()).unwrap()).await;
            assert_eq!(known.status, StatusCode::NOT_MODIFIED, "{query}: {path}");
            assert_eq!(known.header("x-heatsplat-time"), shown, "{query}: {path}");
        }
    }
}

/// `TIME` of WMS and WMTS is `time`.
#[tokio::test]
async fn gis_programs_ask_for_windows_too() {
    let app = app("n > 0");
    let wms = "/wms?SERVICE=WMS&VERSION=1.3.0&REQUEST=GetMap&LAYERS=seen&STYLES=&CRS=EPSG:3857\
               &BBOX=0,0,5009377.085697311,5009377.085697311&WIDTH=256&HEIGHT=256\
               &FORMAT=image/png&TRANSPARENT=TRUE";
    let wmts = "/wmts?SERVICE=WMTS&REQUEST=GetTile&VERSION=1.0.0&LAYER=seen&STYLE=default\
                &TILEMATRIXSET=WebMercatorQuad&TILEMATRIX=3&TILEROW=3&TILECOL=4&FORMAT=image/png";
    let tile = get(&app, "/seen/3/4/3.png?time=2010-03").await;
    for address in [wms, wmts] {
        let window = get(&app, &format!("{address}&TIME=2010-03-01/2010-03-31")).await;
        assert_eq!(window.status, StatusCode::OK, "{address}");
        assert!(window.body == tile.body, "{address}");
        let all = get(&app, address).await;
        assert!(
            all.status == StatusCode::OK && all.body != window.body,
            "{address}"
        );
        let wrong = get(&app, &format!("{address}&TIME=yesterday")).await;
        let text = String::from_utf8(wrong.body.to_vec()).unwrap();
        assert!(text.contains("expected a date"), "{text}");
    }
    let capabilities = async |version: &str| {
        let path = format!("/wms?SERVICE=WMS&REQUEST=GetCapabilities&VERSION={version}");
        String::from_utf8(get(&app, &path).await.body.to_vec()).unwrap()
    };
    let now = capabilities("1.3.0").await;
    assert_eq!(
        now.matches("<Dimension name=\"time\" units=\"ISO8601\" default=\"2010-01-")
            .count(),
        1
    );
    assert!(now.contains("/PT") && now.contains("</Dimension>"), "{now}");
    let old = capabilities("1.1.1").await;
    assert!(
        old.contains("<Extent name=\"time\" default=\"2010-01-"),
        "{old}"
    );
}

/// Windows with other words and the same buckets share a tile.
#[tokio::test]
async fn one_window_in_several_words_is_one_tile() {
    let app = app("n > 0");
    let tag = async |query: &str| {
        let tile = get(&app, &format!("/seen/0/0/0.png?{query}")).await;
        tile.header("etag").to_owned()
    };
    let month = tag("time=2010-03").await;
    for query in [
        "time=2010-03-01/2010-03-31",
        "time=2010-03-01/P1M",
        "datetime=2010-03-01/2010-03-31",
        "time=2010-03-01T00:00:00Z/2010-04-01T00:00:00Z",
        "time=2010-03-01T02:00:00%2B02:00/P1M",
    ] {
        assert_eq!(tag(query).await, month, "{query}");
    }
    assert_ne!(tag("time=2010-04").await, month);
    assert_ne!(tag("time=2010-03&filter=n%3E3").await, month);
    let tile = get(&app, "/seen/0/0/0.png?time=2010-03-01/P1M").await;
    assert!(tile.header("server-timing").contains("hit"));
}

#[tokio::test]
async fn what_is_no_window_is_refused_with_what_is_legal() {
    let app = app("n > 0");
    for (address, says) in [
        ("/seen/0/0/0.png?time=yesterday", "expected a date"),
        ("/seen/0/0/0.png?time=2011/2010", "ends before it begins"),
        ("/seen/0/0/0.png?time=2010-03-01T10:05/PT5M", "PT"),
        ("/seen/0/0/0.png?time=2010,2011", "is a list"),
        (
            "/seen/0/0/0.png?time=2010&datetime=2010",
            "time and datetime are both given",
        ),
        ("/seen/0/0/0.png?time=2010&filter=x%3E3", "no column"),
        ("/wanted/0/0/0.png?time=2010", "have no times"),
        (
            "/wanted/map.png?datetime=2010",
            "datetime: this layer's rows have no times",
        ),
        ("/wanted/legend.json?time=2010", "--time COLUMN"),
        ("/wanted/value?lon=1&lat=1&time=2010", "have no times"),
        ("/seen/time.json?time=2010", "takes no parameters"),
        ("/seen/0/0/0.png?time_scale=each", "time is missing"),
        (
            "/seen/0/0/0.png?time=2010&time_scale=x",
            "expected hold or each",
        ),
    ] {
        let answer = get(&app, address).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{address}");
        let text = String::from_utf8(answer.body.to_vec()).unwrap();
        assert!(text.contains(says), "{address}: {text}");
    }
    let answer = get(&app, "/wanted/time.json").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    // A window without points is a picture of nothing.
    let empty = get(&app, "/seen/0/0/0.png?time=1950").await;
    assert_eq!(empty.status, StatusCode::OK);
    assert_eq!(
        empty.header("x-heatsplat-time"),
        "1950-01-01T00:00:00Z/1951-01-01T00:00:00Z"
    );
}

#[tokio::test]
async fn the_times_of_a_layer_are_described() {
    let app = app("n > 0");
    let json = async |address: &str| -> Value {
        serde_json::from_slice(&get(&app, address).await.body).unwrap()
    };
    let times = json("/seen/time.json").await;
    assert_eq!(times["column"], "t");
    assert_eq!(times["without"], 500);
    assert_eq!(times["zone"], "UTC");
    let sum = |list: &Value| -> f64 {
        list.as_array()
            .unwrap()
            .iter()
            .map(|n| n.as_f64().unwrap())
            .sum()
    };
    assert_eq!(sum(&times["histogram"]["count"]), 3500.0);
    let weights = seen(Some("t is not null")).1.points().summary().weight_sum;
    assert_eq!(sum(&times["histogram"]["sum"]), weights);
    assert_eq!(times["suggest"]["window"], "P30D");
    let starts = times["histogram"]["starts"].as_array().unwrap();
    assert_eq!(
        starts.len(),
        times["histogram"]["count"].as_array().unwrap().len()
    );
    assert!(starts.len() <= 400, "{}", starts.len());
    assert!(
        times["tiles"]
            .as_str()
            .unwrap()
            .ends_with("/seen/{z}/{x}/{y}.png?time={time}")
    );
    let tilejson = json("/seen.json?time=2010-03&ramp=ice").await;
    assert_eq!(tilejson["time"]["extent"], times["extent"]);
    let tiles = tilejson["tiles"][0].as_str().unwrap();
    assert!(tiles.ends_with("?ramp=ice&time=2010-03"), "{tiles}");
    let catalog = json("/catalog").await;
    assert_eq!(catalog["layers"][0]["time"]["step"], times["step"]);
    assert!(catalog["layers"][1].get("time").is_none());
}

/// Categories keep their names and colours in every window.
#[tokio::test]
async fn windows_of_categories_are_those_of_a_filter() {
    let (table, layer) = seen(None);
    let times = timeline(&table, &layer);
    let parts = table.split(layer.points(), "kind", 2).unwrap();
    let set = PointSet::new(Arc::clone(layer.data().points()))
        .in_categories(Category::with_palette(parts));
    let backend = Arc::clone(layer.backend());
    let layer = Layer::new("seen", Arc::new(set), Style::default(), backend);
    let layers = Registry::default();
    let id = layers.announce("seen");
    layers.put_timed(&id, layer, table.shown_by("kind"), times);
    let app = router(Arc::new(Server::new(layers, ServerConfig::default())));
    for path in ["0/0/0.png?", "3/5/3.png?", "legend.json?z=2"] {
        let by_time = get(&app, &format!("/seen/{path}&time=2010-03&time_scale=each")).await;
        let filter = "filter=t%20%3E=%202010-03-01%20and%20t%20%3C%202010-04-01";
        let by_filter = get(&app, &format!("/seen/{path}&{filter}")).await;
        assert_eq!(by_time.status, StatusCode::OK);
        assert!(
            without_window(&by_time.body) == without_window(&by_filter.body),
            "{path}"
        );
    }
}

/// Many windows of one layer stay within the budget of all.
#[tokio::test]
async fn the_memory_of_windows_is_bounded() {
    let layers = Registry::default();
    let id = layers.announce("seen");
    let (table, layer) = seen(None);
    let times = timeline(&table, &layer);
    layers.put_timed(&id, layer, table, times);
    let app = router(Arc::new(Server::new(layers, ServerConfig::default())));
    for day in 0..300 {
        let query = format!("time=2010-01-01T00:00/PT{}H", 24 + day);
        let tile = get(&app, &format!("/seen/1/1/0.npy?{query}")).await;
        assert_eq!(tile.status, StatusCode::OK, "{query}");
    }
}

/// The ends of a legend's scale.
async fn domain(app: &Router, query: &str) -> [f64; 2] {
    let legend = get(app, &format!("/seen/legend.json?z=3&{query}")).await;
    let json: Value = serde_json::from_slice(&legend.body).unwrap();
    [0, 1].map(|end| json["domain"][end].as_f64().unwrap())
}

/// All months have one scale, which doesn't depend on the month that was asked for first; those of
/// another length and of another condition have others.
#[tokio::test]
async fn colours_hold_still_from_window_to_window() {
    let months = [
        "time=2010-01",
        "time=2010-02",
        "time=2011-07",
        "time=2010-05-11/P30D",
    ];
    let first = app("n > 0");
    let held = domain(&first, months[0]).await;
    for month in months {
        assert_eq!(domain(&first, month).await, held, "{month}");
        // Another server, of which this month is asked first.
        assert_eq!(domain(&app("n > 0"), month).await, held, "{month}");
    }
    let each = domain(&first, "time=2010-02&time_scale=each").await;
    let other = domain(&first, "time=2011-07&time_scale=each").await;
    assert_ne!(each, other);
    assert_ne!(domain(&first, "time=2010").await, held);
    assert_ne!(
        domain(&first, "time=2010-01&filter=kind%3D%27theft%27").await,
        held
    );
    // A fixed domain stays what it is.
    assert_eq!(domain(&first, "time=2010-01&domain=0,7").await, [0.0, 7.0]);
    let tiles = async |query: &str| get(&first, &format!("/seen/3/4/3.png?{query}")).await;
    let (held, each) = (
        tiles("time=2010-02").await,
        tiles("time=2010-02&time_scale=each").await,
    );
    assert_ne!(held.header("etag"), each.header("etag"));
    assert!(held.body != each.body);
}
