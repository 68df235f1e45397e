//! Reading of all rows of a source into an index of points, with a report on the rows.

use super::error::{BoxError, with_flags};
use super::packed::{self, PackedSource};
use super::progress::with_bar;
use super::radii;
use super::source_flags::SourceFlags;
use super::times;
use heatsplat::Points;
use heatsplat::packed::weight_column;
use heatsplat::render::{Category, MAX_CATEGORIES, NEGATIVE_SHARE, PointSet, Quantity};
use heatsplat_loader::{Columns, LoadError, Position, Report, Source, Table, load_table};
use heatsplat_time::{Span, Timeline};
use indicatif::HumanCount;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The points of a source, with its columns, the report on its rows, and the time that reading them
/// took.
pub(super) struct LoadedSource {
    pub(super) points: Points,
    /// The packed file in which the points are; `None` if they are in memory.
    pub(super) packed: Option<PackedSource>,
    /// The points with their own radii, from the column that `--radius-column` names; `None`
    /// without this flag.
    with_radii: Option<Arc<PointSet>>,
    /// The name of the column of `--by`, by whose values the points are coloured; `None` without
    /// this flag.
    by: Option<String>,
    /// The unit of the weights that `--unit` states; `None` without this flag.
    unit: Option<String>,
    /// The columns whose values are kept in memory besides the points.
    pub(super) table: Table,
    /// The times of the points; `None` if the points are on no timeline, since no column of times
    /// was found.
    pub(super) timeline: Option<Timeline>,
    /// The window of time that is drawn; `None` to draw the points of all times.
    pub(super) window: Option<Span>,
    pub(super) report: Report,
    pub(super) columns: Columns,
    pub(super) time: Duration,
}

impl SourceFlags {
    /// Reads all rows of a source and builds the index of its points. A progress bar is shown.
    pub(super) fn load(&self, source: &str) -> Result<LoadedSource, BoxError> {
        let is_whole = self.command.is_none() && !self.need_rows();
        if is_whole && packed::is_packed(source) {
            return self.load_packed(source);
        }
        let Some(radius) = &self.radius_column else {
            let loaded = self.open(source).and_then(|mut source| index(&mut *source));
            let blamed = |error| match &self.by {
                Some(by) => blame(error, by, "--by"),
                None => error,
            };
            let mut loaded = loaded.map_err(blamed)?;
            loaded.by.clone_from(&self.by);
            loaded.unit.clone_from(&self.unit);
            self.take_times(&mut loaded)?;
            return Ok(loaded);
        };
        if !self.keep.is_empty() || self.by.is_some() {
            return Err("--radius-column can't be had together with --keep or --by".into());
        }
        if let Some(flag) = self.time_flag() {
            return Err(format!("--radius-column can't be had together with {flag}").into());
        }
        let blamed = |error| blame(error, radius, "--radius-column");
        let loaded = self.open(source).and_then(|mut source| index(&mut *source));
        let mut loaded = loaded.map_err(blamed)?;
        loaded.unit.clone_from(&self.unit);
        // The column of radii was read like a column to keep, into the table. Here it is taken out,
        // and its values become the radii of the points.
        let table = std::mem::take(&mut loaded.table);
        if let Some(column) = table.column(radius) {
            let (radii, account) = radii::from_column(column)?;
            let points = loaded.points.as_slice().unwrap_or_default();
            loaded.with_radii = Some(Arc::new(PointSet::with_radii(points, &radii)));
            loaded.columns.why.push_str(&account);
        }
        Ok(loaded)
    }
}

impl SourceFlags {
    /// Opens a packed file. Its points stay in the file.
    fn load_packed(&self, source: &str) -> Result<LoadedSource, BoxError> {
        let started = Instant::now();
        let packed = self.open_packed(source)?;
        let points = packed.points();
        let mut report = Report::default();
        report.rows = points.summary().count as u64;
        report.kept = report.rows;
        Ok(LoadedSource {
            points,
            table: Table::default(),
            timeline: None,
            window: None,
            with_radii: None,
            by: None,
            unit: self.unit.clone(),
            report,
            columns: Columns::of_packed(weight_column(&packed.file), packed.summary()),
            packed: Some(packed),
            time: started.elapsed(),
        })
    }
}

impl LoadedSource {
    /// Tests whether the points have radii of their own, from a column.
    pub(super) fn has_radii(&self) -> bool {
        self.with_radii.is_some()
    }

    /// Converts to the point set that a layer draws, and the table of the kept columns. With
    /// `--by`, the points are split by the values of its column.
    pub(super) fn into_set(self) -> Result<(Arc<PointSet>, Table), BoxError> {
        let quantity = Quantity::of_rows(self.columns.weight.as_deref());
        let quantity = quantity.in_unit(self.unit.as_deref());
        let (set, table) = match (self.with_radii, self.by) {
            (Some(set), _) => (Arc::unwrap_or_clone(set), self.table),
            (None, None) => {
                let points = match self.timeline.as_ref().zip(self.window) {
                    Some((timeline, span)) => timeline.select(&self.points, span),
                    None => self.points,
                };
                (PointSet::new(points), self.table)
            }
            (None, Some(by)) => {
                let parts = self.table.split(&self.points, &by, MAX_CATEGORIES - 1)?;
                let mut categories = Category::with_palette(parts);
                let mut points = self.points;
                if let Some((timeline, span)) = self.timeline.as_ref().zip(self.window) {
                    // The categories and their colours are those of all times.
                    let names: Vec<&str> = categories.iter().map(|c| c.name.as_str()).collect();
                    let inside = |row: usize| timeline.holds(row, span);
                    let parts = self.table.parts_among(&points, &by, &names, inside)?;
                    let parts = categories.iter().zip(parts);
                    let parts = parts.map(|(c, part)| Category::new(&c.name, part, c.color));
                    categories = parts.collect();
                    points = timeline.select(&points, span);
                }
                let set = PointSet::new(points).in_categories(categories);
                (set, self.table.shown_by(by))
            }
        };
        Ok((Arc::new(set.measuring(quantity)), table))
    }

    /// A report of a few lines on the source: the counts of its rows, the time that reading took,
    /// its columns, and examples of skipped rows.
    pub(super) fn summary(&self, name: &str) -> String {
        let seconds = self.time.as_secs_f64();
        if self.packed.is_some() {
            let opened = format!("opened in {:.1} ms", seconds * 1e3);
            return format!("{name}: {}, {opened}", self.columns.why);
        }
        let line = |text: Option<String>| text.map_or(String::new(), |text| format!("\n  {text}"));
        format!(
            "{name}: {}\n  {} ({seconds:.2} s, {:.1} million rows a second){}{}{}{}",
            with_flags(&self.report.to_string()),
            with_flags(&self.columns.why),
            self.report.rows as f64 / seconds.max(1e-9) / 1e6,
            line(self.timeline.as_ref().map(times::account)),
            line(self.kept_columns()),
            line(self.negative_weights()),
            line(self.null_island()),
        )
    }

    /// A note of one line if some weights are negative, but their share of Σ |weight| is too small
    /// for a colour scale with values on both sides of 0; otherwise `None`.
    pub(super) fn negative_weights(&self) -> Option<String> {
        let share = self.points.summary().negative_share();
        (share > 0.0 && share < NEGATIVE_SHARE).then(|| {
            format!(
                "{}: drawn as amounts (from {} % on colours lie to both sides of 0)",
                negative_share(share),
                NEGATIVE_SHARE * 100.0
            )
        })
    }

    /// Advice of one line on rows at exactly 0,0; `None` if there are none.
    pub(super) fn null_island(&self) -> Option<String> {
        null_island_advice(&self.columns, &self.report)
    }

    /// A note of one line on the kept columns and their memory; `None` if no column is kept.
    pub(super) fn kept_columns(&self) -> Option<String> {
        if self.table.is_empty() {
            return None;
        }
        let columns = self.table.columns().iter();
        let columns: Vec<String> = columns
            .map(|column| format!("\"{}\" ({})", column.name(), column.kind().name()))
            .collect();
        let bytes = self.table.bytes();
        let each = bytes as f64 / self.points.summary().count.max(1) as f64;
        Some(format!(
            "keeps {}: {} bytes, {each:.1} a point",
            columns.join(", "),
            HumanCount(bytes as u64)
        ))
    }
}

/// Advice of one line on rows at exactly 0,0, where positions that are not known often end up;
/// `None` if there are none.
pub(super) fn null_island_advice(columns: &Columns, report: &Report) -> Option<String> {
    let Position::LonLat { lat, .. } = &columns.position else {
        return None;
    };
    let is_word = |c: char| c.is_alphabetic() || c == '_';
    let column = match lat.chars().all(is_word) {
        true => lat.clone(),
        false => format!("\"{}\"", lat.replace('"', "\"\"")),
    };
    let advice = format!("--filter '{column} <> 0' leaves out the rows at 0,0");
    (report.at_null_island > 0).then_some(advice)
}

/// Formats `share`, the fraction of Σ |weight| that comes from negative weights, as a text in
/// percent: `0.25 % of all weight is negative`.
pub(super) fn negative_share(share: f64) -> String {
    match share * 100.0 {
        percent if percent < 0.01 => "less than 0.01 % of all weight is negative".to_owned(),
        percent => format!("{percent:.2} % of all weight is negative"),
    }
}

/// Fetches the validator of a remote source: a text that identifies the state of the source's
/// content, like an ETag. `known` is the validator of the content that was last read. `None` if the
/// server has no validators, or if the source is local.
pub(super) fn validator(source: &str, known: Option<&str>) -> Result<Option<String>, BoxError> {
    #[cfg(feature = "remote")]
    if heatsplat_loader::is_remote(source) {
        return Ok(heatsplat_loader::remote_version(source, known)?);
    }
    let _ = (source, known);
    Ok(None)
}

fn index(source: &mut dyn Source) -> Result<LoadedSource, BoxError> {
    let started = Instant::now();
    let (points, table, report) = with_bar(source, |source, bar| load_table(source, |p| bar(p)))?;
    Ok(LoadedSource {
        points,
        packed: None,
        table,
        timeline: None,
        window: None,
        with_radii: None,
        by: None,
        unit: None,
        report,
        columns: source.columns().clone(),
        time: started.elapsed(),
    })
}

/// Corrects the name of the flag in the error that the column `column`, which `flag` names, is
/// missing. The loader names `keep` instead, since it reads the column as one to keep.
pub(super) fn blame(error: BoxError, column: &str, flag: &str) -> BoxError {
    match error.downcast_ref::<LoadError>() {
        Some(LoadError::NoSuchColumn { name, .. }) if name == column => {
            error.to_string().replacen("`keep`", flag, 1).into()
        }
        _ => error,
    }
}
