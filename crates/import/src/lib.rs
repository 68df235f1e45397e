//! Every other heat map's configuration, turned into a [`Style`].
//!
//! One file a dialect; [`style`] tells which of them a text is. What a dialect defines to the bit
//! (Mapnik's table) is taken over to the bit; the rest becomes the nearest that heatsplat has, and
//! what is lost on the way is said in [`Imported::warnings`].
//!
//! ```
//! use heatsplat_import::{self as import, Dialect};
//! let imported = import::style("{radius: 25, blur: 15, maxZoom: 17}")?;
//! assert_eq!(imported.dialect, Dialect::LeafletHeat);
//! # Ok::<(), import::ImportError>(())
//! ```
#![forbid(unsafe_code)]

mod builder;
mod deck;
mod detect;
mod geoserver;
mod google;
mod gradient;
mod heatcanvas;
mod heatmap_js;
mod inline_points;
mod js_literal;
mod leaflet_heat;
mod maplibre;
mod mapnik;
mod mapnik_markers;
mod mapnik_rasterizers;
mod mapserver;
mod options;
mod qgis;
mod xml;

use heatsplat_render::{BlendMode, MarkerImage, MarkerImageError, MarkerShape, Style, StyleError};
use std::fmt;

pub use inline_points::ImportedPoint;

/// Whose configuration a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Dialect {
    /// Our own: `radius=12px&ramp=viridis`, or the same as JSON.
    Heatsplat,
    /// Mapnik's image filters, in a line, in CartoCSS or in its XML.
    Mapnik,
    /// The heatmap datasource of mapnik-rasterizers.
    MapnikRasterizers,
    /// heatmap.js: its options, `setData` or both.
    HeatmapJs,
    /// Leaflet.heat and simpleheat.
    LeafletHeat,
    /// HeatCanvas.
    HeatCanvas,
    /// The heatmap layer of MapLibre and Mapbox.
    MapLibre,
    /// deck.gl's HeatmapLayer.
    Deck,
    /// A heatmap layer of kepler.gl.
    Kepler,
    /// QGIS: the heatmap renderer, or the parameters of its kernel density estimation.
    Qgis,
    /// GeoServer's `vec:Heatmap`, in an SLD.
    GeoServer,
    /// A layer of MapServer with `CONNECTIONTYPE KERNELDENSITY`.
    MapServer,
    /// The HeatmapLayer that Google Maps had until 2026.
    Google,
}

impl Dialect {
    /// All dialects with their names.
    pub const ALL: [(&'static str, Self); 13] = [
        ("heatsplat", Self::Heatsplat),
        ("Mapnik", Self::Mapnik),
        ("mapnik-rasterizers", Self::MapnikRasterizers),
        ("heatmap.js", Self::HeatmapJs),
        ("Leaflet.heat", Self::LeafletHeat),
        ("HeatCanvas", Self::HeatCanvas),
        ("MapLibre", Self::MapLibre),
        ("deck.gl", Self::Deck),
        ("kepler.gl", Self::Kepler),
        ("QGIS", Self::Qgis),
        ("GeoServer", Self::GeoServer),
        ("MapServer", Self::MapServer),
        ("Google", Self::Google),
    ];
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = Self::ALL.iter().find(|(_, dialect)| dialect == self);
        f.write_str(named.map_or("", |(name, _)| name))
    }
}

/// What a configuration became.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Imported {
    /// Whose it was.
    pub dialect: Dialect,
    /// How it looks here.
    pub style: Style,
    /// What could not be carried over, or only nearly.
    pub warnings: Vec<String>,
    /// Which columns of the data it speaks of.
    pub columns: Columns,
    /// Where the configuration says its data are, by Mapnik's names (`type`, `file`, `table` …).
    pub datasource: Vec<(String, String)>,
    /// The file of the picture that is stamped at each point; until it is read by
    /// [`with_marker`](Self::with_marker), an ellipse takes its place.
    pub marker: Option<String>,
    /// Points that the configuration itself holds.
    pub points: Vec<ImportedPoint>,
}

/// Names of columns that a configuration reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Columns {
    /// Of longitude.
    pub lon: Option<String>,
    /// Of latitude.
    pub lat: Option<String>,
    /// Of the weight.
    pub weight: Option<String>,
    /// Of the radius in pixels.
    pub radius: Option<String>,
}

impl Imported {
    /// Stamps the alpha of a PNG at each point: the file that [`marker`](Self::marker) names.
    ///
    /// # Errors
    /// A file that is no PNG, or a larger one than a marker may be.
    pub fn with_marker(mut self, png: &[u8]) -> Result<Self, MarkerError> {
        let image = MarkerImage::from_png(png)?;
        let mut blend = self.style.blend().clone();
        if let BlendMode::Over(stamp) | BlendMode::Plus(stamp) = &mut blend {
            stamp.marker.shape = MarkerShape::Image(image);
        }
        self.style = self.style.with_blend(blend)?;
        self.marker = None;
        Ok(self)
    }
}

/// The error of a marker's file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MarkerError {
    /// The picture can be no marker.
    #[error(transparent)]
    Image(#[from] MarkerImageError),
    /// The style can have no marker.
    #[error(transparent)]
    Style(#[from] StyleError),
}

/// Why a configuration can't be taken over.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// Nobody's.
    #[error(
        "this is no style of heatsplat's and no configuration that it knows; it reads {}",
        Dialect::ALL.map(|(name, _)| name).join(", ")
    )]
    Unknown,
    /// Not the language that it seems to be.
    #[error("line {line}, column {column}: expected {expected}")]
    Syntax {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
        /// What may stand there.
        expected: String,
    },
    /// A value that can't be.
    #[error("{dialect}: {name} can't be `{value}`: {expected}")]
    Value {
        /// Whose configuration.
        dialect: Dialect,
        /// Which part of it.
        name: String,
        /// What was given, shortened.
        value: String,
        /// What is legal.
        expected: String,
    },
    /// A value that heatsplat has no use for.
    #[error("{dialect}: {error}")]
    Style {
        /// Whose configuration.
        dialect: Dialect,
        /// What our own style says of it.
        error: StyleError,
    },
}

/// Texts longer than this are not configurations.
const MAX_LENGTH: usize = 64 << 20;

/// Reads any dialect's configuration.
///
/// # Errors
/// Where it is nobody's, or holds what can't be: the message says what is legal.
pub fn style(text: &str) -> Result<Imported, ImportError> {
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    if text.is_empty() || text.len() > MAX_LENGTH {
        return Err(ImportError::Unknown);
    }
    detect::read(text)
}

/// The beginning of a text, without control characters, for messages.
fn shorten(text: &str) -> String {
    const MOST: usize = 40;
    let plain = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut short: String = plain.take(MOST).collect();
    if text.chars().count() > MOST {
        short.push('…');
    }
    short
}
