//! Tests of what other tile servers' clients expect: their words, rows from the south, and maps in
//! coordinate systems.

use crate::app::{Answer, TILE, app, get};
use axum::http::StatusCode;
use heatsplat_points::mercator::EQUATOR_METRES;

fn ok(answer: &Answer) {
    assert_eq!(
        answer.status,
        StatusCode::OK,
        "{}",
        String::from_utf8_lossy(&answer.body)
    );
}

#[tokio::test]
async fn words_of_other_servers_are_ours() {
    let app = app();
    let theirs = get(&app, &format!("{TILE}?rescale=0,4&colormap_name=viridis_r")).await;
    let ours = get(
        &app,
        &format!("{TILE}?domain=0,4&ramp=viridis&reverse=true"),
    )
    .await;
    ok(&ours);
    assert!(theirs.body == ours.body);
    assert_eq!(theirs.header("etag"), ours.header("etag"));
    let refused = get(&app, &format!("{TILE}?colormap=x")).await;
    assert!(
        refused.error().contains("here it is ramp"),
        "{}",
        refused.error()
    );
    let one = get(&app, "/cities?rescale=0,4").await;
    let other = get(&app, "/cities/tilejson.json?rescale=0,4").await;
    ok(&other);
    assert_eq!(one.json(), other.json());
    assert_eq!(one.json()["style"]["domain"], "0,4");
}

#[tokio::test]
async fn rows_may_be_counted_from_the_south() {
    let app = app();
    // Of the 16 rows of zoom 4, row 5 from the north is row 10 from the south.
    let tms = get(&app, "/cities/4/8/10.png?tms=true").await;
    let xyz = get(&app, TILE).await;
    ok(&tms);
    assert!(tms.body == xyz.body && tms.header("etag") == xyz.header("etag"));
    let plain = get(&app, &format!("{TILE}?tms=false")).await;
    assert!(plain.body == xyz.body);
    let tilejson = get(&app, "/cities?tms=true&radius=9px").await.json();
    assert_eq!(tilejson["scheme"], "tms");
    let tiles = tilejson["tiles"][0].as_str().unwrap();
    assert!(tiles.ends_with("{y}.png?radius=9px&tms=true"), "{tiles}");
    assert_eq!(get(&app, "/cities").await.json()["scheme"], "xyz");
    assert_eq!(
        get(&app, "/cities/0/0/0.png?tms=1").await.status,
        StatusCode::BAD_REQUEST
    );
}

#[tokio::test]
async fn maps_come_in_coordinate_systems() {
    let app = app();
    let wms = "/wms?SERVICE=WMS&VERSION=1.3.0&REQUEST=GetMap&LAYERS=cities&FORMAT=image/png\
               &TRANSPARENT=TRUE&WIDTH=300&HEIGHT=200&STYLES=";
    let size = "width=300&height=200";
    let degrees = get(&app, &format!("{wms}&CRS=CRS:84&BBOX=-5,45,10,55")).await;
    ok(&degrees);
    for crs in ["EPSG:4326", "CRS:84", "OGC:CRS84"] {
        let map = get(
            &app,
            &format!("/cities/map.png?bbox=-5,45,10,55&{size}&crs={crs}"),
        )
        .await;
        ok(&map);
        assert!(map.body == degrees.body, "{crs}");
    }
    // A box in metres, in the words of MapLibre's `{bbox-epsg-3857}`.
    let metres = "-556597.45,5621521.48,1113194.9,7361866.11";
    let wanted = get(&app, &format!("{wms}&CRS=EPSG:3857&BBOX={metres}")).await;
    for name in ["bbox-crs", "bbox_crs"] {
        let uri = format!("/cities/map.png?bbox={metres}&{name}=EPSG:3857&{size}");
        let map = get(&app, &uri).await;
        ok(&map);
        assert!(map.body == wanted.body, "{name}");
    }
    // A box of a tile is the tile, but for rounding.
    let side = EQUATOR_METRES / 16.0;
    let (west, north) = (0.0, EQUATOR_METRES / 2.0 - 5.0 * side);
    let (south, east) = (north - side, west + side);
    let uri = format!(
        "/cities/map.npy?bbox={west},{south},{east},{north}&bbox-crs=EPSG:3857&width=256&height=256"
    );
    let (map, tile) = (get(&app, &uri).await, get(&app, "/cities/4/8/5.npy").await);
    ok(&map);
    let numbers = |answer: &Answer| {
        let data = &answer.body[answer.body.len() - 4 * 65536..];
        let (words, _) = data.as_chunks::<4>();
        words
            .iter()
            .map(|word| f32::from_le_bytes(*word))
            .collect::<Vec<_>>()
    };
    for (a, b) in numbers(&map).iter().zip(numbers(&tile)) {
        assert!((a - b).abs() < 1e-3, "{a} {b}");
    }
    let twice = get(
        &app,
        "/cities/map@2x.png?bbox=-5,45,10,55&width=150&height=100&crs=CRS:84",
    )
    .await;
    ok(&twice);
    assert_eq!(
        twice.body[16..24],
        degrees.body[16..24],
        "its width and height"
    );
    // Without a word on coordinate systems a map is what it was.
    let plain = get(&app, &format!("/cities/map.png?bbox=-5,45,10,55&{size}")).await;
    assert!(plain.body != degrees.body);
    for (query, words) in [
        (
            "crs=EPSG:2056",
            "crs can't be `EPSG:2056`: expected EPSG:3857",
        ),
        ("bbox-crs=x", "bbox-crs can't be `x`"),
        (
            "bbox-crs=EPSG:3857&bbox_crs=EPSG:3857",
            "two names of one thing",
        ),
        ("crs=EPSG:4326&bbox=1,2,3", "four numbers"),
        ("crs=EPSG:3857&bbox=0,86,1,89", "85.0511"),
        ("crs=EPSG:4326&width=4097", "1 to 4096"),
        ("crs=EPSG:4326&radius=-1", "radius"),
        ("crs=EPSG:4326&nosuch=1", "unknown parameter"),
    ] {
        let refused = get(&app, &format!("/cities/map.png?{query}")).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{query}");
        assert!(
            refused.error().contains(words),
            "{query}: {}",
            refused.error()
        );
    }
    let numbers = get(&app, "/cities/map.npy?crs=EPSG:4326").await;
    assert_eq!(numbers.status, StatusCode::BAD_REQUEST);
    assert!(
        numbers.error().contains("square pixels"),
        "{}",
        numbers.error()
    );
}
