//! The journal of an unfinished pack: a folder with its runs, and a log of them.
//!
//! The log has a line of JSON for each event: a source begins, a run is on the disk, a source ends.
//! A pack may be interrupted at any moment. The runs that the log names are complete. When the pack
//! is resumed, their points needn't be read from the sources again if the sources are unchanged.

use super::error::{IntoPackError as _, PackError};
use super::row_run::path_beside;
use super::run::{Run, SortedPoints as _};
use super::weights::WeightRange;
use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufRead as _, BufReader, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

/// The name of the log in the folder.
const LOG: &str = "log";

/// The version of the log's format.
const VERSION: u32 = 2;

/// A source of points, as the log knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoggedSource {
    /// The name by which the source was given.
    pub name: String,
    /// The state of the source's content: for a file, its size and the time when it was last
    /// modified. Equal states mean equal content. `None` for a source that can't be read a second
    /// time.
    pub stamp: Option<String>,
}

/// A line of the log.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum LogLine {
    /// The beginning of the log: its version, and the settings on which the points of the sources
    /// depend.
    Pack { version: u32, settings: String },
    /// A source begins; `start` is the number of points of all sources before it, together.
    Begin {
        number: usize,
        source: LoggedSource,
        start: u64,
    },
    /// A run is on the disk.
    Run {
        number: usize,
        points: u64,
        weights: WeightRange,
    },
    /// A source ends; `end` is the number of points of all sources up to and with this one.
    End {
        number: usize,
        end: u64,
        report: serde_json::Value,
    },
}

/// A source whose points are all in finished runs.
#[derive(Clone, Debug)]
pub(super) struct FinishedSource {
    /// The number of points of all sources up to and with this one.
    pub(super) end: u64,
    /// The report of the source that [`Packer::end`](super::Packer::end) was called with.
    pub(super) report: serde_json::Value,
}

/// The state of an interrupted pack, from which it resumes.
#[derive(Debug, Default)]
pub(super) struct Progress {
    pub(super) runs: Vec<Run>,
    /// The sources that needn't be read again, which are the first ones of the pack.
    pub(super) finished: Vec<FinishedSource>,
    /// The range of the weights of the points in the runs.
    pub(super) weights: WeightRange,
    /// The number of points of all finished sources: as many points come before the first source
    /// that must be read.
    pub(super) start: u64,
}

impl Progress {
    /// Returns the number of points in all runs.
    pub(super) fn points(&self) -> u64 {
        self.runs.iter().map(|run| run.points()).sum()
    }
}

/// The journal of a pack that is going on. The folder is locked as long as this value exists.
#[derive(Debug)]
pub(super) struct PackJournal {
    folder: PathBuf,
    log: File,
}

/// The outcome of a look at a folder in which a journal may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// A journal with finished runs.
    Runs,
    /// A journal without finished runs.
    Begun,
    /// No journal.
    Nothing,
}

/// Looks for a journal in a folder, and for finished runs in the journal. Changes nothing.
pub(super) fn look(folder: &Path, target: &Path) -> Result<Found, PackError> {
    let path = folder.join(LOG);
    let log = match File::options().read(true).write(true).open(&path) {
        Ok(log) => log,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(error) => return Err(error).at(&path),
    };
    lock(&log, target)?;
    let has_run = lines(&log).any(|(line, _)| matches!(line, LogLine::Run { .. }));
    Ok(if has_run { Found::Runs } else { Found::Begun })
}

impl PackJournal {
    /// Opens the journal in `folder`, and locks it.
    ///
    /// If `resume` is true, the result has the finished runs of an interrupted pack, as far as its
    /// sources were the same as `sources`. It is an error if that pack had other `settings`. If
    /// `resume` is false, everything that an earlier pack has left is removed. `columns` is true if
    /// runs have columns.
    pub(super) fn open(
        folder: &Path,
        target: &Path,
        sources: &[LoggedSource],
        settings: &str,
        columns: bool,
        resume: bool,
    ) -> Result<(Self, Progress), PackError> {
        make_folder(folder)?;
        let path = folder.join(LOG);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let log = options.open(&path).at(&path)?;
        lock(&log, target)?;
        let mut journal = Self {
            folder: folder.to_owned(),
            log,
        };
        let mut progress = Progress::default();
        let mut end = 0;
        if resume {
            end = journal.replay(sources, settings, columns, &mut progress)?;
        }
        journal.clear(progress.runs.len())?;
        journal.log.set_len(end).at(&path)?;
        journal.log.seek(SeekFrom::End(0)).at(&path)?;
        if end == 0 {
            journal.append(&LogLine::Pack {
                version: VERSION,
                settings: settings.to_owned(),
            })?;
        }
        Ok((journal, progress))
    }

    /// Returns the folder of the runs, and of other temporary files.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the path of a run by its number, counted from 0.
    pub(super) fn run_path(&self, number: usize) -> PathBuf {
        self.folder.join(format!("run-{number:05}"))
    }

    /// Reads the log as far as its runs can be used again, and adds these runs to `progress`.
    /// Returns the length in bytes of the part of the log that is still valid, from its beginning;
    /// the rest is to be cut off.
    fn replay(
        &self,
        sources: &[LoggedSource],
        settings: &str,
        columns: bool,
        progress: &mut Progress,
    ) -> Result<u64, PackError> {
        let (mut kept, mut points, mut finished) = (0, 0, Vec::new());
        // The number of points before the first source that has changed.
        let mut usable = u64::MAX;
        for (line, end) in lines(&self.log) {
            match line {
                LogLine::Pack {
                    version,
                    settings: other,
                } => {
                    if version != VERSION || other != settings {
                        let path = self.folder.clone();
                        return Err(PackError::OtherSettings { path });
                    }
                    kept = end;
                }
                LogLine::Begin {
                    number,
                    source,
                    start,
                } => {
                    let now = sources.get(number);
                    if now != Some(&source) || source.stamp.is_none() {
                        usable = start;
                    }
                }
                LogLine::Run {
                    number,
                    points: more,
                    weights,
                } => {
                    let path = self.run_path(number);
                    let run = match columns {
                        true => Run::open_with_columns(&path),
                        false => Run::open(&path),
                    };
                    let run = run.ok().filter(|run| run.points() == more);
                    points += more;
                    let (Some(run), true) = (run, points <= usable) else {
                        break;
                    };
                    progress.runs.push(run);
                    progress.weights.join(weights);
                    kept = end;
                }
                LogLine::End {
                    number,
                    end,
                    report,
                } => {
                    if number == finished.len() && usable == u64::MAX {
                        finished.push(FinishedSource { end, report });
                    }
                }
            }
        }
        let points = progress.points();
        let ends = finished
            .into_iter()
            .take_while(|source| source.end <= points);
        progress.finished = ends.collect();
        progress.start = progress.finished.last().map_or(0, |source| source.end);
        Ok(if progress.runs.is_empty() { 0 } else { kept })
    }

    /// Removes all files but the log and the first `runs` runs.
    fn clear(&self, runs: usize) -> Result<(), PackError> {
        let paths = (0..runs).map(|number| self.run_path(number));
        let stay: Vec<PathBuf> = paths.flat_map(|path| [path_beside(&path), path]).collect();
        for entry in fs::read_dir(&self.folder).at(&self.folder)? {
            let path = entry.at(&self.folder)?.path();
            if path.file_name().is_none_or(|name| name != LOG) && !stay.contains(&path) {
                fs::remove_file(&path).at(&path)?;
            }
        }
        Ok(())
    }

    /// Logs that the source with the number `number`, counted from 0, begins. `start` is the number
    /// of points of all sources before it, together.
    pub(super) fn begin(
        &mut self,
        number: usize,
        source: &LoggedSource,
        start: u64,
    ) -> Result<(), PackError> {
        self.append(&LogLine::Begin {
            number,
            source: source.clone(),
            start,
        })
    }

    /// Logs that the run with the number `number`, counted from 0, is on the disk. `points` is the
    /// number of its points, and `weights` the range of their weights.
    pub(super) fn add_run(
        &mut self,
        number: usize,
        points: u64,
        weights: WeightRange,
    ) -> Result<(), PackError> {
        self.append(&LogLine::Run {
            number,
            points,
            weights,
        })
    }

    /// Logs that the source with the number `number`, counted from 0, ends. `end` is the number of
    /// points of all sources up to and with this one, and `report` the report of this source.
    pub(super) fn end(
        &mut self,
        number: usize,
        end: u64,
        report: serde_json::Value,
    ) -> Result<(), PackError> {
        self.append(&LogLine::End {
            number,
            end,
            report,
        })
    }

    fn append(&mut self, line: &LogLine) -> Result<(), PackError> {
        let path = self.folder.join(LOG);
        let mut text = serde_json::to_vec(line)
            .map_err(io::Error::from)
            .at(&path)?;
        text.push(b'\n');
        self.log.write_all(&text).at(&path)?;
        self.log.sync_data().at(&path)
    }

    /// Removes all temporary files but the log and the first `runs` runs.
    pub(super) fn keep_runs(&self, runs: usize) {
        // What can't be removed now is removed when the pack is resumed or begun anew.
        let _ = self.clear(runs);
    }

    /// Removes the journal with its folder.
    pub(super) fn remove(&self) {
        // What can't be removed is only in the way.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Makes a folder unless it exists. Its parent must exist.
pub(super) fn make_folder(folder: &Path) -> Result<(), PackError> {
    match fs::create_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made.at(folder),
    }
}

/// Returns the lines of a log, each with the offset of the byte behind it. The iterator stops
/// before the first line that was cut off or can't be decoded.
fn lines(log: &File) -> impl Iterator<Item = (LogLine, u64)> {
    let mut reader = BufReader::new(log);
    let mut end = reader.seek(SeekFrom::Start(0)).unwrap_or(0);
    std::iter::from_fn(move || {
        let mut text = Vec::new();
        reader.read_until(b'\n', &mut text).ok()?;
        end += text.len() as u64;
        let text = text.strip_suffix(b"\n")?;
        Some((serde_json::from_slice(text).ok()?, end))
    })
}

/// Locks the log, so that no other process packs to this target. The lock lasts as long as the file
/// is open.
fn lock(log: &File, target: &Path) -> Result<(), PackError> {
    match log.try_lock() {
        Err(TryLockError::WouldBlock) => {
            let path = target.to_owned();
            Err(PackError::Locked { path })
        }
        // Any other error means that the file system has no locks. The pack then goes on without.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pack::run;
    use heatsplat_points::Point;

    fn source(name: &str, stamp: Option<&str>) -> LoggedSource {
        LoggedSource {
            name: name.to_owned(),
            stamp: stamp.map(str::to_owned),
        }
    }

    fn add_run(journal: &mut PackJournal, number: usize, points: usize) {
        let points = vec![
            Point {
                x: 1,
                y: 2,
                weight: 1.0
            };
            points
        ];
        run::write(&journal.run_path(number), &points).unwrap();
        journal
            .add_run(number, points.len() as u64, WeightRange::default())
            .unwrap();
    }

    /// Returns the rest of a pack after an interruption, by the numbers of reused runs, finished
    /// sources and points before the next source.
    fn left(
        folder: &Path,
        sources: &[LoggedSource],
        settings: &str,
    ) -> Option<(usize, usize, u64)> {
        let opened = PackJournal::open(folder, folder, sources, settings, false, true);
        let (_, progress) = opened.ok()?;
        Some((progress.runs.len(), progress.finished.len(), progress.start))
    }

    #[test]
    fn runs_are_used_again_as_far_as_sources_are_unchanged() {
        let folder = std::env::temp_dir().join(format!("heatsplat-journal-{}", std::process::id()));
        let sources = [
            source("a", Some("1")),
            source("b", Some("2")),
            source("c", None),
        ];
        let write = || {
            let (mut journal, _) =
                PackJournal::open(&folder, &folder, &sources, "s", false, false).unwrap();
            journal.begin(0, &sources[0], 0).unwrap();
            add_run(&mut journal, 0, 1000);
            journal.end(0, 1500, serde_json::json!("a")).unwrap();
            journal.begin(1, &sources[1], 1500).unwrap();
            add_run(&mut journal, 1, 1000);
            fs::write(folder.join("spool-3"), b"?").unwrap();
            assert!(matches!(
                look(&folder, &folder),
                Err(PackError::Locked { .. })
            ));
        };
        write();
        assert_eq!(look(&folder, &folder).unwrap(), Found::Runs);
        assert_eq!(left(&folder, &sources, "s"), Some((2, 1, 1500)));
        assert!(!folder.join("spool-3").exists());
        // The log stays what it is.
        assert_eq!(left(&folder, &sources, "s"), Some((2, 1, 1500)));
        assert_eq!(left(&folder, &sources, "t"), None);
        let changed = [sources[0].clone(), source("b", Some("3"))];
        assert_eq!(left(&folder, &changed, "s"), Some((1, 0, 0)));
        assert!(!folder.join("run-00001").exists() && folder.join("run-00000").exists());
        write();
        let changed = [source("a", Some("2")), sources[1].clone()];
        assert_eq!(left(&folder, &changed, "s"), Some((0, 0, 0)));
        write();
        // A run that is cut off is none.
        let run = File::options().write(true).open(folder.join("run-00001"));
        run.unwrap().set_len(3000).unwrap();
        assert_eq!(left(&folder, &sources, "s"), Some((1, 0, 0)));
        // A line that is cut off is none, wherever it is cut.
        write();
        let whole = fs::read(folder.join(LOG)).unwrap();
        let mut counts = Vec::new();
        for cut in (0..whole.len()).step_by(17).chain([whole.len()]) {
            write();
            fs::write(folder.join(LOG), &whole[..cut]).unwrap();
            counts.push(left(&folder, &sources, "s").unwrap().0);
        }
        counts.dedup();
        assert_eq!(counts, [0, 1, 2]);
        fs::remove_dir_all(&folder).unwrap();
    }
}
