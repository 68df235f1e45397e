//! Imports the configurations of other heat maps as [`Style`]s.
//!
//! [`style`] detects the dialect of a text and imports it; each dialect has its own file.
//! Properties that their dialect defines exactly, for example the colour table of Mapnik, are
//! imported exactly. Other properties become the most similar ones that heatsplat has.
//! [`ImportedStyle::warnings`] lists the differences.
//!
//! ```
//! use heatsplat_import::{self as import, Dialect};
//! let imported = import::style("{radius: 25, blur: 15, maxZoom: 17}")?;
//! assert_eq!(imported.dialect, Dialect::LeafletHeat);
//! # Ok::<(), import::ImportError>(())
//! ```
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic
    )
)]

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

/// The dialect of a configuration: the program for which it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Dialect {
    /// heatsplat's own styles: `radius=12px&ramp=viridis`, or a JSON object of parameters.
    Heatsplat,
    /// Mapnik's image filters, written as a single line, in CartoCSS or in Mapnik's XML.
    Mapnik,
    /// The heatmap datasource of mapnik-rasterizers.
    MapnikRasterizers,
    /// heatmap.js: its options, the argument of `setData`, or both.
    HeatmapJs,
    /// Leaflet.heat, and simpleheat, the library that draws for it.
    LeafletHeat,
    /// HeatCanvas, which draws heat maps in web pages.
    HeatCanvas,
    /// The heatmap layer of MapLibre and Mapbox.
    MapLibre,
    /// The HeatmapLayer of deck.gl.
    Deck,
    /// A heatmap layer of kepler.gl.
    Kepler,
    /// QGIS: its heatmap renderer, or the parameters of its kernel density estimation.
    Qgis,
    /// GeoServer's transformation `vec:Heatmap` in an SLD.
    GeoServer,
    /// A layer of MapServer with `CONNECTIONTYPE KERNELDENSITY`.
    MapServer,
    /// The HeatmapLayer of Google Maps, which was removed in 2026.
    Google,
}

impl Dialect {
    /// All dialects, each with its name.
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

/// A style, and whatever else was read from a configuration.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ImportedStyle {
    /// The dialect of the configuration.
    pub dialect: Dialect,
    /// The style. In heatsplat it looks as similar to the original as possible.
    pub style: Style,
    /// Descriptions of the properties that were imported only approximately or not at all.
    pub warnings: Vec<String>,
    /// The names that the configuration gives for the columns of its data, for example the column
    /// of weights.
    pub columns: ColumnNames,
    /// The parameters of the configuration's data source, each as a name and a value; empty if the
    /// configuration has none. The names are those that Mapnik uses: `type`, `file`, `table` and
    /// others.
    pub datasource: Vec<(String, String)>,
    /// The name of the image file whose picture is to be drawn at each point; `None` if there is no
    /// such picture. Until [`with_marker`](Self::with_marker) has read the picture, the style draws
    /// an ellipse instead.
    pub marker: Option<String>,
    /// The points that are written in the configuration itself; empty if there are none.
    pub points: Vec<ImportedPoint>,
}

/// The names of the columns that a configuration uses. Each name is `None` if the configuration
/// doesn't state it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ColumnNames {
    /// The name of the column of longitudes.
    pub lon: Option<String>,
    /// The name of the column of latitudes.
    pub lat: Option<String>,
    /// The name of the column of weights.
    pub weight: Option<String>,
    /// The name of the column of radii in pixels.
    pub radius: Option<String>,
}

impl ImportedStyle {
    /// Replaces the ellipse that is drawn at each point by a picture: the alpha channel of a PNG.
    /// `png` has the bytes of the image file that [`marker`](Self::marker) names.
    ///
    /// # Errors
    /// An error if the bytes are no PNG, or if the picture is too large for a marker.
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

/// The reason for which a picture can't become the marker of a style.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MarkerError {
    /// The picture is no readable PNG, or has a size that a marker can't have.
    #[error(transparent)]
    Image(#[from] MarkerImageError),
    /// The style with this picture as its marker is not valid.
    #[error(transparent)]
    Style(#[from] StyleError),
}

/// The reason for which a configuration can't be imported.
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
        /// The line of the error, counted from 1.
        line: usize,
        /// The column of the error, counted from 1.
        column: usize,
        /// A description of what was expected at the place of the error.
        expected: String,
    },
    /// A property of the configuration has an illegal value.
    #[error("{dialect}: {name} can't be `{value}`: {expected}")]
    Value {
        /// The dialect of the configuration.
        dialect: Dialect,
        /// The name of the property.
        name: String,
        /// The illegal value, cut off after 40 characters.
        value: String,
        /// A description of the property's legal values.
        expected: String,
    },
    /// A value is legal in its dialect but not in heatsplat's styles.
    #[error("{dialect}: {error}")]
    Style {
        /// The dialect of the configuration.
        dialect: Dialect,
        /// The reason why heatsplat's style rejects the value.
        error: StyleError,
    },
}

/// The greatest length of a configuration in bytes: 64 MiB, a choice.
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

/// The first 40 characters of a text, for messages. Control characters become blanks.
fn shorten(text: &str) -> String {
    const MOST: usize = 40;
    let plain = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut short: String = plain.take(MOST).collect();
    if text.chars().count() > MOST {
        short.push('…');
    }
    short
}
