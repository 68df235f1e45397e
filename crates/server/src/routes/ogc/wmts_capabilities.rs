//! The capabilities document of WMTS 1.0.0.

use super::OWN_STYLE;
use super::feature_info::FORMATS;
use super::tile_matrix_set::{self, ALL};
use crate::http::xml::escaped;
use crate::layers::entry::ServedLayer;
use crate::layers::layer_id::LayerId;
use heatsplat_points::MAX_ZOOM;
use heatsplat_render::{TileSize, ramps};
use std::sync::Arc;

/// Writes the capabilities document of WMTS. `base` is the server's URL.
pub(super) fn document(base: &str, layers: &[(LayerId, Arc<ServedLayer>)]) -> String {
    let base = escaped(base);
    let operations: String = ["GetCapabilities", "GetTile", "GetFeatureInfo"]
        .iter()
        .map(|name| operation(&base, name))
        .collect();
    let layers: String = layers
        .iter()
        .map(|(id, served)| layer(&base, id.as_str(), served))
        .collect();
    let sets: String = ALL.iter().map(|set| set.to_wmts()).collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <Capabilities xmlns=\"http://www.opengis.net/wmts/1.0\" \
         xmlns:ows=\"http://www.opengis.net/ows/1.1\" \
         xmlns:xlink=\"http://www.w3.org/1999/xlink\" \
         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
         xsi:schemaLocation=\"http://www.opengis.net/wmts/1.0 \
         http://schemas.opengis.net/wmts/1.0/wmtsGetCapabilities_response.xsd\" \
         version=\"1.0.0\">\n\
         <ows:ServiceIdentification><ows:Title>heatsplat</ows:Title>\
         <ows:ServiceType>OGC WMTS</ows:ServiceType>\
         <ows:ServiceTypeVersion>1.0.0</ows:ServiceTypeVersion></ows:ServiceIdentification>\n\
         <ows:OperationsMetadata>\n{operations}</ows:OperationsMetadata>\n\
         <Contents>\n{layers}{sets}</Contents>\n\
         <ServiceMetadataURL xlink:href=\"{base}/wmts/1.0.0/WMTSCapabilities.xml\"/>\n\
         </Capabilities>\n"
    )
}

fn operation(base: &str, name: &str) -> String {
    format!(
        "<ows:Operation name=\"{name}\"><ows:DCP><ows:HTTP>\
         <ows:Get xlink:href=\"{base}/wmts?\"><ows:Constraint name=\"GetEncoding\">\
         <ows:AllowedValues><ows:Value>KVP</ows:Value></ows:AllowedValues>\
         </ows:Constraint></ows:Get></ows:HTTP></ows:DCP></ows:Operation>\n"
    )
}

fn layer(base: &str, id: &str, served: &ServedLayer) -> String {
    let archive = served.source.archive();
    let title = escaped(served.name());
    let mime = archive.map_or("image/png", |info| info.mime);
    let extension = archive.map_or("png", |info| info.extension);
    let zooms = archive.map_or((0, MAX_ZOOM), |info| {
        (*info.zooms.start(), *info.zooms.end())
    });
    let bounds = served.tile_bounds(served.style(), TileSize::NORMAL);
    let link: String = tile_matrix_set::ALL
        .iter()
        .map(|set| set.to_link(bounds, zooms))
        .collect();
    let template = format!("{base}/wmts/{id}/{{Style}}/{{TileMatrixSet}}/{{TileMatrix}}");
    let (styles, infos, info_url) = match archive {
        // The tiles of an archive were drawn before.
        Some(_) => (style(OWN_STYLE, "", true), String::new(), String::new()),
        None => {
            let legend =
                format!("<LegendURL format=\"image/png\" xlink:href=\"{base}/{id}/legend.png\"/>");
            let own = style(OWN_STYLE, &legend, true);
            let ramps = ramps::all().iter().map(|ramp| style(ramp.name, "", false));
            let infos = FORMATS
                .iter()
                .map(|(name, _)| format!("<InfoFormat>{name}</InfoFormat>"));
            let info_url = format!(
                "<ResourceURL format=\"application/json\" resourceType=\"FeatureInfo\" \
                 template=\"{template}/{{TileRow}}/{{TileCol}}/{{J}}/{{I}}.json\"/>\n"
            );
            let styles = std::iter::once(own).chain(ramps).collect();
            (styles, infos.collect(), info_url)
        }
    };
    format!(
        "<Layer>\n<ows:Title>{title}</ows:Title>\n{}\
         <ows:Identifier>{id}</ows:Identifier>\n{styles}\
         <Format>{mime}</Format>\n{infos}\n{link}\
         <ResourceURL format=\"{mime}\" resourceType=\"tile\" \
         template=\"{template}/{{TileRow}}/{{TileCol}}.{extension}\"/>\n{info_url}</Layer>\n",
        world_box(bounds.edges())
    )
}

fn world_box([west, south, east, north]: [f64; 4]) -> String {
    format!(
        "<ows:WGS84BoundingBox><ows:LowerCorner>{west} {south}</ows:LowerCorner>\
         <ows:UpperCorner>{east} {north}</ows:UpperCorner></ows:WGS84BoundingBox>\n"
    )
}

fn style(name: &str, legend: &str, is_default: bool) -> String {
    let default = if is_default {
        " isDefault=\"true\""
    } else {
        ""
    };
    format!("<Style{default}><ows:Identifier>{name}</ows:Identifier>{legend}</Style>\n")
}
