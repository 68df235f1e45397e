//! The capabilities documents of WMS 1.1.1 and 1.3.0.
//!
//! The ramps are styles of the root layer, from which all layers inherit them. So a document grows
//! with the number of layers alone.

use super::OWN_STYLE;
use super::feature_info;
use super::get_map;
use super::map_crs::MapCrs;
use crate::http::xml::escaped;
use crate::layers::entry::ServedLayer;
use crate::layers::layer_id::LayerId;
use crate::routes::map::MAX_SIDE;
use heatsplat_points::LonLatBox;
use heatsplat_render::{TileSize, ramps};
use heatsplat_time::TimeWords;
use std::sync::Arc;

/// The layers that a capabilities document lists, each with its id.
type Layers = [(LayerId, Arc<ServedLayer>)];

const XLINK: &str = "xmlns:xlink=\"http://www.w3.org/1999/xlink\"";

/// Writes the capabilities document of WMS 1.3.0. `base` is the server's URL, and `attribution` the
/// credit for the data, which maps of the layers must show; `None` if there is none.
pub(super) fn document_130(base: &str, layers: &Layers, attribution: Option<&str>) -> String {
    let base = escaped(base);
    let crs = MapCrs::NAMES_130.map(|name| format!("<CRS>{name}</CRS>"));
    let inner: String = layers.iter().map(|layer| layer_130(&base, layer)).collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <WMS_Capabilities version=\"1.3.0\" xmlns=\"http://www.opengis.net/wms\" {XLINK} \
         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
         xsi:schemaLocation=\"http://www.opengis.net/wms \
         http://schemas.opengis.net/wms/1.3.0/capabilities_1_3_0.xsd\">\n\
         <Service><Name>WMS</Name><Title>heatsplat</Title>{}<LayerLimit>1</LayerLimit>\
         <MaxWidth>{MAX_SIDE}</MaxWidth><MaxHeight>{MAX_SIDE}</MaxHeight></Service>\n\
         <Capability>\n<Request>\n{}</Request>\n\
         <Exception><Format>XML</Format></Exception>\n\
         <Layer><Title>heatsplat</Title>{}\n{}{}{}{inner}</Layer>\n\
         </Capability>\n</WMS_Capabilities>\n",
        online(&base),
        operations(&base, "text/xml"),
        crs.concat(),
        geographic_130(LonLatBox::WORLD),
        credit(attribution),
        ramp_styles(),
    )
}

/// Writes the capabilities document of WMS 1.1.1; see [`document_130`].
pub(super) fn document_111(base: &str, layers: &Layers, attribution: Option<&str>) -> String {
    let base = escaped(base);
    let srs = MapCrs::NAMES_111.map(|name| format!("<SRS>{name}</SRS>"));
    let inner: String = layers.iter().map(|layer| layer_111(&base, layer)).collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <!DOCTYPE WMT_MS_Capabilities SYSTEM \
         \"http://schemas.opengis.net/wms/1.1.1/WMS_MS_Capabilities.dtd\">\n\
         <WMT_MS_Capabilities version=\"1.1.1\">\n\
         <Service><Name>OGC:WMS</Name><Title>heatsplat</Title>{}</Service>\n\
         <Capability>\n<Request>\n{}</Request>\n\
         <Exception><Format>application/vnd.ogc.se_xml</Format></Exception>\n\
         <Layer><Title>heatsplat</Title>{}\n{}{}{}{inner}</Layer>\n\
         </Capability>\n</WMT_MS_Capabilities>\n",
        online(&base),
        operations(&base, "application/vnd.ogc.wms_xml"),
        srs.concat(),
        geographic_111(LonLatBox::WORLD),
        credit(attribution),
        ramp_styles(),
    )
}

fn online(base: &str) -> String {
    format!("<OnlineResource {XLINK} xlink:type=\"simple\" xlink:href=\"{base}/wms?\"/>")
}

/// Writes the descriptions of the service's operations as XML. `base` is the server's URL, and
/// `document` the media type of the capabilities document.
fn operations(base: &str, document: &str) -> String {
    let maps = get_map::FORMATS.iter().map(|(name, _)| *name).collect();
    let infos = feature_info::FORMATS
        .iter()
        .map(|(name, _)| *name)
        .collect();
    let all: [(&str, Vec<&str>); 3] = [
        ("GetCapabilities", vec![document]),
        ("GetMap", maps),
        ("GetFeatureInfo", infos),
    ];
    let one = |(name, formats): (&str, Vec<&str>)| {
        let formats = formats
            .iter()
            .map(|format| format!("<Format>{format}</Format>"));
        format!(
            "<{name}>{}<DCPType><HTTP><Get>{}</Get></HTTP></DCPType></{name}>\n",
            formats.collect::<String>(),
            online(base)
        )
    };
    all.into_iter().map(one).collect()
}

fn ramp_styles() -> String {
    let styles = ramps::all().iter().map(|ramp| {
        let (name, about) = (ramp.name, escaped(ramp.about));
        format!(
            "<Style><Name>{name}</Name><Title>{name}</Title><Abstract>{about}</Abstract></Style>\n"
        )
    });
    styles.collect()
}

/// Writes the element `Style` for the layer's own style, with a link to its legend. The stated size
/// of the legend is right for a title and a bar of colours; a legend of categories may have another
/// size.
fn own_style(base: &str, id: &str) -> String {
    format!(
        "<Style><Name>{OWN_STYLE}</Name><Title>{OWN_STYLE}</Title>\
         <LegendURL width=\"320\" height=\"71\"><Format>image/png</Format>\
         <OnlineResource {XLINK} xlink:type=\"simple\" xlink:href=\"{base}/{id}/legend.png\"/>\
         </LegendURL></Style>\n"
    )
}

fn credit(attribution: Option<&str>) -> String {
    attribution.map_or_else(String::new, |text| {
        format!(
            "<Attribution><Title>{}</Title></Attribution>\n",
            escaped(text)
        )
    })
}

fn layer_130(base: &str, (id, served): &(LayerId, Arc<ServedLayer>)) -> String {
    let bounds = bounds(served);
    let boxes = MapCrs::NAMES_130.iter().filter_map(|name| {
        let [a, b, c, d] = MapCrs::find(name, false)?.numbers(bounds);
        Some(format!(
            "<BoundingBox CRS=\"{name}\" minx=\"{a}\" miny=\"{b}\" maxx=\"{c}\" maxy=\"{d}\"/>\n"
        ))
    });
    format!(
        "<Layer queryable=\"1\"><Name>{id}</Name><Title>{}</Title>\n{}{}{}{}</Layer>\n",
        escaped(served.name()),
        geographic_130(bounds),
        boxes.collect::<String>(),
        times_130(served),
        own_style(base, id.as_str()),
    )
}

fn layer_111(base: &str, (id, served): &(LayerId, Arc<ServedLayer>)) -> String {
    let bounds = bounds(served);
    let boxes = MapCrs::NAMES_111.iter().filter_map(|name| {
        let [a, b, c, d] = MapCrs::find(name, true)?.numbers(bounds);
        Some(format!(
            "<BoundingBox SRS=\"{name}\" minx=\"{a}\" miny=\"{b}\" maxx=\"{c}\" maxy=\"{d}\"/>\n"
        ))
    });
    format!(
        "<Layer queryable=\"1\"><Name>{id}</Name><Title>{}</Title>\n{}{}{}{}</Layer>\n",
        escaped(served.name()),
        geographic_111(bounds),
        boxes.collect::<String>(),
        times_111(served),
        own_style(base, id.as_str()),
    )
}

/// The texts in the document about a layer's times; `None` if the layer has no times.
fn time_words(served: &ServedLayer) -> Option<TimeWords> {
    let times = served.times.as_ref()?;
    Some(times.timeline.buckets().words())
}

fn times_130(served: &ServedLayer) -> String {
    time_words(served).map_or_else(String::new, |TimeWords { default, extent }| {
        format!(
            "<Dimension name=\"time\" units=\"ISO8601\" default=\"{default}\" \
             multipleValues=\"0\" nearestValue=\"0\">{extent}</Dimension>\n"
        )
    })
}

fn times_111(served: &ServedLayer) -> String {
    time_words(served).map_or_else(String::new, |TimeWords { default, extent }| {
        format!(
            "<Dimension name=\"time\" units=\"ISO8601\"/>\n\
             <Extent name=\"time\" default=\"{default}\" multipleValues=\"0\" \
             nearestValue=\"0\">{extent}</Extent>\n"
        )
    })
}

/// The box, in degrees, of everything that a layer shows. A box that crosses ±180° is replaced by
/// one of all longitudes.
fn bounds(served: &ServedLayer) -> LonLatBox {
    served.tile_bounds(served.style(), TileSize::NORMAL)
}

fn geographic_130(bounds: LonLatBox) -> String {
    let [west, south, east, north] = bounds.edges();
    format!(
        "<EX_GeographicBoundingBox><westBoundLongitude>{west}</westBoundLongitude>\
         <eastBoundLongitude>{east}</eastBoundLongitude>\
         <southBoundLatitude>{south}</southBoundLatitude>\
         <northBoundLatitude>{north}</northBoundLatitude></EX_GeographicBoundingBox>\n"
    )
}

fn geographic_111(bounds: LonLatBox) -> String {
    let [west, south, east, north] = bounds.edges();
    format!(
        "<LatLonBoundingBox minx=\"{west}\" miny=\"{south}\" maxx=\"{east}\" maxy=\"{north}\"/>\n"
    )
}
