//! Tests of WMS and WMTS.

use crate::app::{Answer, TILE, app, cities, get, serving};
use axum::Router;
use axum::http::StatusCode;
use heatsplat_points::{Points, mercator::EQUATOR_METRES};
use heatsplat_render::{Layer, Style};
use heatsplat_server::{BearerToken, Registry, Server, ServerConfig, router};
use proptest::prelude::*;
use std::sync::Arc;

/// The first words of a WMS request for the tile [`TILE`], as a map in metres.
const MAP: &str = "/wms?SERVICE=WMS&REQUEST=GetMap&LAYERS=cities&STYLES=&FORMAT=image/png\
                   &TRANSPARENT=TRUE&WIDTH=256&HEIGHT=256";

/// The box of [`TILE`] in Web-Mercator metres, as the parameter `BBOX`.
fn tile_box() -> String {
    let side = EQUATOR_METRES / 16.0;
    let (west, north) = (
        -EQUATOR_METRES / 2.0 + 8.0 * side,
        EQUATOR_METRES / 2.0 - 5.0 * side,
    );
    format!("{west},{},{},{north}", north - side, west + side)
}

/// The RGBA pixels of a picture.
fn pixels(answer: &Answer) -> Vec<[u8; 4]> {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let mut decoder = png::Decoder::new(std::io::Cursor::new(&answer.body[..]));
    decoder.set_transformations(png::Transformations::EXPAND | png::Transformations::ALPHA);
    let mut reader = decoder.read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    pixels.truncate(info.buffer_size());
    pixels.as_chunks::<4>().0.to_vec()
}

#[tokio::test]
async fn a_wmts_tile_is_the_tile() {
    let app = app();
    let names = "SERVICE=WMTS&VERSION=1.0.0&REQUEST=GetTile&FORMAT=image/png";
    let place = "LAYER=cities&TileMatrixSet=WebMercatorQuad&TileMatrix=4&TileRow=5&TileCol=8";
    for (kvp, rest, more) in [
        ("STYLE=default", "default", ""),
        ("Style=viridis", "viridis", "ramp=viridis"),
        ("style=&radius=30px&DPI=96", "default", "radius=30px"),
    ] {
        let wanted = get(&app, &format!("{TILE}?{more}")).await;
        assert_eq!(wanted.status, StatusCode::OK);
        let by_kvp = get(&app, &format!("/wmts?{names}&{place}&{kvp}")).await;
        assert!(by_kvp.body == wanted.body, "{kvp}: {:?}", by_kvp.status);
        assert_eq!(by_kvp.header("etag"), wanted.header("etag"));
        let more = more.strip_prefix("ramp=viridis").unwrap_or(more);
        let uri = format!("/wmts/cities/{rest}/GoogleMapsCompatible/4/5/8.png?{more}");
        let by_rest = get(&app, &uri).await;
        assert!(by_rest.body == wanted.body, "{uri}: {:?}", by_rest.status);
    }
}

#[tokio::test]
async fn a_wms_map_of_a_tile_is_the_tile() {
    let app = app();
    let tile = pixels(&get(&app, TILE).await);
    let map = format!("{MAP}&BBOX={}", tile_box());
    let new = get(&app, &format!("{map}&VERSION=1.3.0&CRS=EPSG:3857")).await;
    let old = get(&app, &format!("{map}&VERSION=1.1.1&SRS=EPSG:900913")).await;
    assert!(new.body == old.body);
    assert_eq!(new.header("content-type"), "image/png");
    let seen = pixels(&new);
    let far = |(a, b): &(&[u8; 4], &[u8; 4])| (0..4).any(|i| a[i].abs_diff(b[i]) > 2);
    assert_eq!(seen.len(), tile.len());
    let different = seen.iter().zip(&tile).filter(far).count();
    assert!(different < seen.len() / 100, "{different}");
    // Without TRANSPARENT the ground is white, or that of BGCOLOR.
    let opaque = map.replace("&TRANSPARENT=TRUE", "") + "&VERSION=1.3.0&CRS=EPSG:3857";
    assert_eq!(pixels(&get(&app, &opaque).await)[0], [255; 4]);
    let blue = get(&app, &format!("{opaque}&BGCOLOR=0x0000FF")).await;
    assert_eq!(pixels(&blue)[0], [0, 0, 255, 255]);
}

#[tokio::test]
async fn degrees_have_the_axes_that_each_version_wants() {
    let app = app();
    let map = MAP.replace("WIDTH=256&HEIGHT=256", "WIDTH=300&HEIGHT=200");
    let of = |rest: &str| format!("{map}&{rest}");
    let lat_lon = get(&app, &of("VERSION=1.3.0&CRS=EPSG:4326&BBOX=45,-5,55,10")).await;
    let lon_lat = get(&app, &of("VERSION=1.3.0&CRS=CRS:84&BBOX=-5,45,10,55")).await;
    let old = get(&app, &of("VERSION=1.1.1&SRS=EPSG:4326&BBOX=-5,45,10,55")).await;
    let [a, b, c] = [&lat_lon, &lon_lat, &old].map(pixels);
    assert!(a == b && b == c);
    // London and Paris have heat at the pixels of their coordinates.
    let alpha = |lon: f64, lat: f64| {
        let (x, y) = ((lon + 5.0) / 15.0 * 300.0, (55.0 - lat) / 10.0 * 200.0);
        a[y as usize * 300 + x as usize][3]
    };
    let seen = [alpha(-0.1, 51.5), alpha(2.35, 48.86), alpha(-4.5, 46.0)];
    assert!(seen[0] > 100 && seen[1] > 60 && seen[2] == 0, "{seen:?}");
    // Boxes without an extent in the grid of the world, and tall ones, are drawn too.
    for bbox in ["0,0,1e-300,1e-300", "0,0,1e-300,1", "2,-80,2.001,80"] {
        let narrow = get(&app, &of(&format!("VERSION=1.3.0&CRS=CRS:84&BBOX={bbox}"))).await;
        assert_eq!(narrow.status, StatusCode::OK, "{bbox}: {}", narrow.text());
    }
    // Beyond the Mercator square there is nothing, and no error.
    let pole = get(&app, &of("VERSION=1.3.0&CRS=CRS:84&BBOX=0,86,10,90")).await;
    assert!(pixels(&pole).iter().all(|pixel| pixel[3] == 0));
}

/// Points at many latitudes are seen at the pixels of their coordinates, and nothing beside them.
#[tokio::test]
async fn rows_in_degrees_are_where_their_latitudes_are() {
    let places: Vec<_> = (0..40u32)
        .map(|i| {
            (
                f64::from(i % 8) * 10.0 - 35.0,
                f64::from(i / 8) * 15.0 + 5.0,
            )
        })
        .collect();
    let points = places.iter().map(|(lon, lat)| (*lon, *lat, 1.0));
    let points = Points::from_lon_lat(points).unwrap();
    let app = serving("dots", Layer::on_cpu("Dots", points, Style::default()));
    let uri = "/wms?SERVICE=WMS&VERSION=1.3.0&REQUEST=GetMap&LAYERS=dots&STYLES=\
               &FORMAT=image/png&TRANSPARENT=TRUE&CRS=CRS:84&BBOX=-40,0,40,80&WIDTH=400&HEIGHT=400\
               &radius=8px";
    let pixels = pixels(&get(&app, uri).await);
    for (lon, lat) in places {
        let (x, y) = (((lon + 40.0) * 5.0) as usize, ((80.0 - lat) * 5.0) as usize);
        assert!(pixels[y * 400 + x][3] > 60, "{lon} {lat}");
        assert_eq!(pixels[y * 400 + x + 25][3], 0, "{lon} {lat}");
    }
}

#[tokio::test]
async fn values_are_those_of_the_layer() {
    let app = app();
    let (lon, lat) = (13.4, 52.5);
    let map = "/wms?SERVICE=WMS&VERSION=1.3.0&REQUEST=GetFeatureInfo&LAYERS=cities\
               &QUERY_LAYERS=cities&STYLES=&CRS=CRS:84&BBOX=8.4,47.5,18.4,57.5&WIDTH=101&HEIGHT=101\
               &I=50&J=50";
    let of = |format: &str| format!("{map}&INFO_FORMAT={format}");
    let json = get(&app, &of("application/json")).await.json();
    for (name, wanted) in [("lon", lon), ("lat", lat)] {
        let seen = json[name].as_f64().unwrap();
        assert!((seen - wanted).abs() < 1e-9, "{name} {seen}");
    }
    let z = &json["z"];
    let own = get(&app, &format!("/cities/value?lon={lon}&lat={lat}&z={z}")).await;
    let own = own.json();
    assert_eq!(
        (&json["count"], &json["unit"]),
        (&own["count"], &own["unit"])
    );
    let text = get(&app, &of("text/plain")).await.text();
    assert!(text.contains("layer = cities\n"), "{text}");
    assert!(text.contains("\nvalue = "), "{text}");
    let page = get(&app, &of("text/html")).await;
    assert!(page.header("content-type").starts_with("text/html"));
    assert!(page.text().contains("<th>value</th>"), "{}", page.text());

    let tile = "/wmts?SERVICE=WMTS&REQUEST=GetFeatureInfo&LAYER=cities&STYLE=default\
                &TILEMATRIXSET=WebMercatorQuad&TILEMATRIX=4&TILEROW=5&TILECOL=8&I=144&J=63\
                &INFOFORMAT=application/json";
    let by_kvp = get(&app, tile).await.json();
    let uri = "/wmts/cities/default/WebMercatorQuad/4/5/8/63/144.json";
    assert_eq!(get(&app, uri).await.json(), by_kvp);
    assert_eq!(by_kvp["z"], 4);
    assert!(by_kvp["lon"].as_f64().unwrap() > 12.0 && by_kvp["lat"].as_f64().unwrap() > 51.0);
}

#[tokio::test]
async fn legends_come_at_the_zoom_of_a_map() {
    let app = app();
    let legend = "/wms?SERVICE=WMS&VERSION=1.3.0&REQUEST=GetLegendGraphic&LAYER=cities";
    let plain = get(&app, &format!("{legend}&FORMAT=image/png")).await;
    assert_eq!(plain.header("content-type"), "image/png");
    assert!(plain.body == get(&app, "/cities/legend.png").await.body);
    let near =
        "&CRS=CRS:84&BBOX=13,52,14,53&WIDTH=512&HEIGHT=512&SCALE=4000&FORMAT=image/svg%2Bxml";
    let near = get(&app, &format!("{legend}{near}")).await;
    assert_eq!(near.header("content-type"), "image/svg+xml");
    let z = (360.0f64 * 512.0 / 256.0).log2();
    let map = get(&app, &format!("/cities/legend.svg?z={z}")).await;
    assert_eq!(near.text(), map.text());
}

#[tokio::test]
async fn capabilities_list_what_a_request_may_see() {
    let app = app();
    let wmts = get(&app, "/wmts/1.0.0/WMTSCapabilities.xml").await;
    assert_eq!(wmts.status, StatusCode::OK);
    assert!(wmts.header("content-type").starts_with("application/xml"));
    let by_kvp = get(&app, "/wmts?request=GetCapabilities&service=WMTS").await;
    assert_eq!(by_kvp.text(), wmts.text());
    let text = wmts.text();
    for part in [
        "<ows:Identifier>cities</ows:Identifier>",
        "<ows:Title>Cities &lt;&amp;&quot;&gt;</ows:Title>",
        "<ows:Identifier>viridis</ows:Identifier>",
        "<MatrixWidth>16777216</MatrixWidth>",
    ] {
        assert!(text.contains(part), "{part}");
    }
    assert!(
        !text.contains(">late<"),
        "a layer without data is not listed"
    );
    let new = get(&app, "/wms?SERVICE=WMS&REQUEST=GetCapabilities").await;
    let new = new.text();
    assert!(new.contains("<WMS_Capabilities version=\"1.3.0\"") && new.contains("CRS:84"));
    let old = get(
        &app,
        "/wms?SERVICE=WMS&REQUEST=GetCapabilities&VERSION=1.1.1",
    )
    .await;
    let old = old.text();
    assert!(old.contains("<WMT_MS_Capabilities version=\"1.1.1\"") && old.contains("SRS"));
    for text in [new, old] {
        assert!(text.contains("<Name>cities</Name>") && text.contains("<Name>viridis</Name>"));
    }
}

#[tokio::test]
async fn keys_open_layers_of_the_services_too() {
    const KEY: &str = "correct-horse-battery";
    let layers = Registry::default();
    let id = layers.announce("secret");
    layers.protect(&id, vec![BearerToken::new(KEY).unwrap()]);
    layers.put(&id, cities());
    let app = router(Arc::new(Server::new(layers, ServerConfig::default())));
    let map = MAP.replace("cities", "secret");
    let map = format!("{map}&VERSION=1.3.0&CRS=EPSG:3857&BBOX={}", tile_box());
    let closed = get(&app, &map).await;
    assert_eq!(closed.status, StatusCode::BAD_REQUEST);
    assert!(
        closed.text().contains("LayerNotDefined"),
        "{}",
        closed.text()
    );
    let opened = get(&app, &format!("{map}&key={KEY}")).await;
    assert_eq!(opened.status, StatusCode::OK);
    for document in [
        "/wms?REQUEST=GetCapabilities",
        "/wmts?REQUEST=GetCapabilities",
    ] {
        assert!(!get(&app, document).await.text().contains("secret"));
        let opened = get(&app, &format!("{document}&key={KEY}")).await;
        assert!(opened.text().contains("secret") && !opened.text().contains(KEY));
        assert!(opened.header("cache-control").contains("private"));
    }
}

#[tokio::test]
async fn errors_have_the_form_and_the_words_of_their_standard() {
    let app = app();
    let map = |rest: &str| format!("{MAP}&BBOX=0,0,9,9&{rest}");
    let degrees = map("VERSION=1.3.0&CRS=CRS:84");
    let tile = "/wmts?REQUEST=GetTile&LAYER=nosuch&TILEMATRIXSET=WebMercatorQuad&TILEMATRIX=0\
                &TILEROW=0&TILECOL=0";
    for (uri, words) in [
        (
            map("VERSION=1.3.0&CRS=EPSG:9"),
            ["<ServiceExceptionReport xmlns", "code=\"InvalidCRS\""],
        ),
        (
            map("VERSION=1.1.1&SRS=EPSG:9"),
            ["exception_1_1_1.dtd", "code=\"InvalidSRS\""],
        ),
        (
            degrees.replace("LAYERS=cities", "LAYERS=nosuch"),
            ["code=\"LayerNotDefined\"", "locator=\"LAYERS\""],
        ),
        (
            degrees.replace("STYLES=", "STYLES=nosuch"),
            ["code=\"StyleNotDefined\"", "a ramp in /catalog"],
        ),
        (
            degrees.replace("image/png", "image/gif"),
            ["code=\"InvalidFormat\"", "image/gif"],
        ),
        (map("VERSION=1.3.0"), ["CRS is missing", "locator=\"CRS\""]),
        (
            degrees.replace("BBOX=0,0,9,9", "BBOX=9,0,0,9"),
            ["BBOX can't be", "west,south,east,north"],
        ),
        (
            degrees.replace("WIDTH=256", "WIDTH=5000"),
            ["WIDTH can't be 5000", "1 to 4096"],
        ),
        (
            format!("{degrees}&radius=-1"),
            ["ServiceException", "radius"],
        ),
        (
            "/wms".to_owned(),
            ["REQUEST is missing", "ServiceException"],
        ),
        (
            "/wms?REQUEST=Nothing".to_owned(),
            ["OperationNotSupported", "GetMap"],
        ),
        (
            "/wmts".to_owned(),
            ["<ExceptionReport", "MissingParameterValue"],
        ),
        (
            tile.to_owned(),
            ["InvalidParameterValue", "locator=\"Layer\""],
        ),
        (
            "/wmts/cities/default/WebMercatorQuad/1/2/0.png".to_owned(),
            ["TileOutOfRange", "ExceptionReport"],
        ),
        (
            "/wmts/cities/default/Other/1/0/0.png".to_owned(),
            ["InvalidParameterValue", "TileMatrixSet"],
        ),
        (
            "/wmts/cities/default/WebMercatorQuad/1/0/0.gif".to_owned(),
            ["ExceptionReport", "gif"],
        ),
        (
            "/wmts/cities/nosuch/WebMercatorQuad/1/0/0.png".to_owned(),
            ["InvalidParameterValue", "locator=\"Style\""],
        ),
    ] {
        let answer = get(&app, &uri).await;
        let text = answer.text();
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{uri}: {text}");
        assert_eq!(answer.header("cache-control"), "no-store");
        for word in words {
            assert!(text.contains(word), "{uri}: {word}: {text}");
        }
    }
}

/// Names of parameters for requests of random words.
const NAMES: [&str; 22] = [
    "SERVICE",
    "REQUEST",
    "VERSION",
    "LAYERS",
    "LAYER",
    "STYLES",
    "STYLE",
    "CRS",
    "SRS",
    "BBOX",
    "WIDTH",
    "HEIGHT",
    "FORMAT",
    "TRANSPARENT",
    "BGCOLOR",
    "I",
    "J",
    "QUERY_LAYERS",
    "INFO_FORMAT",
    "TILEMATRIXSET",
    "TILEMATRIX",
    "TILEROW",
];

fn word() -> impl Strategy<Value = String> {
    let known = "GetMap GetTile GetFeatureInfo GetLegendGraphic GetCapabilities cities WMS 1.3.0 \
                 1.1.1 EPSG:4326 CRS:84 EPSG:3857 image/png 0,0,9,9 256 0 5 WebMercatorQuad TRUE \
                 application/json viridis -1 1e9 nan 0x00FF00 a,b";
    let known: Vec<&str> = known.split_whitespace().collect();
    prop_oneof![
        prop::sample::select(known).prop_map(str::to_owned),
        "[a-zA-Z0-9.,:%<&-]{0,12}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Requests of random words get a picture, a document or an error that is not the server's own.
    #[test]
    fn random_requests_are_answered(
        service in prop::sample::select(vec!["/wms", "/wmts"]),
        pairs in prop::collection::vec((0usize..NAMES.len(), word()), 0..16),
    ) {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in &pairs {
            query.append_pair(NAMES[*name], value);
        }
        let uri = format!("{service}?{}", query.finish());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let status = runtime.block_on(async {
            let app: Router = app();
            get(&app, &uri).await.status
        });
        let is_fine = status.as_u16() < 500 || status == StatusCode::SERVICE_UNAVAILABLE;
        prop_assert!(is_fine, "{uri}: {status}");
    }
}
