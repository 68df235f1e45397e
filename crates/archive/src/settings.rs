//! The digest of everything that the bytes of an export depend on.
//!
//! A journal can only be resumed by an export with the same digest. Each setting is a line of the
//! text that is hashed. How these lines are written must not change, or the `.partial` files of
//! earlier builds of the same version couldn't be resumed.

use crate::target::{Target, TargetFormat};
use crate::tile::TileContent;
use heatsplat_points::{LonLatBox, Points};
use heatsplat_render::{Layer, TileSize};
use sha2::{Digest as _, Sha256};
use std::ops::RangeInclusive;

/// The settings of an export that its bytes depend on.
pub(crate) struct Settings<'a> {
    pub(crate) target: &'a Target,
    pub(crate) layer: &'a Layer,
    pub(crate) zooms: RangeInclusive<u8>,
    pub(crate) area: Option<LonLatBox>,
    pub(crate) size: TileSize,
    pub(crate) content: TileContent,
    pub(crate) attribution: Option<&'a str>,
    pub(crate) backend_name: &'a str,
}

impl Settings<'_> {
    /// The SHA-256 of the settings, of the version of this program, and of all points.
    pub(crate) fn digest(&self) -> [u8; 32] {
        let mut digest = Sha256::new_with_prefix(self.text());
        for (part, points) in self.layer.data().parts() {
            digest.update(format!("{part:?} {}\n", points.summary().count));
            update_with_points(&mut digest, points);
        }
        digest.finalize().into()
    }

    fn text(&self) -> String {
        let format = match self.target.format {
            TargetFormat::PmTiles => "PmTiles",
            TargetFormat::MbTiles => "MbTiles",
            TargetFormat::Cog => "Cog",
            TargetFormat::XyzFolder => "Folder",
        };
        let area = self.area.map_or("None".to_owned(), |area| {
            let (degrees, edges) = (area.edges(), area.world_edges());
            format!("Some(Area {{ degrees: {degrees:?}, edges: {edges:?} }})")
        });
        let content = match self.content {
            TileContent::Png => "Png",
            TileContent::Rgba => "Rgba",
            TileContent::WebP => "WebP",
            TileContent::Density => "Density",
        };
        let attribution = self
            .attribution
            .map_or("None".to_owned(), |text| format!("Some({text:?})"));
        let (ratio, css) = (self.size.ratio(), self.size.pixels() / self.size.ratio());
        [
            env!("CARGO_PKG_VERSION"),
            format,
            self.layer.name(),
            &self.layer.style().to_string(),
            &format!("{}..={}", self.zooms.start(), self.zooms.end()),
            &area,
            &format!("TileSize {{ css: {css}, ratio: {ratio} }}"),
            content,
            &attribution,
            self.backend_name,
        ]
        .map(|line| format!("{line}\n"))
        .concat()
    }
}

fn update_with_points(digest: &mut Sha256, points: &Points) {
    if let Some(index) = points.paged() {
        return digest.update(index.content_identity());
    }
    let mut bytes = Vec::new();
    for chunk in points.as_slice().unwrap_or_default().chunks(4096) {
        bytes.clear();
        for point in chunk {
            bytes.extend(point.x.to_le_bytes());
            bytes.extend(point.y.to_le_bytes());
            bytes.extend(point.weight.to_le_bytes());
        }
        digest.update(&bytes);
    }
}
