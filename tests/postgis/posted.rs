use super::cluster::shared;
use super::http::{TOKEN, body, post, post_as, serve};
use crate::program::Server;
use serde_json::json;

#[test]
fn a_query_in_a_reference_out() {
    let Some(cluster) = shared() else { return };
    cluster.run(
        "CREATE TABLE adhoc AS SELECT ST_SetSRID(ST_MakePoint(i, i), 4326)::geometry(Point,4326) AS geom, \
         i AS casualties FROM generate_series(1, 60) i",
    );
    let server = serve(&[&cluster.url(), "--posted-for", "2s"]);
    let ask = json!({
        "sql": "select geom, casualties as weight from adhoc;",
        "style": { "radius": 12, "ramp": "viridis", "domain": "0,60" }
    });
    let (status, made) = post(&server, &ask);
    assert_eq!(status, 201, "{made}");
    let id = made["id"].as_str().unwrap();
    let (status, again) = post(&server, &ask);
    assert_eq!((status, &again["id"]), (200, &made["id"]));
    for key in ["tilejson", "tiles", "legend", "gdal"] {
        let url = made[key].as_str().unwrap();
        let url = url
            .replace("{z}", "2")
            .replace("{x}", "2")
            .replace("{y}", "1");
        let path = url.split_once(&server.address).unwrap().1;
        body(&server, path);
    }
    let catalog: serde_json::Value = serde_json::from_slice(&body(&server, "/catalog")).unwrap();
    let layers = catalog["layers"].as_array().unwrap();
    let listed = layers.iter().find(|layer| layer["id"] == id).unwrap();
    assert_eq!(listed["style"]["ramp"], "viridis");
    assert!(listed["expires"].as_u64() >= made["expires"].as_u64());
    let (_, read) = post(
        &server,
        &json!({
            "sql": "select geom, casualties as weight from adhoc", "mode": "snapshot",
            "style": { "radius": 12, "ramp": "viridis", "domain": "0,60" }
        }),
    );
    let tail = "1/1/0.png";
    let (live, here) = (
        format!("/{id}/{tail}"),
        format!("/{}/{tail}", read["id"].as_str().unwrap()),
    );
    assert!(body(&server, &live) == body(&server, &here) && live != here);
    std::thread::sleep(std::time::Duration::from_millis(3100));
    assert_eq!(server.get(&format!("/{id}"), "").0, 404);
}

#[test]
fn only_who_has_the_token_may_post() {
    let Some(cluster) = shared() else { return };
    let url = cluster.url();
    let server = serve(&[&url]);
    let body = json!({ "sql": "select ST_SetSRID(ST_MakePoint(1,1),4326) as geom" }).to_string();
    let bearer = format!("Bearer {TOKEN}");
    for (authorization, kind, status) in [
        ("Bearer wrong", "application/json", 401),
        ("Basic eDp5", "application/json", 401),
        ("", "application/json", 401),
        (&bearer, "text/plain", 415),
        (&bearer, "application/x-www-form-urlencoded", 415),
        (&bearer, "application/json; charset=utf-8", 201),
    ] {
        let (got, head, answer) = post_as(&server, authorization, kind, &body);
        assert_eq!(got, status, "{authorization} {kind}: {answer}");
        assert!(!head.contains("access-control-allow"), "{head}");
    }
    let without = Server::start_with(&[&url, "--auto-publish"], &[]);
    assert_eq!(post_as(&without, &bearer, "application/json", &body).0, 404);
}

#[test]
fn what_cannot_be_is_refused_without_a_word_of_the_database() {
    let Some(cluster) = shared() else { return };
    cluster.run("CREATE TABLE canary_7731 (geom geometry(Point,4326)); REVOKE ALL ON canary_7731 FROM reader");
    let server = serve(&[&cluster.url()]);
    for (ask, hint) in [
        (json!({ "sql": "select geom from canary_7731" }), "42501"),
        (json!({ "sql": "select geom frm canary_7731" }), "42601"),
        (json!({ "sql": "select !nosuch!" }), "!bbox!"),
        (
            json!({ "sql": "select 1 as one" }),
            "no column holds geometries",
        ),
        (json!({ "sql": "" }), "empty"),
        (json!({ "sql": "select $1" }), "parameter"),
        (
            json!({ "sql": "select 1", "style": { "ramp": "nosuch" } }),
            "inferno",
        ),
        (json!({ "sql": "select 1", "table": "x" }), "unknown field"),
        (json!({ "sql": "x".repeat(70_000) }), "64 KiB"),
        (json!({}), "sql"),
    ] {
        let (status, answer) = post(&server, &ask);
        let text = answer.to_string();
        assert!(
            status == 400 && text.contains(hint),
            "{ask}: {status} {text}"
        );
        assert!(
            !text.contains("canary_7731") && !text.contains("127.0.0.1"),
            "{text}"
        );
    }
}
