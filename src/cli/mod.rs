//! The commands of the program. Each command checks all its flags before it does anything else.

mod archive_layer;
mod backend;
mod bench;
mod completions;
mod error;
mod export;
mod first_points;
mod generate;
mod info;
mod layer_style;
mod load;
mod logging;
mod man;
mod mapnik;
mod output;
mod pack;
mod packed;
mod packed_rows;
#[cfg(feature = "postgis")]
mod postgis;
#[cfg(not(feature = "postgis"))]
#[path = "postgis_disabled.rs"]
mod postgis;
mod progress;
#[cfg(feature = "gpu")]
mod quiet_probe;
mod radii;
mod ramps;
#[cfg(feature = "remote")]
mod remote_source;
mod render;
mod serve;
mod shard;
mod source_flags;
mod source_name;
mod style;
mod style_flags;
mod tile_kinds;
mod times;
mod units;
mod verify;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use error::{BoxError, FileError, UsageError, causes, with_flags, without_number};
use heatsplat::points::cancel::CancelToken;
pub(crate) use logging::flush as flush_log;
use std::error::Error;
use std::io;
use std::process::ExitCode;

/// Points in, heat-map tiles out: exact, seamless, colour-stable.
#[derive(Parser)]
#[command(version, after_help = EXAMPLES)]
struct Arguments {
    #[command(flatten)]
    log: logging::LogFlags,
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
    Serve(Box<serve::ServeCommand>),
    /// Draw points as one picture
    Render(render::RenderCommand),
    /// Write all tiles of a source: PMTiles, MBTiles, GeoTIFF, a folder of files, PostGIS rasters
    Export(Box<export::ExportCommand>),
    /// Put points into one .heat file, also more than memory holds
    Pack(Box<pack::PackCommand>),
    /// Describe what a source of points holds
    Info(info::InfoCommand),
    /// List the colour ramps
    Ramps(ramps::RampsCommand),
    /// Turn another heat map's configuration into a style of heatsplat's
    Style(style::StyleCommand),
    /// Make up points, clustered as real ones are, to try things with
    Generate(generate::GenerateCommand),
    /// Measure how fast the CPU and each GPU draw points
    Bench(bench::BenchCommand),
    /// Write a script with which a shell completes commands and flags
    Completions(completions::CompletionsCommand),
    /// Write the manual pages
    Man(man::ManCommand),
}

/// The template of a help page: examples come before the flags, since they are read first.
const HELP: &str = "\
{about-with-newline}
{usage-heading} {usage}{after-help}

{all-args}
";

/// The width of a help page in characters, unless the terminal is narrower. A choice.
const HELP_COLUMNS: usize = 100;

/// The definition of the whole command line, with the layout of its help pages.
fn program() -> clap::Command {
    let page = |command: clap::Command| command.help_template(HELP);
    let program = page(Arguments::command()).max_term_width(HELP_COLUMNS);
    program.mut_subcommands(page)
}

/// Runs the command that the command line names. If the command line can't be parsed, the program
/// ends with exit code 2.
pub(crate) fn run() -> Result<(), BoxError> {
    let matches = program().get_matches();
    let arguments = Arguments::from_arg_matches(&matches).unwrap_or_else(|e| e.exit());
    logging::init(&arguments.log);
    match (arguments.command, matches.subcommand()) {
        // The configuration of `serve` is made from the text of the flags, which only `matches`
        // contains.
        (Command::Serve(serve), Some((_, matches))) => serve::run(*serve, matches),
        // Points that can't be read, of a damaged file for example, end the command.
        (command, _) => CancelToken::default().run(|| run_command(command))?,
    }
}

fn run_command(command: Command) -> Result<(), BoxError> {
    match command {
        Command::Serve(_) => Ok(()),
        Command::Render(render) => render.run(),
        Command::Export(export) => export.run(),
        Command::Pack(pack) => pack.run(),
        Command::Info(info) => info.run(),
        Command::Ramps(ramps) => ramps.run(),
        Command::Style(style) => style.run(),
        Command::Generate(generate) => generate.run(),
        Command::Bench(bench) => bench.run(),
        Command::Completions(completions) => completions.run(&mut program()),
        Command::Man(man) => man.run(&program()),
    }
}

/// Prints an error with its causes. Returns the exit code of the program: 0 if the output pipe was
/// closed, 1 otherwise. After a [`UsageError`] it doesn't return: the program ends with exit code
/// 2.
pub(crate) fn report(error: &(dyn Error + Send + Sync + 'static)) -> ExitCode {
    let broken_pipe = |e: &io::Error| e.kind() == io::ErrorKind::BrokenPipe;
    if error.downcast_ref::<io::Error>().is_some_and(broken_pipe) {
        // The reader of the output has closed the pipe because it has read enough, as in `heatsplat
        // info … | head`. This is no failure.
        return ExitCode::SUCCESS;
    }
    if let Some(error) = error.downcast_ref::<UsageError>() {
        logging::flush();
        usage(error).exit();
    }
    let spelled = |message: &str| match error.is::<FileError>() {
        true => without_number(message),
        false => without_number(&with_flags(message)),
    };
    let causes: Vec<_> = causes(error).iter().map(|cause| spelled(cause)).collect();
    logging::report(&spelled(&error.to_string()), &causes);
    ExitCode::FAILURE
}

/// Converts a usage error to an error of clap, whose `exit` prints the message and the usage of the
/// command and ends the program with exit code 2.
fn usage(error: &UsageError) -> clap::Error {
    let mut all = program();
    all.build();
    let kind = clap::error::ErrorKind::ValueValidation;
    match all.find_subcommand_mut(error.command) {
        Some(command) => command.error(kind, error),
        None => all.error(kind, error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flags_fit_together() {
        program().debug_assert();
    }

    /// Flags whose help names no default, since without such a flag nothing happens in its place.
    const WITHOUT_DEFAULT: &[&str] = &[
        "admin-listen",
        "attribution",
        "basemap",
        "basemap-attribution",
        "bbox",
        "by",
        "check",
        "config",
        "extent",
        "filter",
        "isolines",
        "json",
        "mapnik-style",
        "output",
        "pair",
        "points",
        "points-token-file",
        "port",
        "projection",
        "radius-column",
        "reload",
        "save-config",
        "shard",
        "split",
        "sql",
        "srid",
        "steps",
        "title",
        "tls-cert",
        "tls-key",
        "token-file",
        "window",
        "within",
        "zoom",
    ];

    #[test]
    fn help_shows_defaults_and_examples() {
        for command in program().get_subcommands() {
            let help = command.clone().render_help().to_string();
            let (examples, options) = (help.find("\nExamples:\n"), help.find("\nOptions:\n"));
            assert!(examples.is_some() && examples < options, "{help}");
            for flag in command.get_opts() {
                let name = flag.get_long().unwrap_or_default();
                let single = matches!(flag.get_action(), clap::ArgAction::Set);
                let text = flag.get_help().map(ToString::to_string).unwrap_or_default();
                let shown = !flag.get_default_values().is_empty() || text.contains("[default: ");
                let known = WITHOUT_DEFAULT.contains(&name);
                let optional = single && !flag.is_required_set();
                assert!(shown || known || !optional, "{name}: {text}");
            }
        }
    }

    #[test]
    fn help_names_the_defaults_of_styles() {
        let style = heatsplat::Style::default();
        let mut checked = 0;
        let all = program();
        let serve = all.find_subcommand("serve").unwrap();
        for flag in serve.get_opts() {
            let name = flag.get_long().unwrap_or_default();
            let text = flag.get_help().map(ToString::to_string).unwrap_or_default();
            let default = text.split("[default: ").nth(1);
            let default = default.and_then(|rest| rest.split(']').next());
            let default = default.filter(|text| !text.contains([' ', ';']));
            if let (true, Some(default)) = (heatsplat::Style::PARAMETERS.contains(&name), default) {
                let mut set = style.clone();
                set.set(name, default).unwrap();
                assert_eq!(set.to_string(), style.to_string(), "{name}");
                checked += 1;
            }
        }
        assert_eq!(checked, 8);
    }

    #[test]
    fn manual_pages_have_the_usage_and_the_examples() {
        let pages = man::pages(&program());
        assert_eq!(pages.len(), 1 + program().get_subcommands().count());
        for (name, command) in &pages {
            let page = String::from_utf8(man::page(command).unwrap()).unwrap();
            let usage = format!("\n.SH SYNOPSIS\nheatsplat {}", command.get_name());
            let usage = usage.replace("heatsplat heatsplat", "heatsplat");
            assert!(page.contains(&usage), "{name}: {page}");
            assert!(page.contains("\n.SH EXAMPLES\n.nf\n"), "{name}: {page}");
        }
    }

    #[test]
    fn values_are_checked_before_any_work() {
        for line in [
            "serve",
            "serve a --ramp nosuch",
            "serve a --radius -3",
            "serve a --public-url here",
            "serve a --delimiter abc",
            "serve a --format xls",
            "render a",
            "render a -o b.png --bbox 1,2,3",
            "render a -o b.png --size 0",
            "render a -o b.png --ratio 9",
            "render a -o b.png --background inferno",
            "render a -o b.png --as xls",
            "render a -o b.png --projection 4326",
            "generate many",
            "info",
            "serve a --backend cuda",
            "bench a --points 5",
            "bench --gpu some",
            "render a -o b.png --gpu-memory much",
            "export a -o b.zip --zoom 3",
            "pack a",
            "pack -o b.heat",
            "pack a -o b.heat --memory much",
            "pack a -o b.heat --resume --overwrite",
            "pack a -o b.heat --split kind --resume",
            "pack a -o b.heat --shard 0/4",
            "pack a -o b.heat --shard 5/4",
            "export a -o b.pmtiles --zoom 3 --resume --overwrite",
            "export a -o b.pmtiles --zoom 3 --tile-size 128",
            "serve a --port 70000",
            "serve a --port 3000 --listen 127.0.0.1:3000",
            "serve --public-points many",
            "serve a --points-memory much",
            "completions tcsh",
            "man",
        ] {
            let words = ["heatsplat"].into_iter().chain(line.split(' '));
            let error = Arguments::try_parse_from(words).err();
            assert_eq!(error.map(|e| e.exit_code()), Some(2), "{line}");
        }
        for line in [
            "serve a b - --listen 127.0.0.1:0 --weight none --domain -5,5 --reverse",
            "render a -o - --bbox -10,-5,10,5 --size 100x50 --background #111820 --as webp",
            "info a --json --delimiter tab",
            "serve a --port 8080",
            "serve --public-points 8 --public-rows 50k --public-for 30m",
            "serve --points-token-file token",
            "completions zsh",
            "man pages",
            "ramps -o r.png",
            "style radius=3px --table",
            "render a -o b.png --style radius=3px --ramp ice",
            "render -o b.png --mapnik-style map.xml",
            "info --backends",
            "bench --points 1000 --gpu any --radius 8",
            "serve a --backend gpu:llvm --gpu-memory 64M",
            "generate 10M --seed 7",
            "export a -o b.mbtiles --zoom 0-10 --bbox -10,-5,10,5 --tile-size 512 --retina --dry-run",
            "pack a b - -o c.heat --memory 2G --temp /tmp --weight none --json",
            "export a -o t/{z}/{x}/{y}.webp --zoom 3 --as webp --resume",
        ] {
            let words = ["heatsplat"].into_iter().chain(line.split(' '));
            assert!(Arguments::try_parse_from(words).is_ok(), "{line}");
        }
    }
}
