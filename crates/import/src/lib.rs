//! Imports the configurations of other heat maps as [`Style`]s.
//!
//! [`style`] detects the dialect of a text; each dialect has its own file. Properties that a
//! dialect defines exactly, such as Mapnik's color table, are imported exactly. Other properties
//! become the most similar ones that heatsplat has, and [`ImportedStyle::warnings`] lists the
//! differences.
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

/// Dialect of a configuration: the program that it is written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Dialect {
    /// heatsplat's own styles, as `radius=12px&ramp=viridis` or as a JSON object of parameters.
    Heatsplat,
    /// Mapnik's image filters, as a single line, in CartoCSS or in Mapnik's XML.
    Mapnik,
    /// The heatmap datasource of mapnik-rasterizers.
    MapnikRasterizers,
    /// heatmap.js: the options, the argument of `setData`, or both.
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
    /// GeoServer's transformation `vec:Heatmap` in an SLD.
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

/// A style and other information that was read from a configuration.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ImportedStyle {
    /// Dialect of the configuration.
    pub dialect: Dialect,
    /// Style that looks the same in heatsplat, as far as that is possible.
    pub style: Style,
    /// Descriptions of the properties that were imported only approximately or not at all.
    pub warnings: Vec<String>,
    /// Columns of the data that the configuration reads.
    pub columns: ColumnNames,
    /// Parameters of the configuration's data source as (name, value), with Mapnik's names (`type`,
    /// `file`, `table` …).
    pub datasource: Vec<(String, String)>,
    /// File of the picture that is drawn at each point, if there is one. Until
    /// [`with_marker`](Self::with_marker) reads this file, the style draws an ellipse instead.
    pub marker: Option<String>,
    /// Points that are written in the configuration.
    pub points: Vec<ImportedPoint>,
}

/// Names of the columns that a configuration reads; `None` for columns that it doesn't name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ColumnNames {
    /// Column of the longitude.
    pub lon: Option<String>,
    /// Column of the latitude.
    pub lat: Option<String>,
    /// Column of the weight.
    pub weight: Option<String>,
    /// Column of the radius in pixels.
    pub radius: Option<String>,
}

impl ImportedStyle {
    /// Replaces the ellipse at each point by the alpha channel of a PNG, whose file
    /// [`marker`](Self::marker) names.
    ///
    /// # Errors
    /// A file that is no PNG, or a picture that is too large for a marker.
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

/// The error of a file that was to become a marker.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MarkerError {
    /// The picture can't be a marker.
    #[error(transparent)]
    Image(#[from] MarkerImageError),
    /// The style can't have a marker.
    #[error(transparent)]
    Style(#[from] StyleError),
}

/// Reason for which a configuration can't be imported.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// The text is in no dialect that this crate knows.
    #[error(
        "this is no style of heatsplat's and no configuration that it knows; it reads {}",
        Dialect::ALL.map(|(name, _)| name).join(", ")
    )]
    Unknown,
    /// The text has a syntax error.
    #[error("line {line}, column {column}: expected {expected}")]
    Syntax {
        /// Line of the error, from 1.
        line: usize,
        /// Column of the error, from 1.
        column: usize,
        /// Description of what was expected at this place.
        expected: String,
    },
    /// A value is illegal.
    #[error("{dialect}: {name} can't be `{value}`: {expected}")]
    Value {
        /// Dialect of the configuration.
        dialect: Dialect,
        /// Name of the property.
        name: String,
        /// The illegal value, cut to 40 characters.
        value: String,
        /// Description of the legal values.
        expected: String,
    },
    /// A value is not allowed in heatsplat's styles.
    #[error("{dialect}: {error}")]
    Style {
        /// Dialect of the configuration.
        dialect: Dialect,
        /// Error of the style.
        error: StyleError,
    },
}

/// The greatest length of a configuration in bytes (64 MiB): a choice.
const MAX_LENGTH: usize = 64 << 20;

/// Imports a configuration of any dialect.
///
/// # Errors
/// An [`ImportError`] if the dialect is unknown or a value is illegal.
pub fn style(text: &str) -> Result<ImportedStyle, ImportError> {
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    if text.is_empty() || text.len() > MAX_LENGTH {
        return Err(ImportError::Unknown);
    }
    detect::read(text)
}

/// The first 40 characters of a text for messages, with blanks for control characters.
fn shorten(text: &str) -> String {
    const MOST: usize = 40;
    let plain = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut short: String = plain.take(MOST).collect();
    if text.chars().count() > MOST {
        short.push('…');
    }
    short
}
