//! The commands. Each turns its flags into checked values first, and then works with those.

mod archive_layer;
mod backend;
mod bench;
mod export;
mod generate;
mod info;
mod mapnik;
mod output;
#[cfg(feature = "postgis")]
mod postgis;
mod radii;
mod ramps;
mod render;
mod serve;
mod source_flags;
mod style;
mod style_flags;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use heatsplat_render::say;
use std::error::Error;
use std::io;
use std::process::ExitCode;

/// What ends a command early.
type Failure = Box<dyn Error + Send + Sync>;

/// Points in, heat-map tiles out: exact, seamless, colour-stable.
#[derive(Parser)]
#[command(version, after_help = EXAMPLES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  heatsplat serve examples/cities.csv.gz               a map to look at, in the browser
  heatsplat render examples/cities.csv.gz -o map.png   the same as a picture
  heatsplat info examples/cities.csv.gz                what the file holds
  heatsplat serve --help                               all about one command";

#[derive(Subcommand)]
enum Command {
    /// Show points on a map in the browser, and serve their tiles
    Serve(Box<serve::Serve>),
    /// Draw points as one picture
    Render(render::Render),
    /// Write all tiles of a source: PMTiles, MBTiles, GeoTIFF, a folder of files, PostGIS rasters
    Export(Box<export::Export>),
    /// Say what a source of points holds
    Info(info::Info),
    /// List the colour ramps
    Ramps(ramps::Ramps),
    /// Turn another heat map's configuration into a style of heatsplat's
    Style(style::StyleOf),
    /// Make up points, clustered as real ones are, to try things with
    Generate(generate::Generate),
    /// Measure how fast the CPU and each GPU draw points
    Bench(bench::Bench),
}

/// Does what the command line says. A command line that can't be ends the program with 2.
pub(crate) fn run() -> Result<(), Failure> {
    let matches = Arguments::command().get_matches();
    let arguments = Arguments::from_arg_matches(&matches).unwrap_or_else(|e| e.exit());
    match arguments.command {
        // A server's set-up is kept in words: which flags were given, and how.
        Command::Serve(serve) => match matches.subcommand() {
            Some((_, matches)) => serve.run(matches),
            None => Ok(()),
        },
        Command::Render(render) => render.run(),
        Command::Export(export) => export.run(),
        Command::Info(info) => info.run(),
        Command::Ramps(ramps) => ramps.run(),
        Command::Style(style) => style.run(),
        Command::Generate(generate) => generate.run(),
        Command::Bench(bench) => bench.run(),
    }
}

/// Prints an error with its causes, and says what the program ends with.
pub(crate) fn report(error: &(dyn Error + Send + Sync + 'static)) -> ExitCode {
    let broken_pipe = |e: &io::Error| e.kind() == io::ErrorKind::BrokenPipe;
    if error.downcast_ref::<io::Error>().is_some_and(broken_pipe) {
        // `heatsplat info … | head`: who reads has read enough.
        return ExitCode::SUCCESS;
    }
    say!("error: {error}");
    for cause in causes(error) {
        say!("  because: {cause}");
    }
    ExitCode::FAILURE
}

/// What an error's causes say that it doesn't say itself.
fn causes(error: &(dyn Error + 'static)) -> Vec<String> {
    let mut all = vec![error.to_string()];
    let mut cause = error.source();
    while let Some(inner) = cause {
        // Many messages hold the message of their cause already.
        let message = inner.to_string();
        if all.last().is_some_and(|said| !said.contains(&message)) {
            all.push(message);
        }
        cause = inner.source();
    }
    all.split_off(1)
}

/// An error and its causes in one line.
fn with_causes(error: &(dyn Error + 'static)) -> String {
    let causes = causes(error);
    let all = std::iter::once(error.to_string()).chain(causes);
    all.collect::<Vec<_>>().join(": ")
}

/// Ends the program as clap does for a flag that can't be: message, usage, code 2.
fn usage(command: &str, message: impl std::fmt::Display) -> ! {
    let mut all = Arguments::command();
    all.build();
    let kind = clap::error::ErrorKind::ValueValidation;
    match all.find_subcommand_mut(command) {
        Some(command) => command.error(kind, message).exit(),
        None => all.error(kind, message).exit(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flags_fit_together() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn values_are_checked_before_any_work() {
        for line in [
            "serve",
            "serve a --ramp nosuch",
            "serve a --radius -3",
            "serve a --public-url here",
            "serve a --delimiter abc",
            "serve a --format xlsx",
            "render a",
            "render a -o b.png --bbox 1,2,3",
            "render a -o b.png --size 0",
            "render a -o b.png --ratio 9",
            "render a -o b.png --background inferno",
            "render a -o b.png --as xls",
            "generate many",
            "info",
            "serve a --backend cuda",
            "bench a --points 5",
            "bench --gpu some",
            "render a -o b.png --gpu-memory much",
            "export a -o b.pmtiles",
            "export a -o b.zip --zoom 3",
            "export a -o b.pmtiles --zoom 3 --resume --overwrite",
            "export a -o b.pmtiles --zoom 3 --tile-size 128",
        ] {
            let words = ["heatsplat"].into_iter().chain(line.split(' '));
            let error = Arguments::try_parse_from(words).err();
            assert_eq!(error.map(|e| e.exit_code()), Some(2), "{line}");
        }
        for line in [
            "serve a b - --listen 127.0.0.1:0 --weight none --domain -5,5 --reverse",
            "render a -o - --bbox -10,-5,10,5 --size 100x50 --background #111820 --as webp",
            "info a --json --delimiter tab",
            "ramps -o r.png",
            "style radius=3px --table",
            "render a -o b.png --style radius=3px --ramp ice",
            "render -o b.png --mapnik-style map.xml",
            "info --backends",
            "bench --points 1000 --gpu any --radius 8",
            "serve a --backend gpu:llvm --gpu-memory 64M",
            "generate 10M --seed 7",
            "export a -o b.mbtiles --zoom 0-10 --bbox -10,-5,10,5 --tile-size 512 --retina --dry-run",
            "export a -o t/{z}/{x}/{y}.webp --zoom 3 --as webp --resume",
        ] {
            let words = ["heatsplat"].into_iter().chain(line.split(' '));
            assert!(Arguments::try_parse_from(words).is_ok(), "{line}");
        }
    }
}
