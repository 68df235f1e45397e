//! `heatsplat pack`: turns sources of any size into one `.heat` file, with bounded memory.

mod columns;
mod memory;
mod open_pack;
mod read;
mod split;
mod state;

use super::error::{BoxError, UsageError};
use super::logging::say;
use super::shard::Shard;
use super::source_flags::SourceFlags;
use super::source_name::{layer_name, redact};
use super::units::{bytes, size};
use clap::Args;
use columns::LoaderRules;
use heatsplat_heat::pack::{
    DiskSpace, IfPackExists, LoggedSource, PackError, PackProgress, PackSettings, Packer,
};
use heatsplat_heat::{HeatSummary, Metadata};
use indicatif::{HumanCount, ProgressBar, ProgressStyle};
use open_pack::OpenPack;
use read::ReadSource;
use serde_json::{Value, json};
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const EXAMPLES: &str = "\
Examples:
  heatsplat pack examples/cities.csv.gz -o cities.heat
  heatsplat pack 2024.parquet 2025.parquet -o all.heat --memory 2G --temp /scratch
  heatsplat pack north.heat south.heat -o both.heat
  heatsplat pack taxi.csv -o taxi.heat --filter 'fare > 0' --dry-run
  heatsplat pack quakes.csv -o quakes.heat --counts --keep mag,time
  heatsplat pack quakes.heat -o strong.heat --filter 'mag >= 7'
  heatsplat pack crimes.heat -o crimes-by.heat --split kind
  heatsplat pack all.parquet -o all-2.heat --shard 2/4

The points may be more than memory holds: they are sorted in runs on the disk. Positions are stored
to 9.3 mm, weights exactly. The file depends only on the points: not on their order, the memory or the
number of threads. A pack that was broken off leaves OUTPUT.partial, and is finished by the same
command with --resume.";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct PackCommand {
    /// Sources of points, as for `info`: files, addresses, a database, .heat files. The points of
    /// all of them go into one file
    #[arg(required = true, value_name = "SOURCE")]
    sources: Vec<String>,
    /// The file, whose name ends in .heat
    #[arg(short, long, value_name = "OUTPUT")]
    output: PathBuf,
    /// Memory for points while they are sorted, like 512M or 4G; reading takes some more [default:
    /// a quarter of the machine's]
    #[arg(long, value_name = "SIZE", value_parser = bytes)]
    memory: Option<u64>,
    /// Folder for temporary files, which take some 12 bytes a point [default: OUTPUT.partial]
    #[arg(long, value_name = "FOLDER")]
    temp: Option<PathBuf>,
    /// Name of the layer that the file becomes [default: the first source's name]
    #[arg(long)]
    name: Option<String>,
    /// Credit for the data, shown in the corner of maps
    #[arg(long, value_name = "TEXT")]
    attribution: Option<String>,
    /// Store counts of points beside the sums of their weights, for measure=count, mean and
    /// quotients of layers: some 3 bytes a point more. Not needed where all weights are equal
    #[arg(long)]
    counts: bool,
    /// Make a file for the rows with each value of a column: OUTPUT-VALUE.heat, at most 1000 files.
    /// The sources are read twice, or more often for more than 64 files
    #[arg(long, value_name = "COLUMN", conflicts_with = "resume")]
    split: Option<String>,
    /// Pack only one of N parts of the rows, 1/N to N/N, so that several machines pack all: the
    /// pack of the N packs is the pack of all rows. A row's position decides to which part it
    /// belongs
    #[arg(long, value_name = "I/N")]
    shard: Option<Shard>,
    /// Replace an output that exists already
    #[arg(long, conflicts_with = "resume")]
    overwrite: bool,
    /// Finish a pack that was broken off: points that are sorted on the disk already are used
    /// again, as far as their sources have not changed
    #[arg(long)]
    resume: bool,
    /// Read the sources, print how many bytes the pack would take, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Print a report as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    source_flags: SourceFlags,
}

impl PackCommand {
    pub(super) fn run(mut self) -> Result<(), BoxError> {
        self.refuse_columns()?;
        self.source_flags.shard = self.shard;
        let target = self.target()?;
        if let Some(column) = &self.split {
            return self.split(column);
        }
        if self.dry_run {
            return self.estimate(&target);
        }
        let settings = self.settings();
        if !settings.check(&target).map_err(suggest_flags)? {
            say!("{}: is whole already", self.output.display());
            return Ok(());
        }
        let started = Instant::now();
        let Sources {
            packs,
            read: sources,
            columns: names,
            metadata,
        } = self.open_sources()?;
        let numbers: Vec<Vec<usize>> = packs
            .iter()
            .map(|pack| pack.find(&names))
            .collect::<Result<_, _>>()?;
        let mut packer = self.packer(&target, settings, states(&sources)?, &names)?;
        if packer.resumed_points() > 0 {
            let points = HumanCount(packer.resumed_points());
            say!("{points} points are in runs of the pack that was broken off");
        }
        let mut reports = Vec::new();
        for (number, source) in sources.iter().enumerate() {
            let report = match packer.finished_source(number) {
                Some(report) => report.clone(),
                None => self.read(number, source, &names, &mut packer)?,
            };
            reports.push(report);
            say_last(&reports);
        }
        for (pack, numbers) in packs.into_iter().zip(numbers) {
            reports.push(pack.report());
            say_last(&reports);
            packer.add_file(&pack.name, pack.file, numbers);
        }
        let summary = finish(packer, &with_sources(metadata, &reports))?;
        self.report(&summary, &reports, started.elapsed())
    }

    /// Begins to write a file. `states` are those of the sources whose rows are read, and `names`
    /// the columns of the file.
    fn packer(
        &self,
        target: &Path,
        settings: PackSettings,
        states: Vec<LoggedSource>,
        names: &[String],
    ) -> Result<Packer, BoxError> {
        let options = self.source_flags.for_log();
        let packer = match names.is_empty() {
            true => Packer::new(target, settings, states, &options),
            false => {
                let rules = LoaderRules {
                    time_formats: self.source_flags.time_format.clone(),
                };
                let (names, rules) = (names.to_vec(), Box::new(rules));
                Packer::with_columns(target, settings, states, &options, names, rules)
            }
        };
        let packer = packer.map_err(suggest_flags)?;
        Ok(match self.counts {
            true => packer.with_counts(),
            false => packer,
        })
    }

    /// Reads a source into the pack. `number` is the source's number, counted from 0, and `names`
    /// are the columns of the pack. Returns a report on the source's rows.
    fn read(
        &self,
        number: usize,
        source: &str,
        names: &[String],
        packer: &mut Packer,
    ) -> Result<Value, BoxError> {
        packer.begin(number)?;
        let flags = SourceFlags {
            keep: names.to_vec(),
            ..self.source_flags.clone()
        };
        let read = match names.is_empty() {
            true => ReadSource::read_into_pack(source, &flags, packer)?,
            false => ReadSource::read_rows_into_pack(source, &flags, packer)?,
        };
        let report = read.as_json();
        packer.end(number, report.clone())?;
        Ok(report)
    }

    /// Returns an error if a flag is given whose effect a packed file can't store, like `--by`.
    fn refuse_columns(&self) -> Result<(), BoxError> {
        let flags = &self.source_flags;
        let given = [
            ("--by", flags.by.is_some()),
            (
                flags.time_flag().unwrap_or_default(),
                flags.time_flag().is_some(),
            ),
            ("--radius-column", flags.radius_column.is_some()),
        ];
        if let Some((flag, _)) = given.into_iter().find(|(_, is_given)| *is_given) {
            let message = format!(
                "{flag}: a .heat file has one radius, no categories and no windows of time; keep the \
                 column (--keep), and give {flag} to serve, render or export"
            );
            return Err(UsageError::new("pack", message).into());
        }
        if flags.unit.is_some() {
            let message = "--unit: is given where the file is served: serve layer.heat --unit …";
            return Err(UsageError::new("pack", message).into());
        }
        Ok(())
    }

    /// The path of the file to write. If `--output` is a link, it is the path of the file that the
    /// link points to, so that the link stays.
    fn target(&self) -> Result<PathBuf, BoxError> {
        let refused = |why: &str| {
            let message = format!("--output: {}: {why}", self.output.display());
            BoxError::from(UsageError::new("pack", message))
        };
        if self
            .output
            .extension()
            .is_none_or(|ending| ending != "heat")
        {
            return Err(refused("expected a name that ends in .heat"));
        }
        if self.output.is_dir() {
            return Err(refused("is a folder; name a file in it"));
        }
        let target = fs::canonicalize(&self.output);
        let target = target.unwrap_or_else(|_| self.output.clone());
        self.check_target(&target)?;
        if self.sources.iter().filter(|source| *source == "-").count() > 1 {
            let message = "standard input can be read once";
            return Err(UsageError::new("pack", message).into());
        }
        Ok(target)
    }

    /// Returns an error if a file to write is a source too.
    fn check_target(&self, target: &Path) -> Result<(), BoxError> {
        let target = fs::canonicalize(target).unwrap_or_else(|_| target.to_owned());
        let is_target = |source: &String| fs::canonicalize(source).is_ok_and(|path| path == target);
        match self.sources.iter().any(is_target) {
            true => {
                let message = format!("--output: {}: is a source too", target.display());
                Err(UsageError::new("pack", message).into())
            }
            false => Ok(()),
        }
    }

    fn settings(&self) -> PackSettings {
        PackSettings {
            memory: self.memory.unwrap_or_else(memory::quarter),
            temporary: self.temp.clone(),
            if_exists: match (self.overwrite, self.resume) {
                (true, _) => IfPackExists::Overwrite,
                (_, true) => IfPackExists::Resume,
                _ => IfPackExists::Fail,
            },
        }
    }

    /// Opens the sources that are packs, and finds out what the file will have beside the points.
    fn open_sources(&self) -> Result<Sources<'_>, BoxError> {
        let (packs, others): (Vec<&str>, Vec<&str>) = self
            .sources
            .iter()
            .map(String::as_str)
            .partition(|source| OpenPack::is_pack(source));
        let packs = packs.into_iter().map(OpenPack::open);
        let packs: Vec<OpenPack> = packs.collect::<Result<_, _>>()?;
        let columns = columns::names(&self.source_flags.keep, &packs, !others.is_empty())?;
        let metadata = self.metadata(packs.first());
        let (packs, read) = match self.source_flags.choose_rows() {
            true => (
                Vec::new(),
                self.sources.iter().map(String::as_str).collect(),
            ),
            false => (packs, others),
        };
        Ok(Sources {
            packs,
            read,
            columns,
            metadata,
        })
    }

    /// The metadata of the file: its name and the credit for the data, which flags state. Without
    /// these flags, the name and credit of `pack` are taken if it is the only source.
    fn metadata(&self, pack: Option<&OpenPack>) -> Metadata {
        let mut metadata = match (pack, &*self.sources) {
            (Some(pack), [_]) => pack.file.metadata().clone(),
            _ => Metadata::default(),
        };
        let first = self.sources.first().map(|source| layer_name(source));
        if self.source_flags.choose_rows() {
            // The radius was fitted to all points.
            metadata.radius = None;
        }
        metadata.name = self.name.clone().or(metadata.name).or(first);
        metadata.attribution = self.attribution.clone().or(metadata.attribution);
        metadata.made_by = Some(concat!("heatsplat ", env!("CARGO_PKG_VERSION")).to_owned());
        metadata
    }

    /// Reads all sources, and prints the number of points and the bytes that a pack of them would
    /// take.
    fn estimate(&self, target: &Path) -> Result<(), BoxError> {
        let sources = self.open_sources()?;
        let mut reports = Vec::new();
        for source in sources.read {
            reports.push(ReadSource::count(source, &self.source_flags)?.as_json());
            say_last(&reports);
        }
        reports.extend(sources.packs.iter().map(OpenPack::report));
        let points = reports
            .iter()
            .filter_map(|report| report["kept"].as_u64())
            .sum();
        let mut space = DiskSpace::for_points(points);
        if self.counts {
            space = space.with_counts(points);
        }
        space = space.with_columns(points, sources.columns.len());
        let DiskSpace { temporary, file } = space;
        let settings = self.settings();
        let text = if self.json {
            let json = json!({
                "points": points,
                "bytes": file,
                "temporary_bytes": temporary,
                "memory": settings.memory,
                "sources": reports,
            });
            serde_json::to_string_pretty(&json)? + "\n"
        } else {
            let folder = self.temp.as_deref().unwrap_or_else(|| folder_of(target));
            format!(
                "{}: {} points, about {}; about {} more in {} meanwhile\n",
                self.output.display(),
                HumanCount(points),
                size(file),
                size(temporary),
                folder.display(),
            )
        };
        Ok(io::stdout().write_all(text.as_bytes())?)
    }

    fn report(
        &self,
        summary: &HeatSummary,
        reports: &[Value],
        time: Duration,
    ) -> Result<(), BoxError> {
        if self.json {
            return print_json(&summary_json(summary, reports, time));
        }
        say!(
            "{}: {} points, {} ({:.2} bytes a point, {:.1} s)",
            self.output.display(),
            HumanCount(summary.points),
            size(summary.bytes),
            summary.bytes as f64 / summary.points.max(1) as f64,
            time.as_secs_f64(),
        );
        Ok(())
    }
}

/// The report on a file as JSON, with the reports on its sources.
fn summary_json(summary: &HeatSummary, reports: &[Value], time: Duration) -> Value {
    let identity = summary.identity.map(|byte| format!("{byte:02x}")).concat();
    json!({
        "points": summary.points,
        "cells": summary.cells,
        "bytes": summary.bytes,
        "counts_bytes": summary.counts_bytes,
        "columns_bytes": summary.columns_bytes,
        "identity": identity,
        "seconds": time.as_secs_f64(),
        "sources": reports,
    })
}

fn print_json(json: &Value) -> Result<(), BoxError> {
    let text = serde_json::to_string_pretty(json)? + "\n";
    Ok(io::stdout().write_all(text.as_bytes())?)
}

/// The sources of a pack.
struct Sources<'a> {
    /// Packs that are merged as a whole.
    packs: Vec<OpenPack>,
    /// The names of all others, whose rows are read.
    read: Vec<&'a str>,
    /// The names of the columns of the file.
    columns: Vec<String>,
    /// The metadata of the file, without the reports on the sources.
    metadata: Metadata,
}

/// The state of each source, by which a pack that is resumed finds out whether the source has
/// changed.
fn states(sources: &[&str]) -> Result<Vec<LoggedSource>, BoxError> {
    let state = |source: &&str| {
        let stamp = state::stamp(source)?;
        let name = redact(source);
        Ok(LoggedSource { name, stamp })
    };
    sources.iter().map(state).collect()
}

/// Prints the text for people in the last of some reports.
fn say_last(reports: &[Value]) {
    if let Some(text) = reports.last().and_then(|report| report["text"].as_str()) {
        say!("{text}");
    }
}

/// Adds the reports on the sources to the metadata of the file. Since the file may be published,
/// the reports' texts for people are left out, and names of files are written without their
/// folders.
fn with_sources(mut metadata: Metadata, reports: &[Value]) -> Metadata {
    let sources = reports.iter().map(|report| {
        let mut report = report.clone();
        if let Some(members) = report.as_object_mut() {
            members.remove("text");
            let name = members.get("name").and_then(Value::as_str);
            let is_file = |name: &&str| !heatsplat_loader::is_remote(name);
            let file = name
                .filter(is_file)
                .and_then(|name| Path::new(name).file_name());
            if let Some(file) = file.map(|file| file.to_string_lossy().into_owned()) {
                members.insert("name".to_owned(), file.into());
            }
        }
        report
    });
    let sources = sources.collect();
    metadata.other.insert("sources".to_owned(), sources);
    metadata
}

/// Makes the file, with a progress bar on standard error.
fn finish(packer: Packer, metadata: &Metadata) -> Result<HeatSummary, BoxError> {
    let bar = ProgressBar::no_length();
    let look = ProgressStyle::with_template("{bar:32} {percent:>3} %  {msg}  {eta} left");
    let bar = bar.with_style(look.unwrap_or_else(|_| ProgressStyle::default_bar()));
    let summary = packer.finish(metadata, &mut |progress: PackProgress| {
        bar.set_length(progress.total);
        bar.set_position(progress.points);
        bar.set_message(format!("{} points written", HumanCount(progress.points)));
    });
    bar.finish_and_clear();
    Ok(summary?)
}

fn folder_of(target: &Path) -> &Path {
    let folder = target.parent().filter(|path| !path.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

/// Adds to an error of a pack the names of the flags that solve its problem.
fn suggest_flags(error: PackError) -> BoxError {
    match &error {
        PackError::Exists { .. } => format!("{error}; --overwrite replaces it").into(),
        PackError::Interrupted { .. } => {
            format!("{error}; --resume finishes it, --overwrite starts anew").into()
        }
        PackError::OtherSettings { .. } => {
            format!("{error}; finish that one, or start anew with --overwrite").into()
        }
        _ => error.into(),
    }
}
