//! Description of an archive, which the archive contains.

use crate::tile::TileContent;
use heatsplat_points::LonLatBox;
use heatsplat_render::TileSize;
use serde_json::{Map, Value, json};
use std::ops::RangeInclusive;

/// Name and version of this program, which archives contain as their generator.
pub(crate) const GENERATOR: &str = concat!("heatsplat ", env!("CARGO_PKG_VERSION"));

/// Description of an export. Each format stores it in another way.
pub(crate) struct Metadata {
    pub(crate) name: String,
    pub(crate) attribution: Option<String>,
    /// Box of everything that the tiles show, in degrees. Its east is at most 180, as archives
    /// require.
    pub(crate) bounds: LonLatBox,
    /// Box of the points in degrees; `None` without points.
    pub(crate) data_bounds: Option<LonLatBox>,
    /// Longitude and latitude of the densest place in degrees, and the zoom of a first view.
    pub(crate) center: (f64, f64, u8),
    pub(crate) zooms: RangeInclusive<u8>,
    pub(crate) content: TileContent,
    pub(crate) size: TileSize,
    /// Parameters of the layer's style as names and values.
    pub(crate) style: Vec<(&'static str, String)>,
}

impl Metadata {
    /// Side of a tile in CSS pixels.
    pub(crate) fn css_side(&self) -> u32 {
        self.size.pixels() / self.size.ratio()
    }

    /// The style as a JSON object.
    pub(crate) fn style_json(&self) -> Map<String, Value> {
        let parameters = self.style.iter();
        parameters
            .map(|(name, value)| ((*name).to_owned(), json!(value)))
            .collect()
    }

    /// Names and values for the `metadata` table of MBTiles 1.3.
    pub(crate) fn to_pairs(&self) -> Vec<(&'static str, String)> {
        let join = |numbers: &[f64]| {
            let texts: Vec<String> = numbers.iter().map(f64::to_string).collect();
            texts.join(",")
        };
        let (lon, lat, zoom) = self.center;
        let format = if self.content == TileContent::WebP {
            "webp"
        } else {
            "png"
        };
        let mut all = vec![
            ("name", self.name.clone()),
            ("format", format.to_owned()),
            ("bounds", join(&self.bounds.edges())),
            ("center", join(&[lon, lat, f64::from(zoom)])),
            ("minzoom", self.zooms.start().to_string()),
            ("maxzoom", self.zooms.end().to_string()),
            ("type", "overlay".to_owned()),
            ("version", "1".to_owned()),
            ("generator", GENERATOR.to_owned()),
            ("tilesize", self.css_side().to_string()),
            ("ratio", self.size.ratio().to_string()),
            ("style", json!(self.style_json()).to_string()),
        ];
        if let Some(bounds) = &self.data_bounds {
            all.push(("data_bounds", join(&bounds.edges())));
        }
        if let Some(attribution) = &self.attribution {
            all.push(("attribution", attribution.clone()));
        }
        all
    }
}
