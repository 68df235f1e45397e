//! The description of an archive, which is stored in the archive itself.

use crate::tile::TileContent;
use heatsplat_points::LonLatBox;
use heatsplat_render::TileSize;
use serde_json::{Map, Value, json};
use std::ops::RangeInclusive;

/// The name and the version of this program. Archives name it as the program that made them.
pub(crate) const GENERATOR: &str = concat!("heatsplat ", env!("CARGO_PKG_VERSION"));

/// The description of an export. Each format of archives stores it in its own way.
pub(crate) struct ExportMetadata {
    pub(crate) name: String,
    pub(crate) attribution: Option<String>,
    /// The box around everything that the tiles show, in degrees. Its east is at most 180, since
    /// the formats don't allow more.
    pub(crate) bounds: LonLatBox,
    /// The box around the points, in degrees; `None` without points.
    pub(crate) data_bounds: Option<LonLatBox>,
    /// The longitude and the latitude, in degrees, of the place where points are densest, and the
    /// zoom at which a map shows this place first.
    pub(crate) center: (f64, f64, u8),
    pub(crate) zooms: RangeInclusive<u8>,
    pub(crate) content: TileContent,
    pub(crate) size: TileSize,
    /// The name and the value of each parameter of the layer's style.
    pub(crate) style: Vec<(&'static str, String)>,
    /// The legend of each zoom, as the server's `legend.json` has it. Empty if the tiles have no
    /// colours.
    pub(crate) legends: Map<String, Value>,
}

impl ExportMetadata {
    /// The width and height of a tile in CSS pixels.
    pub(crate) fn css_side(&self) -> u32 {
        self.size.pixels() / self.size.ratio()
    }

    /// The parameters of the style as a JSON object.
    pub(crate) fn style_json(&self) -> Map<String, Value> {
        let parameters = self.style.iter();
        parameters
            .map(|(name, value)| ((*name).to_owned(), json!(value)))
            .collect()
    }

    /// The names and the values for the table `metadata` of MBTiles 1.3.
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
        if !self.legends.is_empty() {
            all.push(("legends", json!(self.legends).to_string()));
        }
        if let Some(attribution) = &self.attribution {
            all.push(("attribution", attribution.clone()));
        }
        all
    }
}
