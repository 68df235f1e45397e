//! `heatsplat render`: draws the points of a source as one picture.

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
use heatsplat::points::{LonLatBox, WindowError};
use heatsplat::render::encode::{self, Effort, ImageEncoding};
use heatsplat::render::legend::{Captions, LegendTheme};
use heatsplat::render::{View, height_to_width};
use heatsplat::{ImageFormat, Layer, Points, Ramp};
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  heatsplat render examples/cities.csv.gz -o world.png
  heatsplat render examples/cities.csv.gz -o italy.png --bbox 6,36,19,47.5 --size 800x900
  heatsplat render examples/cities.csv.gz -o print.webp --size 4000 --ratio 2 --background white
  heatsplat render examples/cities.csv.gz -o poster.png --title \"Where people live\" --legend --scalebar
  heatsplat render examples/cities.csv.gz -o density.npy --normalize mass
  heatsplat render -o map.png --mapnik-style style.xml";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct RenderCommand {
    /// A file of points: CSV, GeoJSON, Shapefile, GeoPackage, FlatGeobuf, Parquet, Arrow, GPX,
    /// KML, TCX, NMEA or Excel, text packed or not, or a zip archive with one of these; `-` is
    /// standard input, and http(s):// and s3:// addresses are read where the feature `remote` is
    /// built in. Or postgres://user@host/database, with --table or --sql
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
    /// Width and height, or width alone, in pixels
    #[arg(long, value_name = "WxH", default_value = "1024", value_parser = size)]
    size: PictureSize,
    /// Pixels of the picture to each of those: 2 for print and fine screens
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=4))]
    ratio: u32,
    /// A CSS colour behind the heat [default: transparent]
    #[arg(long, value_name = "COLOR", value_parser = color)]
    background: Option<CssColor>,
    #[command(flatten)]
    captions: CaptionFlags,
    /// A map of Mapnik's: the filters, markers and, unless there is a SOURCE, the datasource (csv,
    /// shape, geojson or postgis) of the layer that it draws by colorize-alpha
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
    /// A scale bar at the bottom right, right at the latitude of the picture's centre
    #[arg(long)]
    scalebar: bool,
    /// Words that name the source of the data, at the bottom right
    #[arg(long, value_name = "TEXT")]
    attribution: Option<String>,
}

impl CaptionFlags {
    fn is_empty(&self) -> bool {
        self.title.is_none() && !self.legend && !self.scalebar && self.attribution.is_none()
    }

    /// The captions of a picture of a layer. They are light on a dark ground and dark on others.
    fn captions(&self, layer: &Layer, view: View, ground: Option<CssColor>) -> Captions {
        let style = layer.style();
        let legend = || layer.legend_of(&layer.normalizer_at(view.level(), style), style);
        let is_dark = |CssColor([r, g, b, a]): CssColor| {
            a > 127 && u32::from(r) * 3 + u32::from(g) * 6 + u32::from(b) < 1280
        };
        let mut captions = Captions::default();
        if ground.is_some_and(is_dark) {
            captions.theme = LegendTheme::dark();
        }
        captions.theme.ratio = view.ratio();
        captions.title.clone_from(&self.title);
        captions.legend = self.legend.then(legend);
        captions.scale_bar = self.scalebar;
        captions.attribution.clone_from(&self.attribution);
        captions
    }
}

/// A CSS color as red, green, blue and alpha, 0 to 255 each. The first three are not multiplied by
/// alpha.
#[derive(Clone, Copy, Debug, PartialEq)]
struct CssColor([u8; 4]);

/// The width of a picture in pixels, and its height. Without a height, the height follows from the
/// width and the shape of the box.
#[derive(Clone, Copy, Debug, PartialEq)]
struct PictureSize(u32, Option<u32>);

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
        if format.is_density() && !self.captions.is_empty() {
            let message = "--title, --legend, --scalebar and --attribution are for pictures, not for \
                           densities";
            return Err(UsageError::new("render", message).into());
        }
        // If the given box can't be drawn, this is found before the source is read. Without a given
        // box, the box around all points is drawn, which is always possible.
        if let Some(bounds) = self.bbox {
            self.view(bounds)
                .map_err(|(flag, e)| UsageError::new("render", format!("{flag}: {e}")))?;
        }
        output::check(&self.output)?;
        let (style, source) = self.style_and_source()?;
        let backend = self.backend.backend()?;
        let loaded = self.source_flags.load(&source)?;
        say!("{}", loaded.summary(&redact(&source)));
        let bounds = self.bbox.unwrap_or_else(|| first_view(&loaded.points));
        let view = self
            .view(bounds)
            .map_err(|(flag, e)| format!("{flag}: {e}"))?;
        let style = loaded.style(&style, None);
        let layer = Layer::new(&redact(&source), loaded.into_set()?.0, style, backend);
        let bytes = self.draw(&layer, view, format)?;
        output::write(&self.output, |file| file.write_all(&bytes))?;
        if self.output.as_os_str() != "-" {
            let window = view.window();
            let (width, height) = (window.width(), window.height());
            say!("{}: {width} × {height} pixels", self.output.display());
        }
        Ok(())
    }

    /// Returns the style, and the source to read. If a Mapnik map has options about reading the
    /// source, they go into the flags.
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

    /// The view that shows a box. An error comes with the flag that causes it.
    fn view(&self, bounds: LonLatBox) -> Result<View, (&'static str, WindowError)> {
        let of_box = |e| ("--bbox", e);
        let shape = height_to_width(bounds).map_err(of_box)?;
        let PictureSize(width, height) = self.size;
        let height = height.unwrap_or_else(|| (f64::from(width) * shape).round().max(1.0) as u32);
        let most = encode::MAX_EDGE / self.ratio;
        if !(1..=most).contains(&width) || !(1..=most).contains(&height) {
            return Err(("--size", WindowError::Size));
        }
        View::around(bounds, width, height, self.ratio).map_err(of_box)
    }

    fn draw(&self, layer: &Layer, view: View, format: ImageFormat) -> Result<Vec<u8>, BoxError> {
        let request = layer.map(view).format(format).effort(Effort::Small);
        let plain =
            self.background.is_none() && self.captions.is_empty() && !layer.is_mixed(layer.style());
        if plain || format.is_density() {
            return Ok(request.encode()?.to_vec());
        }
        let mut pixels = request.pixels();
        if let Some(CssColor(ground)) = self.background {
            let (each, _) = pixels.as_chunks_mut::<4>();
            each.iter_mut()
                .for_each(|pixel| *pixel = over(*pixel, ground));
        }
        let captions = self.captions.captions(layer, view, self.background);
        captions.draw(&mut pixels, &view.window());
        let (window, encoding) = (view.window(), ImageEncoding::new(format, Effort::Small));
        let bytes = encoding.pixels(&pixels, window.width(), window.height())?;
        Ok(bytes.to_vec())
    }
}

/// Blends a translucent colour over a ground (Porter-Duff *over*). Each colour is red, green, blue
/// and alpha, and the first three are not multiplied by alpha.
fn over([r, g, b, a]: [u8; 4], [ground_r, ground_g, ground_b, ground_a]: [u8; 4]) -> [u8; 4] {
    let (alpha, ground_alpha) = (f32::from(a) / 255.0, f32::from(ground_a) / 255.0);
    let behind = ground_alpha * (1.0 - alpha);
    let whole = alpha + behind;
    let mix = |c: u8, ground: u8| {
        let sum = f32::from(c) * alpha + f32::from(ground) * behind;
        if whole > 0.0 {
            (sum / whole).round() as u8
        } else {
            0
        }
    };
    [
        mix(r, ground_r),
        mix(g, ground_g),
        mix(b, ground_b),
        (whole * 255.0).round() as u8,
    ]
}

/// The box that is drawn unless `--bbox` gives one: the first view with a margin. If it leaves out
/// points, a line says so, and how all points are drawn.
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

fn format(text: &str) -> Result<ImageFormat, &'static str> {
    ImageFormat::from_extension(text).ok_or("expected png, webp, npy or tif")
}

fn size(text: &str) -> Result<PictureSize, String> {
    let side = |text: &str| match text.trim().parse::<u64>() {
        Ok(0) => Err("expected at least 1 pixel".to_owned()),
        Ok(n) => match u32::try_from(n) {
            Ok(n) if n <= encode::MAX_EDGE => Ok(n),
            _ => Err(format!("expected at most {} pixels", encode::MAX_EDGE)),
        },
        Err(_) => {
            let expected = "expected width and height in pixels, like 1024x768, or a width alone";
            Err(expected.to_owned())
        }
    };
    match text.split_once(['x', 'X', '×']) {
        Some((width, height)) => Ok(PictureSize(side(width)?, Some(side(height)?))),
        None => Ok(PictureSize(side(text)?, None)),
    }
}

/// Parses one CSS colour: parses a ramp, and refuses it if its colours differ.
fn color(text: &str) -> Result<CssColor, &'static str> {
    let ramp = Ramp::parse(text).map_err(|_| "expected a CSS colour, like #111820 or white")?;
    let [_, first, rest @ ..] = ramp.colors();
    if rest.iter().all(|color| color == first) {
        Ok(CssColor(*first))
    } else {
        Err("expected one CSS colour, not a ramp")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        assert_eq!(size("1024x768"), Ok(PictureSize(1024, Some(768))));
        assert_eq!(size("512"), Ok(PictureSize(512, None)));
        for bad in [
            "", "x", "0x5", "5x0", "5x", "-5x5", "5x5x5", "99999", "5.5x5",
        ] {
            assert!(size(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn colors() {
        assert_eq!(color("#111820"), Ok(CssColor([0x11, 0x18, 0x20, 255])));
        assert_eq!(color("rgb(255 0 0 / 50%)"), Ok(CssColor([255, 0, 0, 128])));
        assert!(color("inferno").is_err() && color("red, blue").is_err() && color("?").is_err());
    }

    #[test]
    fn heat_over_a_ground() {
        let ground = [10, 20, 30, 255];
        assert_eq!(over([200, 100, 50, 0], ground), ground);
        assert_eq!(over([200, 100, 50, 255], ground), [200, 100, 50, 255]);
        assert_eq!(
            over([255, 255, 255, 128], [0, 0, 0, 255]),
            [128, 128, 128, 255]
        );
        assert_eq!(over([9, 9, 9, 0], [0, 0, 0, 0]), [0, 0, 0, 0]);
    }
}
