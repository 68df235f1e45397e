//! Tests of `/metrics` and of the header `Server-Timing`.

use crate::app::{TILE, app, gated, get};
use axum::http::StatusCode;
use heatsplat_server::ServerConfig;
use std::collections::HashSet;

/// Returns true if a line is a sample of Prometheus' text format: a name, perhaps labels in braces,
/// and a number.
fn is_sample(line: &str) -> bool {
    let (name, value) = line.rsplit_once(' ').unwrap();
    let (name, labels) = name.split_once('{').unwrap_or((name, "}"));
    let named = name.starts_with("heatsplat_");
    let legal = |c: char| c.is_ascii_lowercase() || c == '_';
    named && name.chars().all(legal) && labels.ends_with('}') && value.parse::<f64>().is_ok()
}

#[tokio::test]
async fn a_page_that_prometheus_reads() {
    let (app, backend, _) = gated(ServerConfig::default());
    for uri in [
        "/gated/4/8/5.png",
        "/gated/4/8/5.png",
        "/gated/value?lon=1&lat=1",
    ] {
        assert_eq!(get(&app, uri).await.status, StatusCode::OK);
    }
    let answer = get(&app, "/metrics").await;
    assert!(
        answer
            .header("content-type")
            .starts_with("text/plain; version=0.0.4")
    );
    let text = answer.text();
    let mut about = HashSet::new();
    for line in text.lines() {
        match line.strip_prefix("# ") {
            Some(comment) => {
                let words: Vec<_> = comment.split(' ').collect();
                about.insert((words[0].to_owned(), words[1].to_owned()));
            }
            None => assert!(is_sample(line), "{line}"),
        }
    }
    let named =
        |name: &str| ["HELP", "TYPE"].map(|what| about.contains(&(what.into(), name.into())));
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let name = line.split(['{', ' ']).next().unwrap();
        let family = ["_bucket", "_sum", "_count"]
            .iter()
            .find_map(|end| name.strip_suffix(end));
        assert!(
            named(name) == [true; 2] || family.is_some_and(|f| named(f) == [true; 2]),
            "{line}"
        );
    }
    for line in [
        "heatsplat_requests_total{route=\"/{layer}/{z}/{x}/{y}\",status=\"200\"} 2",
        "heatsplat_request_seconds_count{route=\"/{layer}/{z}/{x}/{y}\"} 2",
        "heatsplat_request_seconds_bucket{route=\"/{layer}/value\",le=\"+Inf\"} 1",
        "heatsplat_cache_requests_total{cache=\"tiles\",result=\"hit\"} 1",
        "heatsplat_renders_total 3",
        "heatsplat_layers{state=\"here\"} 1",
        &format!(
            "heatsplat_backend{{backend=\"gated \\\"backend\\\"\",what=\"drawn\"}} {}",
            backend.drawn()
        ),
    ] {
        assert!(text.lines().any(|l| l == line), "{line} is not in\n{text}");
    }
    for stage in ["deposit", "convolve", "scale", "encode"] {
        let begin = format!("heatsplat_stage_seconds_total{{stage=\"{stage}\"}} ");
        let seconds = text.lines().find_map(|l| l.strip_prefix(&begin)).unwrap();
        assert!(seconds.parse::<f64>().unwrap() > 0.0, "{stage}");
    }
}

#[tokio::test]
async fn whatever_is_asked_the_page_stays_short() {
    let app = app();
    let lines = async || get(&app, "/metrics").await.text().lines().count();
    for i in 0..50 {
        for uri in [
            format!("/nosuch{i}/0/0/0.png"),
            format!("/cities/4/8/5.png?x{i}=1"),
            format!("/{i}/{i}/{i}/{i}/{i}/{i}"),
            format!("/cities/4/{}/5.png", i % 16),
            format!("/cities/value?lon={i}&lat={i}"),
        ] {
            get(&app, &uri).await;
        }
    }
    lines().await;
    let before = lines().await;
    get(&app, "/another/0/0/0.png").await;
    assert!(before < 150 && lines().await == before, "{before}");
}

#[tokio::test]
async fn tiles_tell_what_their_time_was_spent_on() {
    let app = app();
    let cold = get(&app, TILE).await;
    let timing = cold.header("server-timing").to_owned();
    let names: Vec<_> = timing
        .split(", ")
        .map(|part| part.split(';').next().unwrap())
        .collect();
    assert_eq!(
        names,
        ["queue", "find", "deposit", "convolve", "scale", "encode"]
    );
    assert!(timing.split(", ").all(|part| {
        part.split_once(";dur=")
            .is_some_and(|(_, ms)| ms.parse::<f64>().is_ok())
    }));
    let hit = get(&app, TILE).await;
    assert_eq!(hit.header("server-timing"), "cache;desc=\"hit\"");
    assert_eq!(hit.body, cold.body);
    // Pages of other hosts may read the header.
    assert!(
        cold.header("access-control-expose-headers")
            .contains("server-timing")
    );
    assert_eq!(cold.header("timing-allow-origin"), "*");
}
