//! `heatsplat render`: draws the points of a source as one picture.

mod coastline;
mod ground;
mod projection;
mod size;
mod static_map;

use self::coastline::Coastline;
use self::ground::{CssColor, Ground};
use self::projection::ProjectedMap;
use self::size::{PictureSize, PixelSize};
use self::static_map::StaticMap;
use super::backend::BackendFlags;
use super::error::BoxError;
use super::error::UsageError;
use super::layer_style::LayerStyle;
use super::source_flags::SourceFlags;
use super::source_name::redact;
use super::style_flags::{self, StyleFlags};
use super::{mapnik, output};
use crate::cli::logging::say;
use clap::Args;
use heatsplat::loader::PlaneCrs;
use heatsplat::points::{LonLatBox, WindowError};
use heatsplat::render::encode::{EncodeError, Georeference};
use heatsplat::render::legend::{Captions, LegendTheme, Typeface};
use heatsplat::render::{ProjectedLayer, View, height_to_width};
use heatsplat::{ImageFormat, Layer, Points};
use heatsplat_time::TimeQuery;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

const EXAMPLES: &str = "\
Examples:
  heatsplat render examples/cities.csv.gz -o world.png
  heatsplat render examples/cities.csv.gz -o italy.png --bbox 6,36,19,47.5 --size 800x900
  heatsplat render examples/cities.csv.gz -o print.webp --size 4000 --ratio 2 --background white
  heatsplat render examples/cities.csv.gz -o poster.png --size 30x20cm --background white \
      --coastline --title \"Where people live\" --legend --scalebar
  heatsplat render examples/cities.csv.gz -o density.npy --normalize mass
  heatsplat render -o map.png --mapnik-style style.xml";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct RenderCommand {
    /// A file of points: CSV, GeoJSON, Shapefile, GeoPackage, FlatGeobuf, Parquet, Arrow, GPX, KML,
    /// TCX, FIT, NMEA or Excel, text compressed or not, a raster (GeoTIFF, NumPy), or a zip archive
    /// with one of these; `-` is standard input, and http(s):// and s3:// addresses are read where
    /// the feature `remote` is built in. Or postgres://user@host/database, with --table or --sql
    #[arg(required_unless_present = "mapnik_style")]
    source: Option<String>,
    /// The picture's file: .png, .webp, or .npy or .tif (the densities themselves); `-` is standard
    /// output
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// png, webp, npy or tif [default: by the file's name]
    #[arg(long = "as", value_name = "FORMAT", value_parser = format)]
    written_as: Option<ImageFormat>,
    /// The box to draw, in degrees; an east over 180 reaches across the date line. The world is
    /// drawn once, unless the box is wider [default: where at least 98 % of the weight is, on both
    /// sides of ±180° as one]
    #[arg(long, value_name = "W,S,E,N", allow_hyphen_values = true)]
    bbox: Option<LonLatBox>,
    /// The projected coordinate system to draw the map in, instead of Web Mercator: an EPSG number,
    /// like 3035 for Europe, 27700 for Britain or 3031 for the Antarctic
    #[arg(long, value_name = "EPSG", value_parser = projected)]
    projection: Option<u32>,
    /// Width and height, or width alone, in CSS pixels; or on paper, like 20x15cm (also mm and in)
    #[arg(long, value_name = "WxH", default_value = "1024", value_parser = PictureSize::parse)]
    size: PictureSize,
    /// Pixels of the picture for each CSS pixel, along each side: 2 for fine screens [default: 1;
    /// on paper, 3 at 300 dots per inch]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=4))]
    ratio: Option<u32>,
    /// Dots per inch of a picture whose size is a length on paper; a PNG states them [default: 300]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(10..=2400))]
    dpi: Option<u32>,
    /// A CSS colour behind the heat; on a light one, the default ramp is dusk [default:
    /// transparent]
    #[arg(long, value_name = "COLOR", value_parser = CssColor::parse)]
    background: Option<CssColor>,
    /// Land, coastline and borders of countries, simplified for maps of countries and continents
    /// (Natural Earth)
    #[arg(long)]
    coastline: bool,
    /// Only a window of time: 2019-06, 2019-01/2019-06, 2019-06-01/P7D, P7D/latest …, by the times
    /// of --time; docs/time.md
    #[arg(long, value_name = "TIME")]
    window: Option<TimeQuery>,
    #[command(flatten)]
    captions: CaptionFlags,
    /// A map of Mapnik's in XML. The filters, the markers and, unless there is a SOURCE, the
    /// datasource (csv, shape, geojson or postgis) are those of its layer with colorize-alpha
    #[arg(long, value_name = "STYLE.XML", conflicts_with = "begin")]
    mapnik_style: Option<PathBuf>,
    #[command(flatten)]
    source_flags: SourceFlags,
    #[command(flatten)]
    style: StyleFlags,
    #[command(flatten)]
    backend: BackendFlags,
}

/// Flags for what is written on the picture.
#[derive(Args)]
#[command(next_help_heading = "What is written on the picture")]
struct CaptionFlags {
    /// A title at the top left
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
    /// A legend at the bottom left
    #[arg(long)]
    legend: bool,
    /// A scale bar at the bottom right, exact at the latitude of the picture's centre
    #[arg(long)]
    scalebar: bool,
    /// Credit for the data, at the bottom right
    #[arg(long, value_name = "TEXT")]
    attribution: Option<String>,
    /// A TrueType or OpenType file with the letters of title, legend, scale bar and attribution
    /// [default: Noto Sans, with Latin, Greek and Cyrillic letters]
    #[arg(long, value_name = "FILE")]
    font: Option<PathBuf>,
}

impl CaptionFlags {
    fn is_empty(&self) -> bool {
        self.title.is_none() && !self.legend && !self.scalebar && self.attribution.is_none()
    }

    /// The typeface in the file of `--font`; without this flag the program's own.
    fn typeface(&self) -> Result<Typeface, BoxError> {
        let Some(path) = &self.font else {
            return Ok(Typeface::default());
        };
        let bytes = fs::read(path).map_err(|e| format!("--font {}: {e}", path.display()))?;
        let read = Typeface::from_bytes(bytes);
        Ok(read.map_err(|e| format!("--font {}: {e}", path.display()))?)
    }

    /// The captions of a map. They are light on a dark background, and dark on a light background
    /// or without one.
    fn captions(&self, map: &StaticMap<'_>, typeface: Typeface) -> Captions {
        let (layer, style) = (map.layer, &map.style);
        let legend = || layer.legend_of(&layer.normalizer_at(map.view.level(), style), style);
        let mut captions = Captions::default();
        if Ground::of(map.background) == Ground::Dark {
            captions.theme = LegendTheme::dark();
        }
        captions.theme.ratio = map.view.ratio();
        captions.theme.typeface = typeface;
        captions.title.clone_from(&self.title);
        captions.legend = self.legend.then(legend);
        captions.scale_bar = self.scalebar;
        captions.attribution.clone_from(&self.attribution);
        captions
    }
}

impl RenderCommand {
    pub(super) fn run(mut self) -> Result<(), BoxError> {
        let format = self.written_as.or_else(|| match self.output.as_os_str() {
            name if name == "-" => Some(ImageFormat::Png),
            _ => ImageFormat::from_extension(self.output.extension()?.to_str()?),
        });
        let Some(format) = format else {
            let message = "--output: the name must end in .png, .webp, .npy or .tif, or --as say \
                           what to write";
            return Err(UsageError::new("render", message).into());
        };
        if format.is_density() && (!self.captions.is_empty() || self.coastline) {
            let message = "--title, --legend, --scalebar, --attribution and --coastline are for \
                           pictures, not for densities";
            return Err(UsageError::new("render", message).into());
        }
        if self.captions.font.is_some() && self.captions.is_empty() {
            let message = "--font is for --title, --legend, --scalebar and --attribution";
            return Err(UsageError::new("render", message).into());
        }
        let typeface = self.captions.typeface()?;
        let size = self
            .size
            .in_pixels(self.dpi, self.ratio)
            .map_err(|(flag, e)| UsageError::new("render", format!("{flag}: {e}")))?;
        // If the given box can't be drawn, this is found before the source is read. Without a given
        // box, the box around all points is drawn, which is always possible.
        if let Some(bounds) = self.bbox {
            self.place(bounds, size)
                .map_err(|(flag, e)| UsageError::new("render", format!("{flag}: {e}")))?;
        }
        output::check(&self.output)?;
        let (style, source) = self.style_and_source()?;
        let backend = self.backend.backend()?;
        let mut loaded = self.source_flags.load(&source)?;
        say!("{}", loaded.summary(&redact(&source)));
        if let Some(query) = &self.window {
            say!("  {}", loaded.show_window(query)?);
        }
        let bounds = self.bbox.unwrap_or_else(|| first_view(&loaded.points));
        let place = self
            .place(bounds, size)
            .map_err(|(flag, e)| format!("{flag}: {e}"))?;
        let style = loaded.style(&style, None);
        let layer = Layer::new(&redact(&source), loaded.into_set()?.0, style, backend);
        layer.data().check(layer.style().measure())?;
        let layer = Arc::new(layer);
        let projected = match &place {
            Place::Mercator(_) => None,
            Place::Projected(map) => {
                let made = ProjectedLayer::new(&layer, Arc::clone(&map.square) as _);
                Some(made.map_err(|e| format!("--projection: {e}"))?)
            }
        };
        if let Some(projected) = &projected {
            let checked = projected.check(*place.view(), layer.style());
            checked.map_err(|e| format!("--projection: {e}"))?;
        }
        let view = match &projected {
            Some(projected) => projected.view(*place.view()),
            None => *place.view(),
        };
        let shown = projected.as_ref().map_or(&*layer, ProjectedLayer::layer);
        let map = self.map(shown, view, &place, size.dpi, typeface);
        output::write(&self.output, |file| {
            map.write(format, file).map_err(|error| match error {
                EncodeError::Output(error) => error,
                other => io::Error::other(other),
            })
        })?;
        if self.output.as_os_str() != "-" {
            let window = view.window();
            let (width, height) = (window.width(), window.height());
            say!("{}: {width} × {height} pixels", self.output.display());
        }
        Ok(())
    }

    /// Returns the style, and the source to read. If the style comes from a Mapnik map, what the
    /// map states about reading the source goes into the flags.
    fn style_and_source(&mut self) -> Result<(LayerStyle, String), BoxError> {
        let Some(xml) = &self.mapnik_style else {
            let (style, columns) = self.style.style_and_columns()?;
            self.source_flags.suggest(&columns);
            return Ok((style, self.source.clone().unwrap_or_default()));
        };
        let imported = style_flags::read(&xml.to_string_lossy())?;
        style_flags::say_warnings(&imported);
        self.source_flags.suggest(&imported.columns);
        let source = match &self.source {
            Some(source) => source.clone(),
            None => mapnik::source(&imported.datasource, xml, &mut self.source_flags)?,
        };
        Ok((self.style.imported(imported.style)?, source))
    }

    /// The part of the world that the picture shows, and how it is projected. An error is a pair:
    /// the flag that causes it, and the message.
    fn place(&self, bounds: LonLatBox, size: PixelSize) -> Result<Place, (&'static str, String)> {
        let Some(code) = self.projection else {
            return view(bounds, size).map(Place::Mercator);
        };
        height_to_width(bounds).map_err(|e| ("--bbox", e.to_string()))?;
        let crs = PlaneCrs::from_epsg(code).map_err(|e| ("--projection", e.to_string()))?;
        ProjectedMap::new(crs, bounds, size).map(Place::Projected)
    }

    /// The map of a layer with its background, coastline and captions, as the flags ask for them.
    fn map<'a>(
        &self,
        layer: &'a Layer,
        view: View,
        place: &Place,
        dpi: Option<u32>,
        typeface: Typeface,
    ) -> StaticMap<'a> {
        let ground = Ground::of(self.background);
        let mut style = layer.style().clone();
        if ground == Ground::Light {
            style = style.on_light_ground();
        }
        let square = match place {
            Place::Mercator(_) => None,
            Place::Projected(map) => Some(&*map.square),
        };
        let land = heatsplat_server::land_geojson;
        let coastline = || Coastline::new(&land(), view, square, ground);
        let mut map = StaticMap {
            layer,
            style,
            view,
            background: self.background,
            coastline: self.coastline.then(coastline),
            captions: None,
            georeference: place.georeference(),
            dpi,
        };
        if !self.captions.is_empty() {
            let captions = self.captions.captions(&map, typeface);
            map.captions = Some(captions.placed(view));
        }
        map
    }
}

/// The place of a picture: what it shows, and in which projection.
enum Place {
    Mercator(View),
    Projected(ProjectedMap),
}

impl Place {
    fn view(&self) -> &View {
        match self {
            Self::Mercator(view) => view,
            Self::Projected(map) => &map.view,
        }
    }

    fn georeference(&self) -> Georeference {
        match self {
            Self::Mercator(view) => Georeference::from(&view.window()),
            Self::Projected(map) => map.georeference(),
        }
    }
}

/// The view that shows a box at a size. An error is a pair: the flag that causes it, and the
/// message.
fn view(bounds: LonLatBox, size: PixelSize) -> Result<View, (&'static str, String)> {
    let of_box = |e: WindowError| ("--bbox", e.to_string());
    let shape = height_to_width(bounds).map_err(of_box)?;
    let height = size.height_of(shape)?;
    View::around_pixels(bounds, size.width, height, size.ratio).map_err(of_box)
}

/// The box that is drawn unless `--bbox` states one: it shows at least 98 % of the weight, with a
/// margin. If it leaves out points, a message states so, and the `--bbox` that shows all of them.
fn first_view(points: &Points) -> LonLatBox {
    let (Some(focus), Some(all)) = (points.focus(), points.summary().bounds) else {
        return LonLatBox::WORLD;
    };
    let shown = focus.bounds.with_margin();
    let inside = |lon, lat| shown.contains(lon, lat);
    if !inside(all.west(), all.south()) || !inside(all.east(), all.north()) {
        let [west, south, east, north] = all.with_margin().edges();
        say!(
            "  the picture shows where 98 % of the weight is, rows at 0,0 apart; for all of it: \
             --bbox={west:.3},{south:.3},{east:.3},{north:.3}"
        );
    }
    shown
}

/// Parses `--projection`: the EPSG number of a system in which maps can be drawn.
fn projected(text: &str) -> Result<u32, String> {
    let crs = PlaneCrs::from_name(text).map_err(|e| e.to_string())?;
    Ok(crs.code())
}

fn format(text: &str) -> Result<ImageFormat, &'static str> {
    ImageFormat::from_extension(text).ok_or("expected png, webp, npy or tif")
}
