//! `heatsplat export`: draws all tiles of a source once and writes them into an archive, a folder
//! or a database. Or it writes the points themselves.

mod archive;
mod points;

use super::backend::BackendFlags;
use super::error::BoxError;
use super::error::UsageError;
use super::postgis::RasterTable;
use super::source_flags::SourceFlags;
use super::source_name::{layer_name, redact};
use super::style_flags::StyleFlags;
use crate::cli::logging::say;
use clap::Args;
use heatsplat::Window;
use heatsplat::points::LonLatBox;
use heatsplat::{Layer, TileSize};
use heatsplat_archive::{ExportError, IfExists, Target, TileContent};
use heatsplat_time::TimeQuery;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
Examples:
  heatsplat export examples/cities.csv.gz -o cities.pmtiles --zoom 0-8
  heatsplat export examples/cities.csv.gz -o italy.mbtiles --zoom 4-10 --bbox 6,36,19,47.5 --dry-run
  heatsplat export quakes.csv -o density.tif --zoom 2-8
  heatsplat export quakes.csv -o 'tiles/{z}/{x}/{y}.png' --zoom 0-6 --ramp viridis
  heatsplat export quakes.csv -o quakes.parquet --keep depth,time      the points themselves
  heatsplat export quakes.csv -o 'postgres://me@db/gis?table=maps.heat' --zoom 3-8 --overwrite

Only tiles that show something are written; pictures are those that `heatsplat serve` sends, byte
for byte. An export that was broken off, however, leaves OUTPUT.partial and is finished by the same
command with --resume. `heatsplat serve cities.pmtiles` serves the tiles again.

A .tif and a PostGIS table hold densities: the deepest zoom, and each other one as an overview of it
(in PostGIS the tables o_2_heat, o_4_heat …; the role must be one that may create them). A .parquet
holds the points (GeoParquet): longitude and latitude to 9.3 mm, weights, and the columns of --keep.";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ExportCommand {
    /// A file of points, as for `serve`, or postgres://user@host/database with --table or --sql
    source: String,
    /// A .pmtiles or .mbtiles archive, a .tif (Cloud-Optimised GeoTIFF), a folder of files as
    /// FOLDER/{z}/{x}/{y}.png, or postgres://user@host/database?table=NAME for PostGIS rasters; or
    /// a .parquet (GeoParquet) for the points themselves
    #[arg(short, long, value_name = "OUTPUT", value_parser = output)]
    output: Output,
    /// The zoom of the tiles, or the first and the last: 6, 0-10. Every output but a .parquet needs
    /// it
    #[arg(long, value_name = "ZOOM", value_parser = zooms)]
    zoom: Option<RangeInclusive<u8>>,
    /// Only tiles that this box touches, in degrees; an east over 180 reaches across the date line
    /// [default: all]
    #[arg(long, value_name = "W,S,E,N", allow_hyphen_values = true, value_parser = area)]
    bbox: Option<LonLatBox>,
    /// Only a window of time: 2019-06, 2019-01/2019-06, P7D/latest …, by the times of --time;
    /// docs/time.md
    #[arg(long, value_name = "TIME")]
    window: Option<TimeQuery>,
    /// Width and height in pixels of the map that a tile shows: 256 or 512
    #[arg(long, value_name = "PIXELS", default_value = "256", value_parser = ["256", "512"])]
    tile_size: String,
    /// Tiles of the same map with twice as many pixels a side, for fine screens
    #[arg(long)]
    retina: bool,
    /// png (with a palette), rgba (PNG of four channels) or webp; for a .tif f32 (densities) or
    /// rgba [default: png, f32]
    #[arg(long = "as", value_name = "FORMAT", value_parser = content)]
    written_as: Option<TileContent>,
    /// Name of the tiles [default: the source's name]
    #[arg(long)]
    name: Option<String>,
    /// Credit for the data, shown in the corner of maps
    #[arg(long, value_name = "TEXT")]
    attribution: Option<String>,
    /// Replace an output that exists already
    #[arg(long, conflicts_with = "resume")]
    overwrite: bool,
    /// Finish an export that was broken off: the same command with this flag makes the same file
    #[arg(long)]
    resume: bool,
    /// Print how many tiles, bytes and seconds it would take, and write nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    source_flags: SourceFlags,
    #[command(flatten)]
    style: StyleFlags,
    #[command(flatten)]
    backend: BackendFlags,
}

/// The place into which an export writes its tiles.
#[derive(Clone, Debug)]
enum Output {
    /// An archive file or a folder of files.
    Archive(Target),
    /// A file of the points themselves.
    Points(PathBuf),
    /// A table of PostGIS rasters in a database.
    Rasters(Box<RasterTable>),
    /// The reason, as a message, why the address of a database can't be used. An error of the
    /// flag's parser would repeat the address, which may contain a password.
    Refused(String),
}

fn refused(why: &str) -> BoxError {
    UsageError::new("export", format!("--output: {why}")).into()
}

impl ExportCommand {
    pub(super) fn run(mut self) -> Result<(), BoxError> {
        if let Output::Rasters(_) = &self.output
            && (self.bbox.is_some()
                || self.retina
                || self.resume
                || self.dry_run
                || self.written_as.is_some()
                || self.tile_size != "256")
        {
            let message =
                "--bbox, --tile-size, --retina, --as, --resume and --dry-run are for files";
            return Err(UsageError::new("export", message).into());
        }
        if let (Output::Points(_), Some(_)) = (&self.output, &self.window) {
            let message = "--window is for tiles; choose points to write by --filter";
            return Err(UsageError::new("export", message).into());
        }
        if !self.is_needed()? {
            return Ok(());
        }
        let (style, columns) = self.style.style_and_columns()?;
        self.source_flags.suggest(&columns);
        let backend = self.backend.backend()?;
        self.source_flags.keeps_all = matches!(self.output, Output::Points(_));
        let mut loaded = self.source_flags.load(&self.source)?;
        say!("{}", loaded.summary(&redact(&self.source)));
        if let Some(query) = &self.window {
            say!("  {}", loaded.show_window(query)?);
        }
        if let Output::Points(path) = &self.output {
            return points::write(&loaded, path);
        }
        let name = self.name.clone();
        let name = name.unwrap_or_else(|| layer_name(&self.source));
        let style = loaded.style(&style, None);
        let layer = Layer::new(&name, loaded.into_set()?.0, style, backend.clone());
        layer.data().check(layer.style().measure())?;
        match &self.output {
            Output::Archive(target) => archive::write(&self, target, &layer, &*backend),
            Output::Rasters(table) => table.write(&layer, self.zooms()?, self.overwrite),
            Output::Points(_) => Ok(()),
            Output::Refused(why) => Err(refused(why)),
        }
    }

    /// The zooms of the tiles.
    fn zooms(&self) -> Result<RangeInclusive<u8>, BoxError> {
        let missing = || UsageError::new("export", "--zoom is missing: the zoom of the tiles");
        Ok(self.zoom.clone().ok_or_else(missing)?)
    }

    /// Checks that the output can be written. This happens before the source is read, which may
    /// take long. Returns `false` if an export that `--resume` should finish is complete already,
    /// so that nothing is left to do.
    fn is_needed(&self) -> Result<bool, BoxError> {
        if !matches!(self.output, Output::Points(_) | Output::Refused(_)) {
            self.zooms()?;
        }
        match &self.output {
            Output::Archive(_) if self.dry_run => Ok(true),
            Output::Archive(target) => {
                let is_needed = target.check(self.if_exists()).map_err(suggest_flags)?;
                if !is_needed {
                    say!("{}: is whole already", target.path().display());
                }
                Ok(is_needed)
            }
            Output::Rasters(table) => {
                table.check(self.zooms()?, self.overwrite)?;
                Ok(true)
            }
            Output::Points(path) => points::check(self, path).map(|()| true),
            Output::Refused(why) => Err(refused(why)),
        }
    }

    fn if_exists(&self) -> IfExists {
        match (self.overwrite, self.resume) {
            (true, _) => IfExists::Overwrite,
            (_, true) => IfExists::Resume,
            _ => IfExists::Fail,
        }
    }

    fn size(&self) -> TileSize {
        let css = if self.tile_size == "512" { 512 } else { 256 };
        let ratio = if self.retina { 2 } else { 1 };
        TileSize::new(css, ratio).unwrap_or(TileSize::NORMAL)
    }
}

fn output(text: &str) -> Result<Output, String> {
    if let Some(table) = RasterTable::parse(text) {
        let table = table.map(|table| Output::Rasters(Box::new(table)));
        return Ok(table.unwrap_or_else(Output::Refused));
    }
    if points::is_points(Path::new(text)) {
        return Ok(Output::Points(text.into()));
    }
    let target = Target::from_path(Path::new(text)).map_err(|e| e.to_string())?;
    Ok(Output::Archive(target))
}

fn zooms(text: &str) -> Result<RangeInclusive<u8>, &'static str> {
    const EXPECTED: &str = "expected a zoom from 0 to 24, or two like 3-8";
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let zoom = |text: &str| {
        let zoom = text.trim().parse::<u8>().ok();
        zoom.filter(|&z| z <= heatsplat::points::MAX_ZOOM)
    };
    match zoom(first).zip(zoom(last)) {
        Some((first, last)) if first <= last => Ok(first..=last),
        Some(_) => Err("the lower zoom must come first, as in 3-8"),
        _ => Err(EXPECTED),
    }
}

fn area(text: &str) -> Result<LonLatBox, BoxError> {
    let area: LonLatBox = text.parse()?;
    Window::around(area, 1, 1)?;
    Ok(area)
}

/// Adds to an error of an export the names of the flags that solve its problem.
fn suggest_flags(error: ExportError) -> BoxError {
    match &error {
        ExportError::Exists { .. } => format!("{error}; --overwrite replaces it").into(),
        ExportError::Interrupted { .. } => {
            format!("{error}; --resume finishes it, --overwrite starts anew").into()
        }
        ExportError::OtherSettings { .. } => {
            format!("{error}; finish that one, or start anew with --overwrite").into()
        }
        _ => error.into(),
    }
}

fn content(text: &str) -> Result<TileContent, &'static str> {
    match text {
        "png" => Ok(TileContent::Png),
        "rgba" => Ok(TileContent::Rgba),
        "webp" => Ok(TileContent::WebP),
        "f32" => Ok(TileContent::Density),
        _ => Err("expected png, rgba, webp or f32"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_zooms_and_boxes() {
        assert!(matches!(output("heat.pmtiles"), Ok(Output::Archive(_))));
        assert!(matches!(
            output("t/{z}/{x}/{y}.png"),
            Ok(Output::Archive(_))
        ));
        let refused = output("postgres://heat:secret@localhost/gis");
        assert!(
            matches!(refused, Ok(Output::Refused(why)) if why.contains("table=NAME") && !why.contains("secret"))
        );
        assert!(output("heat.zip").unwrap_err().contains(".pmtiles"));
        assert_eq!(zooms("6"), Ok(6..=6));
        assert_eq!(zooms("3-8"), Ok(3..=8));
        for bad in ["", "25", "8-3", "a", "1-2-3", "-1"] {
            assert!(zooms(bad).is_err(), "{bad}");
        }
        assert!(area("-10,35,30,60").is_ok() && area("170, -5, 190, 5").is_ok());
        for bad in [
            "",
            "1,2,3",
            "1,2,3,4,5",
            "30,35,-10,60",
            "a,b,c,d",
            "NaN,0,1,1",
        ] {
            assert!(area(bad).is_err(), "{bad}");
        }
    }
}
