//! `heatsplat info`: describes a source of points, as text or as JSON.

use super::backend;
use super::error::{BoxError, with_flags};
use super::first_points::FirstPoints;
use super::layer_style::LayerStyle;
use super::load::LoadedSource;
use super::source_flags::SourceFlags;
use super::source_name::redact;
use super::verify;
use clap::Args;
use heatsplat::points::{LonLatBox, mercator};
use heatsplat::{Points, Window};
use heatsplat_loader::{Position, SkipReason};
use indicatif::HumanCount;
use serde_json::{Map, Value, json};
use std::io::{self, Write as _};

const EXAMPLES: &str = "\
Examples:
  heatsplat info examples/cities.csv.gz
  heatsplat info examples/cities.csv.gz --explain
  heatsplat info examples/cities.csv.gz --json
  curl -s https://example.org/quakes.csv | heatsplat info -
  heatsplat info --backends
  heatsplat info --backends examples/cities.csv.gz";

/// The zoom of the tiles among which [`densest`] looks for the one with the most weight. At zoom 10
/// a tile is about 40 km wide at the equator.
const PLACE_ZOOM: u8 = 10;

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct InfoCommand {
    /// A file of points: CSV, GeoJSON, Shapefile, GeoPackage, FlatGeobuf, Parquet, Arrow, GPX, KML,
    /// TCX, FIT, NMEA or Excel, text compressed or not, a raster (GeoTIFF, NumPy), or a zip archive
    /// with one of these; `-` is standard input, and http(s):// and s3:// addresses are read where
    /// the feature `remote` is built in. Or postgres://user@host/database, with --table or --sql
    #[arg(required_unless_present = "backends")]
    source: Option<String>,
    /// List all backends, with the choice of `--backend auto` and its reason. With a file, each GPU
    /// draws the file's tiles in a race against the CPU
    #[arg(long)]
    backends: bool,
    /// Print JSON. Its `bounds` are west, south, east, north of the smallest box around the points,
    /// as --bbox takes them: east is over 180 where the box reaches across ±180°
    #[arg(long)]
    json: bool,
    /// Show the first five points of a file, and each column of their rows with its use: longitude,
    /// latitude, weight or none
    #[arg(long, conflicts_with = "backends")]
    explain: bool,
    /// Read a whole .heat file, check its checksums, its order, its counts and sums of points and
    /// cells, and list what is damaged
    #[arg(long, conflicts_with_all = ["backends", "explain"])]
    verify: bool,
    #[command(flatten)]
    flags: SourceFlags,
}

impl InfoCommand {
    pub(super) fn run(self) -> Result<(), BoxError> {
        if let (Some(source), true) = (&self.source, self.verify) {
            return verify::verify(source, self.json);
        }
        let text = match &self.source {
            Some(source) if self.backends => {
                let loaded = self.flags.load(source)?;
                let style = loaded.style(&LayerStyle::default(), None);
                backend::list(self.json, Some((loaded.into_set()?.0, style)))?
            }
            Some(source) => self.about(source)?,
            None => backend::list(self.json, None)?,
        };
        io::stdout().lock().write_all(text.as_bytes())?;
        Ok(())
    }

    fn about(&self, source: &str) -> Result<String, BoxError> {
        let explained = match self.explain {
            true => Some(FirstPoints::read(source, &self.flags)?),
            false => None,
        };
        let loaded = match self.flags.load(source) {
            Ok(loaded) => loaded,
            Err(error) => {
                // What can't be read as a whole is what needs an explanation.
                if let (Some(first), false) = (&explained, self.json) {
                    write!(io::stdout(), "{}\n{}", redact(source), first.for_people())?;
                }
                return Err(error);
            }
        };
        if self.json {
            let mut json = as_json(&loaded);
            if let Some(first) = explained {
                json["first"] = first.as_json();
            }
            return Ok(serde_json::to_string_pretty(&json)? + "\n");
        }
        let text = for_people(&redact(source), &loaded);
        Ok(text + &explained.map_or(String::new(), |first| first.for_people()))
    }
}

fn as_json(loaded: &LoadedSource) -> Value {
    let LoadedSource {
        points,
        table,
        report,
        columns,
        time,
        ..
    } = loaded;
    let summary = points.summary();
    let skipped: Map<String, Value> = SkipReason::ALL
        .into_iter()
        .filter(|&reason| report.skipped(reason) > 0)
        .map(|reason| (reason.name().to_owned(), report.skipped(reason).into()))
        .collect();
    let (lon, lat) = match &columns.position {
        Position::LonLat { lon, lat } => (Some(lon), Some(lat)),
        Position::Geometry => (None, None),
    };
    let examples = report
        .examples
        .iter()
        .map(|e| json!({ e.unit.to_string(): e.line, "reason": e.skip.name(), "found": e.found }));
    json!({
        "rows": report.rows,
        "kept": report.kept,
        "skipped": skipped,
        "filtered": report.filtered,
        "uncompared": report.mismatches.iter().map(|values| json!({
            "column": values.column,
            "why": values.reason.name(),
            "count": values.count,
            "example": values.example,
        })).collect::<Vec<_>>(),
        "deleted": report.deleted,
        "examples": examples.collect::<Vec<_>>(),
        "bounds": summary.bounds.map(LonLatBox::edges),
        "weight_sum": summary.weight_sum,
        "weight_min": summary.weight_min,
        "weight_max": summary.weight_max,
        "negative_share": summary.negative_share(),
        "weights_missing": report.weights_missing,
        "at_null_island": report.at_null_island,
        "notes": report.notes().iter().map(|note| with_flags(note)).collect::<Vec<_>>(),
        "datum_error": report.datum_error,
        "columns": {
            "seen": columns.seen,
            "lon": lon,
            "lat": lat,
            "weight": columns.weight,
            "why": with_flags(&columns.why),
        },
        "densest": densest(points).map(|(lon, lat, share)| {
            json!({ "lon": lon, "lat": lat, "share": share })
        }),
        "bytes": report.bytes,
        "memory": points.bytes(),
        "keeps": table.columns().iter().map(|column| json!({
            "name": column.name(),
            "type": column.kind().name(),
            "nulls": column.nulls(),
            "bytes": column.bytes(),
        })).collect::<Vec<_>>(),
        "seconds": time.as_secs_f64(),
    })
}

fn for_people(name: &str, loaded: &LoadedSource) -> String {
    let points = &loaded.points;
    let summary = points.summary();
    let mut text = format!("{name}\n");
    let mut line = |what: &str, is: String| text.push_str(&format!("  {what:<8} {is}\n"));
    line("found", with_flags(&loaded.report.to_string()));
    if let Some(advice) = loaded.null_island() {
        line("advice", advice);
    }
    line("columns", with_flags(&loaded.columns.why));
    if let Some([west, south, east, north]) = summary.bounds.map(LonLatBox::edges) {
        line(
            "bounds",
            format!(
                "{west:.5}, {south:.5}, {east:.5}, {north:.5} (west, south, east, north{})",
                if east > 180.0 { "; across ±180°" } else { "" }
            ),
        );
    }
    line(
        "weights",
        format!(
            "{} to {}, {} in all",
            summary.weight_min, summary.weight_max, summary.weight_sum
        ),
    );
    if let Some(signs) = loaded.negative_weights() {
        line("", signs);
    }
    if let Some((lon, lat, share)) = densest(points) {
        line(
            "densest",
            format!(
                "around {lon:.2}, {lat:.2}: {:.1} % of all weight within 40 km",
                share * 100.0
            ),
        );
    }
    let each = points.bytes() as f64 / summary.count.max(1) as f64;
    line(
        "memory",
        format!(
            "{} bytes, {each:.1} a point",
            HumanCount(points.bytes() as u64)
        ),
    );
    if let Some(kept) = loaded.kept_columns() {
        line("kept", kept);
    }
    line("time", format!("{:.3} s", loaded.time.as_secs_f64()));
    text
}

/// Finds the tile of zoom [`PLACE_ZOOM`] with the greatest sum of |weight|. Returns the longitude
/// and latitude of the tile's middle in degrees, and the fraction of the sum over all tiles that is
/// in this tile. `None` if all weights are 0.
fn densest(points: &Points) -> Option<(f64, f64, f64)> {
    let tiles = points.occupied_tiles(PLACE_ZOOM);
    let all: f64 = tiles.iter().map(|tile| tile.mass).sum();
    let fullest = tiles.into_iter().max_by(|a, b| a.mass.total_cmp(&b.mass))?;
    let window = Window::tile(fullest.tile, 256);
    let lon = mercator::longitude((window.left() + window.right()) / 2.0);
    let lat = mercator::latitude((window.top() + window.bottom()) / 2.0);
    (all > 0.0).then(|| (lon, lat, fullest.mass / all))
}
