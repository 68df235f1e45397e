//! Tests the viewer, and the page in README.md, in a real Chromium. Scripts in `tests/browser`
//! control the browser.
//!
//! The tests need node, the packages of the scripts (`npm ci` in tests/browser) and Chromium;
//! `scripts/test` installs all of them. If one is missing, a test is left out with a message; with
//! `HEATSPLAT_REQUIRE_ALL=1` it fails instead.

use crate::program::{Server, folder};
use crate::requirements::{has_browser, left_out, runs};
use std::path::Path;
use std::process::Command;

#[test]
fn the_viewer_shows_heat() {
    run("viewer.mjs", &["examples/cities.csv.gz"]);
}

#[test]
fn the_page_in_the_readme_works() {
    run("readme.mjs", &["examples/incidents.csv", "--keep", "kind"]);
}

#[test]
fn each_control_of_the_viewer_changes_the_map() {
    run_with_two_layers("controls.mjs");
}

#[test]
fn a_change_of_style_costs_one_picture_of_the_map() {
    run("restyle.mjs", &["examples/cities.csv.gz"]);
}

#[test]
fn the_own_base_map_names_places_and_is_finer_where_it_is_near() {
    run("places.mjs", &["examples/cities.csv.gz"]);
}

#[test]
fn a_window_of_time_is_moved_stretched_and_played() {
    run(
        "times.mjs",
        &[
            "examples/incidents.csv",
            "--time",
            "time",
            "--radius",
            "14px",
        ],
    );
}

#[test]
fn axe_finds_no_violation_in_the_viewer() {
    run_with_two_layers("access.mjs");
}

#[test]
fn a_base_map_is_shown_only_if_the_operator_names_one() {
    let tiles = "https://tiles.example.test/{z}/{x}/{y}.png";
    let basemap = ["--basemap", tiles, "--basemap-attribution", "© Example"];
    run(
        "basemap.mjs",
        &[&["examples/cities.csv.gz"], &basemap[..]].concat(),
    );
}

#[test]
fn pages_with_the_packages_of_clients_show_heat() {
    let layer = ["examples/incidents.csv", "--keep", "kind", "--time", "time"];
    run(
        "clients.mjs",
        &[&layer[..], &["--public-points", "12"]].concat(),
    );
}

/// Runs a script with the address of a server of two layers: `cities`, with the columns country and
/// population, and `quakes`.
fn run_with_two_layers(script: &str) {
    let folder = folder(script);
    let config = folder.join("heatsplat.toml");
    let examples = concat!(env!("CARGO_MANIFEST_DIR"), "/examples");
    let layers = format!(
        "[[layers]]\nfile = \"{examples}/cities.csv.gz\"\nweight = \"population\"\n\
         keep = [\"country\", \"population\"]\n\
         [[layers]]\nfile = \"{examples}/quakes.csv\"\n"
    );
    std::fs::write(&config, layers).unwrap();
    run(script, &["--config", &config.to_string_lossy()]);
    std::fs::remove_dir_all(folder).unwrap();
}

/// Runs a script with the address of a server for some arguments of `heatsplat serve`.
fn run(script: &str, arguments: &[&str]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser");
    let missing = [
        (!runs("node"), "node"),
        (!has_browser(), "chromium"),
        (
            !folder.join("node_modules/playwright-core").exists(),
            "tests/browser/node_modules (npm ci)",
        ),
    ];
    let missing: Vec<_> = missing
        .iter()
        .filter(|(is, _)| *is)
        .map(|(_, what)| *what)
        .collect();
    if !missing.is_empty() {
        left_out(&format!("the browser test needs {}", missing.join(", ")));
        return;
    }
    let server = Server::start(arguments);
    let run = Command::new("node")
        .arg(folder.join(script))
        .arg(format!("http://{}", server.address))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(
        run.status.success(),
        "{said}\n{}",
        String::from_utf8_lossy(&run.stderr)
    );
}
