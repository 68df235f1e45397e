//! The real deck.gl, compared with what heatsplat draws after importing its properties. The package
//! is large, so the test runs only if `HEATSPLAT_DECK` names its dist.min.js (`npm i
//! deck.gl@9.4.0`).

use super::{SIDE, compare, listed, pixels};
use heatsplat_import as import;
use std::fs;
use std::path::Path;
use std::process::Command;

#[test]
fn layers_of_deck_are_found_again() {
    let Some(library) = std::env::var_os("HEATSPLAT_DECK") else {
        return;
    };
    let folder = crate::program::folder("deck");
    let [input, output] = ["points.js", "deck.rgba"].map(|name| folder.join(name));
    // At zoom 2 of deck.gl, which counts tiles of 512 px, the world is 2048 px wide.
    let text = format!(
        "{{size: {SIDE}, zoom: 2, props: {{radiusPixels: 60}}, points: [{}]}}",
        listed()
    );
    fs::write(&input, text).unwrap();
    let run = Command::new("node")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser/deck.mjs"))
        .arg(&input)
        .arg(&library)
        .arg(&output)
        .output()
        .unwrap();
    let said = [run.stdout, run.stderr].map(|out| String::from_utf8_lossy(&out).into_owned());
    assert!(run.status.success(), "{}", said.concat());
    let theirs = pixels(&fs::read(&output).unwrap());
    let imported =
        import::style("new HeatmapLayer({getWeight: d => d.value, radiusPixels: 60})").unwrap();
    compare("deck", &theirs, &imported);
}
