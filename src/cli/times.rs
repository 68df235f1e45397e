//! The flags `--time`, `--time-step` and `--time-zone`: the times of a source's points.

use super::error::BoxError;
use super::load::LoadedSource;
use super::source_flags::SourceFlags;
use heatsplat_loader::{Column, ColumnKind};
use heatsplat_time::{TimeQuery, Timeline, TimelineError, Zone, instant_text};
use indicatif::HumanCount;

impl SourceFlags {
    /// Puts the points of a loaded source on a timeline, by the column that `--time` names. Without
    /// this flag it is the only column of times among the kept columns; if there are none or
    /// several, nothing is done. A column that was only read for `--time` is then removed from the
    /// kept columns.
    pub(super) fn take_times(&self, loaded: &mut LoadedSource) -> Result<(), BoxError> {
        let named = self.time_column();
        let column = match named {
            Some(name) => loaded.table.column(name),
            None if self.time.is_none() => self.lone_times(loaded.table.columns()),
            None => None,
        };
        let Some(column) = column else {
            if self.time_step.is_some() || self.time_zone.is_some() {
                let message =
                    "--time-step and --time-zone are for a column of times: name it by --time";
                return Err(message.into());
            }
            return Ok(());
        };
        let zone = self.time_zone.clone().unwrap_or(Zone::UTC);
        let time = |row: usize| column.time(row);
        let made = Timeline::new(column.name(), &loaded.points, time, self.time_step, &zone);
        let timeline = match made {
            Ok(timeline) => timeline,
            // A column that happens to be there, and has no values, is no error.
            Err(TimelineError::NoTimes { .. }) if named.is_none() => return Ok(()),
            Err(error) => return Err(format!("--time: {error}").into()),
        };
        if let Some(name) = named {
            timeline.prepare(&loaded.points);
            let is_kept = self.keep.iter().chain(&self.by).any(|kept| {
                let kept = loaded.table.column(kept);
                kept.is_some_and(|kept| kept.name() == timeline.column())
            });
            if !is_kept {
                loaded.table = std::mem::take(&mut loaded.table).without(name);
            }
        }
        loaded.timeline = Some(timeline);
        Ok(())
    }

    /// The only column of times among the kept columns; `None` if there are none or several.
    fn lone_times<'t>(&self, columns: &'t [Column]) -> Option<&'t Column> {
        let mut times = columns
            .iter()
            .filter(|column| column.kind() == ColumnKind::Time);
        let first = times.next()?;
        times.next().is_none().then_some(first)
    }
}

impl LoadedSource {
    /// Sets the window of time that is drawn. Returns a note that names the window and the number
    /// of points in it.
    pub(super) fn show_window(&mut self, query: &TimeQuery) -> Result<String, BoxError> {
        let Some(timeline) = &self.timeline else {
            let message = "--window needs a column of times: name it by --time";
            return Err(message.into());
        };
        let window = query.resolve(timeline.buckets());
        let window = window.map_err(|error| format!("--window: {error}"))?;
        self.window = Some(window.span());
        let count = HumanCount(timeline.count(window.span()) as u64);
        Ok(format!("the window {window} has {count} points"))
    }
}

/// A note of one line on the times of a source: their column, range and step, the number of rows
/// without a time, and the bytes of memory that the timeline takes.
pub(super) fn account(timeline: &Timeline) -> String {
    let buckets = timeline.buckets();
    let without = match timeline.without() {
        0 => String::new(),
        1 => "; 1 row has no time".to_owned(),
        rows => format!("; {} rows have no time", HumanCount(rows as u64)),
    };
    let zone = match buckets.zone() {
        zone if zone.is_utc() => String::new(),
        zone => format!(", days of {zone}"),
    };
    format!(
        "times in \"{}\": {} to {}, {} steps of {}{zone}{without}; {} bytes",
        timeline.column(),
        instant_text(buckets.start()),
        instant_text(buckets.end()),
        HumanCount(buckets.count() as u64),
        buckets.step(),
        HumanCount(timeline.bytes() as u64),
    )
}
