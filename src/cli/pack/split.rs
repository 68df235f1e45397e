//! `heatsplat pack --split COLUMN`: a file for each value of a column.

use super::columns::WaitingRows;
use super::read::ReadSource;
use super::{
    PackCommand, Sources, finish, print_json, states, suggest_flags, summary_json, with_sources,
};
use crate::cli::error::{BoxError, UsageError};
use crate::cli::load::blame;
use crate::cli::logging::say;
use crate::cli::source_flags::SourceFlags;
use crate::cli::units::size;
use heatsplat_heat::pack::{DiskSpace, PackSettings, Packer};
use heatsplat_loader::find_column;
use indicatif::HumanCount;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashSet};
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::time::Instant;

/// The greatest number of files: a choice.
const MOST_FILES: usize = 1000;

/// The least memory, in bytes, for each of the files that are made at the same time: a choice.
const LEAST_MEMORY: u64 = 16 << 20;

/// The greatest number of files that are made at the same time: a choice. Each has some files open.
const MOST_AT_A_TIME: u64 = 64;

/// The greatest number of bytes of a value in the name of its file: a choice. Names of files have
/// at most 255 bytes on most systems.
const LONGEST_NAME: usize = 100;

/// The error if the second reading of a source gives other rows than the first.
const CHANGED: &str = "a source has changed while it was read";

/// The file of the rows that have one value.
struct ValueFile {
    path: PathBuf,
    /// The value as text; `None` for rows without one.
    value: Option<String>,
    /// The number of rows with this value.
    points: u64,
}

impl ValueFile {
    /// The value as text; `null` for rows without one.
    fn text(&self) -> &str {
        self.value.as_deref().unwrap_or("null")
    }
}

/// A file that is being made.
struct OpenFile<'f> {
    file: &'f ValueFile,
    packer: Packer,
    waiting: WaitingRows,
    /// The reports on the sources that were read.
    reports: Vec<Value>,
}

impl PackCommand {
    /// Packs the rows with each value of a column into a file of their own. The sources are read
    /// once to count the values, and then once for every [`MOST_AT_A_TIME`] files, or fewer where
    /// memory is scarce.
    pub(super) fn split(&self, column: &str) -> Result<(), BoxError> {
        if self.sources.iter().any(|source| source == "-") {
            let message = "--split: reads its sources twice, and standard input can be read once: \
                           write it to a file";
            return Err(UsageError::new("pack", message).into());
        }
        let mut sources = self.open_sources()?;
        let known = find_column(&sources.columns, column);
        let at = known.unwrap_or(sources.columns.len());
        if known.is_none() {
            sources.columns.push(column.to_owned());
        }
        let files = self.value_files(self.count_values(column)?);
        let points: u64 = files.iter().map(|file| file.points).sum();
        if self.dry_run {
            return self.estimate_files(&files, sources.columns.len());
        }
        for file in &files {
            self.check_target(&file.path)?;
            let settings = self.settings();
            settings.check(&file.path).map_err(suggest_flags)?;
        }
        let memory = self.settings().memory;
        let together = (memory / LEAST_MEMORY).clamp(1, MOST_AT_A_TIME);
        let mut reports = Vec::new();
        for files in files.chunks(together as usize) {
            let settings = PackSettings {
                memory: memory / files.len().max(1) as u64,
                ..self.settings()
            };
            reports.extend(self.make_files(files, points, &sources, at, &settings)?);
        }
        match self.json {
            true => print_json(&json!({ "files": reports })),
            false => Ok(()),
        }
    }

    /// The number of rows with each value of a column.
    fn count_values(&self, column: &str) -> Result<BTreeMap<Option<String>, u64>, BoxError> {
        let mut counts: BTreeMap<Option<String>, u64> = BTreeMap::new();
        let flags = self.keeping(&[column.to_owned()]);
        for source in &self.sources {
            let read = ReadSource::read_rows(source, &flags, &mut |_, kept| {
                for (value, rows) in kept.rows_by_value(0) {
                    *counts.entry(value).or_default() += rows.len() as u64;
                }
                if counts.len() > MOST_FILES {
                    return Err(format!(
                        "--split: column \"{column}\" has more than {MOST_FILES} different values; \
                         choose another column, or some of its rows by --filter"
                    )
                    .into());
                }
                Ok(())
            });
            let read = read.map_err(|error| blame(error, column, "--split"))?;
            say!("{}", read.text());
        }
        Ok(counts)
    }

    /// The flags of the sources, with `columns` as those to keep.
    fn keeping(&self, columns: &[String]) -> SourceFlags {
        SourceFlags {
            keep: columns.to_vec(),
            ..self.source_flags.clone()
        }
    }

    fn value_files(&self, counts: BTreeMap<Option<String>, u64>) -> Vec<ValueFile> {
        let stem = self.output.file_stem().unwrap_or_default();
        let stem = stem.to_string_lossy();
        let mut taken = HashSet::new();
        let file = |(value, points): (Option<String>, u64)| {
            let name = format!("{stem}-{}", file_name(value.as_deref().unwrap_or("null")));
            // Names that differ only in the case of letters are one file on some systems.
            let numbered = (2..).map(|number| format!("{name}-{number}"));
            let mut names = std::iter::once(name.clone()).chain(numbered);
            let free = names.find(|name| taken.insert(name.to_lowercase()));
            ValueFile {
                path: self.output.with_file_name(free.unwrap_or(name) + ".heat"),
                value,
                points,
            }
        };
        counts.into_iter().map(file).collect()
    }

    /// Prints the bytes that the files would take. `columns` is the number of columns of each.
    fn estimate_files(&self, files: &[ValueFile], columns: usize) -> Result<(), BoxError> {
        let bytes = |file: &ValueFile| {
            let space = DiskSpace::for_points(file.points).with_columns(file.points, columns);
            match self.counts {
                true => space.with_counts(file.points).file,
                false => space.file,
            }
        };
        if self.json {
            let file = |file: &ValueFile| {
                json!({
                    "file": file.path.display().to_string(),
                    "value": file.value,
                    "points": file.points,
                    "bytes": bytes(file),
                })
            };
            let files: Vec<Value> = files.iter().map(file).collect();
            return print_json(&json!({ "files": files }));
        }
        let mut text = String::new();
        for file in files {
            let (path, points) = (file.path.display(), HumanCount(file.points));
            text += &format!("{path}: {points} points, about {}\n", size(bytes(file)));
        }
        Ok(io::stdout().write_all(text.as_bytes())?)
    }

    /// Makes some of the files, by one reading of the sources. `points` is the number of points of
    /// all files, and `at` the number of the column whose values divide the rows. Returns a report
    /// on each file.
    fn make_files(
        &self,
        files: &[ValueFile],
        points: u64,
        sources: &Sources<'_>,
        at: usize,
        settings: &PackSettings,
    ) -> Result<Vec<Value>, BoxError> {
        let started = Instant::now();
        let all: Vec<&str> = self.sources.iter().map(String::as_str).collect();
        let (states, mut read_points) = (states(&all)?, 0);
        let mut open = BTreeMap::new();
        for file in files {
            let (settings, states) = (settings.clone(), states.clone());
            let packer = self.packer(&file.path, settings, states, &sources.columns)?;
            let opened = OpenFile {
                file,
                packer,
                waiting: WaitingRows::default(),
                reports: Vec::new(),
            };
            open.insert(file.value.clone(), opened);
        }
        let flags = self.keeping(&sources.columns);
        for (number, source) in all.iter().enumerate() {
            let mut before = Vec::new();
            for part in open.values_mut() {
                part.packer.begin(number)?;
                before.push(part.packer.points());
            }
            let read = ReadSource::read_rows(source, &flags, &mut |points, kept| {
                for (value, rows) in kept.rows_by_value(at) {
                    let Some(part) = open.get_mut(&value) else {
                        continue;
                    };
                    let some = rows.iter().filter_map(|row| points.get(*row).copied());
                    let (some, kept) = (some.collect(), kept.of_rows(&rows));
                    part.waiting.add(some, kept, &mut part.packer)?;
                }
                Ok(())
            })?;
            read_points += read.kept();
            for (part, before) in open.values_mut().zip(before) {
                part.waiting.finish(&mut part.packer)?;
                let report = report_on_part(&read, part.packer.points() - before);
                part.packer.end(number, report.clone())?;
                part.reports.push(report);
            }
        }
        // Rows with a value that is new would be in no file.
        if read_points != points {
            return Err(CHANGED.into());
        }
        let mut reports = Vec::new();
        for part in open.into_values() {
            reports.push(self.finish_file(part, sources, started)?);
        }
        Ok(reports)
    }

    fn finish_file(
        &self,
        part: OpenFile<'_>,
        sources: &Sources<'_>,
        started: Instant,
    ) -> Result<Value, BoxError> {
        let (file, path) = (part.file, part.file.path.display());
        if part.packer.points() != file.points {
            return Err(format!("{path}: {CHANGED}").into());
        }
        let mut metadata = sources.metadata.clone();
        metadata.name = metadata.name.map(|name| format!("{name} {}", file.text()));
        metadata.radius = None;
        let summary = finish(part.packer, &with_sources(metadata, &part.reports))?;
        let mut report = summary_json(&summary, &part.reports, started.elapsed());
        report["file"] = path.to_string().into();
        report["value"] = file.value.clone().into();
        if !self.json {
            say!(
                "{path}: {} points, {}",
                HumanCount(file.points),
                size(summary.bytes)
            );
        }
        Ok(report)
    }
}

/// The report on a source of which `kept` rows went to one file: those of other files count as
/// filtered. It has no `text`, which is about the whole source.
fn report_on_part(read: &ReadSource, kept: u64) -> Value {
    let mut report = read.as_json();
    let number = |report: &Value, name: &str| report[name].as_u64().unwrap_or_default();
    let others = read.kept().saturating_sub(kept);
    report["filtered"] = (number(&report, "filtered") + others).into();
    report["rows"] = number(&report, "rows").saturating_sub(others).into();
    if let Some(members) = report.as_object_mut() {
        members.remove("text");
    }
    report["kept"] = kept.into();
    report
}

/// A value as a part of a file's name: its letters, digits, and marks that may be in names of files
/// everywhere. Other characters become `_`.
fn file_name(value: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    let end = value.floor_char_boundary(LONGEST_NAME);
    let start = value.get(..end).unwrap_or(value);
    let name: String = start
        .chars()
        .map(|c| if is_plain(c) { c } else { '_' })
        .collect();
    match name.is_empty() {
        true => "_".to_owned(),
        false => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_become_names_of_files() {
        for (value, name) in [
            ("theft", "theft"),
            ("a/b: c", "a_b__c"),
            ("../x", ".._x"),
            ("", "_"),
            ("Größe 5", "Größe_5"),
        ] {
            assert_eq!(file_name(value), name);
        }
        assert_eq!(file_name(&"x".repeat(999)).len(), LONGEST_NAME);
        assert_eq!(file_name(&"日".repeat(99)).len(), LONGEST_NAME / 3 * 3);
    }
}
