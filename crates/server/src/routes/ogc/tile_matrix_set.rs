//! Grids of tiles, which the standards call tile matrix sets.

use heatsplat_points::mercator::EQUATOR_METRES;
use heatsplat_points::{LonLatBox, MAX_ZOOM};
use serde_json::{Value, json as value};
use std::fmt::Write as _;

/// The side of a pixel in metres, 0.28 mm, from which the OGC's standards compute the scale of a
/// map.
const SCREEN_PIXEL: f64 = 0.000_28;

/// A grid of tiles: a coordinate system, and for each zoom a matrix of square tiles.
#[derive(Debug)]
pub(super) struct TileMatrixSet {
    pub(super) id: &'static str,
    title: &'static str,
    /// Other names by which clients know the grid.
    aliases: &'static [&'static str],
    /// The URN of the coordinate system.
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
    title: "Google Maps Compatible for the World",
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

    pub(super) fn title(&self) -> &'static str {
        self.title
    }

    /// The URI of the grid in the OGC's register.
    pub(super) fn uri(&self) -> String {
        let id = self.id;
        format!("http://www.opengis.net/def/tilematrixset/OGC/1.0/{id}")
    }

    /// The URI of the coordinate system.
    pub(super) fn crs_uri(&self) -> String {
        uri_of(self.crs)
    }

    /// The side of a pixel in metres, and the denominator of the scale, of the matrix of zoom `z`.
    fn pixel_and_scale(&self, z: u8) -> (f64, f64) {
        let pixel = self.side / ((1u64 << z) * u64::from(self.tile)) as f64;
        (pixel, pixel / SCREEN_PIXEL)
    }

    /// The description of the grid in JSON, by version 2.0 of the standard Tile Matrix Set. It also
    /// has the members of version 1.0, which have other names, since GDAL 3.6 reads only these.
    pub(super) fn to_json(&self) -> Value {
        let older = (0..=MAX_ZOOM).map(|z| {
            value!({
                "identifier": z.to_string(),
                "scaleDenominator": self.pixel_and_scale(z).1,
                "topLeftCorner": self.corner,
                "tileWidth": self.tile,
                "tileHeight": self.tile,
                "matrixWidth": 1u64 << z,
                "matrixHeight": 1u64 << z,
            })
        });
        let matrices = (0..=MAX_ZOOM).map(|z| {
            let (pixel, scale) = self.pixel_and_scale(z);
            value!({
                "id": z.to_string(),
                "scaleDenominator": scale,
                "cellSize": pixel,
                "cornerOfOrigin": "topLeft",
                "pointOfOrigin": self.corner,
                "tileWidth": self.tile,
                "tileHeight": self.tile,
                "matrixWidth": 1u64 << z,
                "matrixHeight": 1u64 << z,
            })
        });
        value!({
            "id": self.id,
            "title": self.title,
            "uri": self.uri(),
            "crs": self.crs_uri(),
            "orderedAxes": ["X", "Y"],
            "wellKnownScaleSet": uri_of(self.well_known),
            "tileMatrices": matrices.collect::<Vec<_>>(),
            "type": "TileMatrixSetType",
            "identifier": self.id,
            "supportedCRS": self.crs_uri(),
            "tileMatrix": older.collect::<Vec<_>>(),
        })
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
            let (_, scale) = self.pixel_and_scale(z);
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

    /// The link from a layer to the grid in the capabilities of WMTS, as XML: for each zoom from
    /// `first` to `last`, the range of tiles that `bounds` touches.
    pub(super) fn to_link(&self, bounds: LonLatBox, (first, last): (u8, u8)) -> String {
        let mut text = format!(
            "<TileMatrixSetLink><TileMatrixSet>{}</TileMatrixSet>\n<TileMatrixSetLimits>\n",
            self.id
        );
        for z in first..=last.min(MAX_ZOOM) {
            let ([west, east], [north, south]) = touched(bounds, z);
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

    /// The ranges of tiles that `bounds` touches, as JSON: an object for each zoom from `first` to
    /// `last`.
    pub(super) fn limits(&self, bounds: LonLatBox, (first, last): (u8, u8)) -> Vec<Value> {
        let limits = (first..=last.min(MAX_ZOOM)).map(|z| {
            let ([west, east], [north, south]) = touched(bounds, z);
            value!({
                "tileMatrix": z.to_string(),
                "minTileRow": north,
                "maxTileRow": south,
                "minTileCol": west,
                "maxTileCol": east,
            })
        });
        limits.collect()
    }
}

/// The URI by which OGC API names the thing that a URN of the OGC names. If the URN states no
/// version, the URI has `0` in its place.
fn uri_of(urn: &str) -> String {
    let parts = urn.trim_start_matches("urn:ogc:def:").split(':');
    let parts = parts.map(|part| if part.is_empty() { "0" } else { part });
    format!(
        "http://www.opengis.net/def/{}",
        parts.collect::<Vec<_>>().join("/")
    )
}

/// The first and the last column, then the first and the last row, of the tiles of zoom `z` that
/// `bounds` touches.
fn touched(bounds: LonLatBox, z: u8) -> ([i64; 2], [i64; 2]) {
    let most = (1i64 << z) - 1;
    let (columns, rows) = bounds.tiles(z);
    // A box across ±180° has columns beyond the grid's edge.
    let columns = match *columns.start() < 0 || *columns.end() > most {
        true => [0, most],
        false => [*columns.start(), *columns.end()],
    };
    let rows = [*rows.start(), *rows.end()].map(|row| row.clamp(0, most));
    (columns, rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_register() {
        let [set] = &ALL;
        assert_eq!(set.crs_uri(), "http://www.opengis.net/def/crs/EPSG/0/3857");
        let scales = "http://www.opengis.net/def/wkss/OGC/1.0/GoogleMapsCompatible";
        assert_eq!(set.to_json()["wellKnownScaleSet"], scales);
    }

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
