//! Grids of tiles, which the standards call tile matrix sets.

use heatsplat_points::mercator::EQUATOR_METRES;
use heatsplat_points::{LonLatBox, MAX_ZOOM};
use std::fmt::Write as _;

/// The side of a pixel in metres, 0.28 mm, from which the OGC's standards compute the scale of a
/// map.
const SCREEN_PIXEL: f64 = 0.000_28;

/// A grid of tiles: a coordinate system, and for each zoom a matrix of square tiles.
#[derive(Debug)]
pub(super) struct TileMatrixSet {
    pub(super) id: &'static str,
    /// Other names by which clients know the grid.
    aliases: &'static [&'static str],
    crs: &'static str,
    /// The URN of the grid's well-known scale set: the standard's name for a list of scales.
    well_known: &'static str,
    /// The west and the north edge of the grid, in metres of its coordinate system.
    corner: [f64; 2],
    /// The width and height of the grid, which is a square, in metres.
    side: f64,
    /// The side of a tile in pixels.
    pub(super) tile: u32,
}

/// The grids of tiles that this server has.
pub(super) static ALL: [TileMatrixSet; 1] = [TileMatrixSet {
    id: "WebMercatorQuad",
    aliases: &["GoogleMapsCompatible", "EPSG:3857", "EPSG:900913"],
    crs: "urn:ogc:def:crs:EPSG::3857",
    well_known: "urn:ogc:def:wkss:OGC:1.0:GoogleMapsCompatible",
    corner: [-EQUATOR_METRES / 2.0, EQUATOR_METRES / 2.0],
    side: EQUATOR_METRES,
    tile: 256,
}];

impl TileMatrixSet {
    /// Finds a grid of tiles by its name or an alias; `None` if this server has no such grid.
    pub(super) fn find(name: &str) -> Option<&'static Self> {
        ALL.iter()
            .find(|set| set.id == name || set.aliases.contains(&name))
    }

    /// Parses the name of a matrix, which is its zoom, like `7`. Some clients put the grid's name
    /// before it: `WebMercatorQuad:7`. `None` if there is no such matrix.
    pub(super) fn zoom(&self, matrix: &str) -> Option<u8> {
        let zoom = matrix
            .rsplit_once(':')
            .filter(|(set, _)| *set == self.id || self.aliases.contains(set));
        let zoom = zoom.map_or(matrix, |(_, zoom)| zoom);
        let is_plain = zoom.bytes().all(|b| b.is_ascii_digit());
        let zoom = zoom.parse().ok().filter(|_| is_plain);
        zoom.filter(|zoom| *zoom <= MAX_ZOOM)
    }

    /// Writes the element `TileMatrixSet` that describes the grid in the capabilities of WMTS.
    pub(super) fn to_wmts(&self) -> String {
        let Self { id, crs, .. } = self;
        let mut text = format!(
            "<TileMatrixSet>\n<ows:Identifier>{id}</ows:Identifier>\n\
             <ows:SupportedCRS>{crs}</ows:SupportedCRS>\n\
             <WellKnownScaleSet>{}</WellKnownScaleSet>\n",
            self.well_known
        );
        let [west, north] = self.corner;
        for z in 0..=MAX_ZOOM {
            let matrix = 1u64 << z;
            let pixel = self.side / (matrix * u64::from(self.tile)) as f64;
            let scale = pixel / SCREEN_PIXEL;
            // Writing to a text can't fail.
            let _ = writeln!(
                text,
                "<TileMatrix><ows:Identifier>{z}</ows:Identifier>\
                 <ScaleDenominator>{scale}</ScaleDenominator>\
                 <TopLeftCorner>{west} {north}</TopLeftCorner>\
                 <TileWidth>{tile}</TileWidth><TileHeight>{tile}</TileHeight>\
                 <MatrixWidth>{matrix}</MatrixWidth><MatrixHeight>{matrix}</MatrixHeight>\
                 </TileMatrix>",
                tile = self.tile
            );
        }
        text + "</TileMatrixSet>\n"
    }

    /// A layer's link to the grid in WMTS: the zooms from `first` to `last`, and for each the range
    /// of tiles that touch `bounds`.
    pub(super) fn to_link(&self, bounds: LonLatBox, (first, last): (u8, u8)) -> String {
        let mut text = format!(
            "<TileMatrixSetLink><TileMatrixSet>{}</TileMatrixSet>\n<TileMatrixSetLimits>\n",
            self.id
        );
        for z in first..=last.min(MAX_ZOOM) {
            let most = (1i64 << z) - 1;
            let (columns, rows) = bounds.tiles(z);
            // A box across ±180° has columns beyond the grid's edge.
            let (west, east) = match *columns.start() < 0 || *columns.end() > most {
                true => (0, most),
                false => (*columns.start(), *columns.end()),
            };
            let (north, south) = ((*rows.start()).clamp(0, most), (*rows.end()).clamp(0, most));
            let _ = writeln!(
                text,
                "<TileMatrixLimits><TileMatrix>{z}</TileMatrix>\
                 <MinTileRow>{north}</MinTileRow><MaxTileRow>{south}</MaxTileRow>\
                 <MinTileCol>{west}</MinTileCol><MaxTileCol>{east}</MaxTileCol>\
                 </TileMatrixLimits>"
            );
        }
        text + "</TileMatrixSetLimits>\n</TileMatrixSetLink>\n"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matrices_are_named_by_their_zoom() {
        let set = TileMatrixSet::find("GoogleMapsCompatible").unwrap();
        assert_eq!(set.id, "WebMercatorQuad");
        assert_eq!(set.zoom("7"), Some(7));
        assert_eq!(set.zoom("EPSG:3857:7"), Some(7));
        assert_eq!(set.zoom("WebMercatorQuad:0"), Some(0));
        for bad in ["", "-1", "+1", "25", "other:3", "1e1", "256"] {
            assert_eq!(set.zoom(bad), None, "{bad}");
        }
        // The scale of zoom 0 that the standard lists.
        assert!(set.to_wmts().contains(">559082264.02871"));
        assert!(TileMatrixSet::find("WorldCRS84Quad").is_none());
    }
}
