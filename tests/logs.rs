//! Log lines: text for people, JSON for programs. No work waits for a reader of the lines.

use crate::program::{Server, command, folder};
use serde_json::Value;
use std::time::Duration;

const CITIES: &str = "examples/cities.csv.gz";

/// The longest time until a line is logged.
const LONGEST: Duration = Duration::from_secs(20);

#[test]
fn lines_of_json_name_level_target_and_request() {
    // The CPU is used because drivers of GPUs write their own lines to standard error.
    let cpu = [CITIES, "--backend", "cpu"];
    let arguments = [&cpu[..], &["--log-format", "json", "--log-level", "debug"]].concat();
    let (server, lines) = Server::start_heard(&arguments, &[]);
    assert_eq!(server.get("/cities/3/4/2.png?ramp=ice", "").0, 200);
    let mut all = Vec::new();
    let is_answer = |line: &Value| line["message"] == "answered";
    while !all.iter().any(is_answer) {
        let line = lines.recv_timeout(LONGEST).unwrap();
        all.push(serde_json::from_str::<Value>(&line).expect(&line));
    }
    for line in &all {
        let text = |name: &str| line[name].as_str().unwrap_or_default();
        assert!(text("time").ends_with('Z'), "{line}");
        assert!(["warn", "info", "debug"].contains(&text("level")), "{line}");
        assert!(text("target").starts_with("heatsplat"), "{line}");
    }
    let loaded = |line: &Value| line["message"].as_str().unwrap().starts_with("cities: ");
    assert!(all.iter().any(loaded), "{all:?}");
    let spans = |line: &Value| -> Vec<String> {
        let spans = line["spans"].as_array().unwrap().iter();
        spans.map(|span| span["name"].to_string()).collect()
    };
    let tile = all
        .iter()
        .find(|line| spans(line).contains(&"\"tile\"".to_owned()));
    let tile = tile.unwrap();
    assert_eq!(tile["spans"][0]["name"], "request");
    assert_eq!(tile["spans"][0]["path"], "/cities/3/4/2.png");
    let answer = all.iter().find(|line| is_answer(line)).unwrap();
    assert_eq!(answer["status"], 200);
    assert_eq!(answer["spans"][0]["id"], tile["spans"][0]["id"]);
}

#[test]
fn a_level_comes_from_a_flag_or_the_environment() {
    let info = |flags: &[&str], variable: &str| {
        let file = folder("logs-level").join("none.csv");
        std::fs::write(&file, "lon,lat\n1,2\nx,y\n").unwrap();
        let picture = file.with_extension("png");
        let (file, picture) = (file.to_str().unwrap(), picture.to_str().unwrap());
        let cpu = ["render", file, "-o", picture, "--backend", "cpu"];
        let arguments = [&cpu[..], flags].concat();
        let mut command = command(&arguments);
        let out = command.env("HEATSPLAT_LOG", variable).output().unwrap();
        assert_eq!(out.status.code(), Some(0), "{flags:?} {variable}");
        String::from_utf8_lossy(&out.stderr).into_owned()
    };
    let usual = info(&[], "");
    assert!(!usual.is_empty());
    assert_eq!(info(&["--log-level", "error"], "debug"), "");
    assert_eq!(info(&[], "off"), "");
    let warned = info(&[], "loud");
    assert!(
        warned.starts_with("heatsplat: HEATSPLAT_LOG: expected"),
        "{warned}"
    );
    // Only the first line is compared, since later lines end in times.
    let first = usual.lines().next().unwrap();
    assert!(warned.lines().any(|line| line == first), "{warned}");
    let (code, _, error) = crate::program::heatsplat(&["ramps", "--log-level", "loud"]);
    assert!(
        code == 2 && error.contains("expected off, error"),
        "{error}"
    );
}

#[test]
fn errors_that_end_the_program_are_json_too() {
    let arguments = ["--log-format", "json", "info", "no-such-file.csv"];
    let (code, _, error) = crate::program::heatsplat(&arguments);
    let line: Value = serde_json::from_str(&error).unwrap();
    assert_eq!((code, &line["level"]), (1, &Value::from("error")));
    assert!(
        line["message"]
            .as_str()
            .unwrap()
            .contains("no-such-file.csv")
    );
}

/// Standard error is a pipe without a reader. The pipe holds 64 KiB, and the program logs more than
/// that.
#[test]
fn a_full_pipe_at_standard_error_holds_up_no_request() {
    let arguments = [CITIES, "--log-level", "trace"];
    let server = Server::start_unread(&arguments);
    for _ in 0..1500 {
        assert_eq!(server.get("/cities/0/0/0.png", "").0, 200);
    }
}
