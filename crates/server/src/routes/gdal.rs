//! `/{layer}/gdal.xml` and `/{layer}/gdal.vrt`: what GDAL opens, and so QGIS and Mapnik.
//!
//! With `?data=float32` the densities themselves, as 32-bit floats; else colours.

use crate::http::error::Refused;
use crate::http::etag::Fingerprint;
use crate::http::path::Segments;
use crate::http::query::Query;
use crate::http::router::Server;
use crate::routes::tilejson::base;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_TYPE, VARY};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use heatsplat_points::mercator::EQUATOR_METRES;
use std::sync::Arc;

/// GDAL counts pixels in 31 bits: 2³⁰ of them a side are the most that are a whole zoom.
const DEEPEST: u32 = 22;
const TILE: u32 = 256;

/// What a band holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Data {
    Colours,
    Densities,
}

impl Data {
    fn of(query: &Query) -> Result<Self, Refused> {
        let legal = [("colors", Self::Colours), ("float32", Self::Densities)];
        Ok(query.choice("data", &legal)?.unwrap_or(Self::Colours))
    }

    fn bands(self) -> u32 {
        match self {
            Self::Colours => 4,
            Self::Densities => 1,
        }
    }

    fn kind(self) -> &'static str {
        match self {
            Self::Colours => "Byte",
            Self::Densities => "Float32",
        }
    }
}

pub(crate) async fn xml(
    State(server): State<Arc<Server>>,
    Segments(id): Segments<String>,
    request: Request,
) -> Result<Response, Refused> {
    answer(&server, &id, &request, |service, _| service.to_owned())
}

pub(crate) async fn vrt(
    State(server): State<Arc<Server>>,
    Segments(id): Segments<String>,
    request: Request,
) -> Result<Response, Refused> {
    answer(&server, &id, &request, wrapped)
}

fn answer(
    server: &Server,
    id: &str,
    request: &Request,
    write: impl Fn(&str, Data) -> String,
) -> Result<Response, Refused> {
    let served = server.layers.get(id)?;
    if served.stored().is_some() {
        return Err(Refused::not_found(
            "this layer is an archive of tiles: GDAL opens the file itself",
        ));
    }
    let query = Query::parse(request.uri().query(), &["data", "filter"])?;
    // The style must be legal, or GDAL would meet errors tile by tile.
    served.look(&query)?;
    served.filtered(&query)?;
    let data = Data::of(&query)?;
    let headers: &HeaderMap = request.headers();
    let body = write(&service(&base(server, headers), id, &query, data), data);
    let caching = server.caching(Fingerprint::new().text(&body));
    let mut response = caching
        .not_modified(headers)
        .unwrap_or_else(|| caching.label(Response::new(Body::from(body))));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    headers.insert(VARY, HeaderValue::from_static("host"));
    Ok(response)
}

/// The description of a tile service for GDAL's WMS driver.
fn service(base: &str, id: &str, query: &Query, data: Data) -> String {
    let suffix = query.suffix();
    let (extension, suffix) = match data {
        Data::Densities => ("tif", suffix),
        Data::Colours if suffix.is_empty() => ("png", "?format=rgba".to_owned()),
        Data::Colours => ("png", format!("{suffix}&format=rgba")),
    };
    let url = format!("{base}/{id}/${{z}}/${{x}}/${{y}}.{extension}{suffix}");
    let (url, edge, bands) = (escaped(&url), EQUATOR_METRES / 2.0, data.bands());
    let kind = data.kind();
    format!(
        "<GDAL_WMS>\n\
         \x20 <Service name=\"TMS\"><ServerUrl>{url}</ServerUrl></Service>\n\
         \x20 <DataWindow>\n\
         \x20   <UpperLeftX>-{edge}</UpperLeftX><UpperLeftY>{edge}</UpperLeftY>\n\
         \x20   <LowerRightX>{edge}</LowerRightX><LowerRightY>-{edge}</LowerRightY>\n\
         \x20   <TileLevel>{DEEPEST}</TileLevel>\n\
         \x20   <TileCountX>1</TileCountX><TileCountY>1</TileCountY><YOrigin>top</YOrigin>\n\
         \x20 </DataWindow>\n\
         \x20 <Projection>EPSG:3857</Projection>\n\
         \x20 <BlockSizeX>{TILE}</BlockSizeX><BlockSizeY>{TILE}</BlockSizeY>\n\
         \x20 <BandsCount>{bands}</BandsCount>\n\
         \x20 <DataType>{kind}</DataType>\n\
         \x20 <ZeroBlockHttpCodes>204,404</ZeroBlockHttpCodes>\n\
         \x20 <MaxConnections>4</MaxConnections>\n\
         \x20 <Timeout>30</Timeout>\n\
         </GDAL_WMS>\n"
    )
}

/// A virtual raster around it, for programs that know no services.
fn wrapped(service: &str, data: Data) -> String {
    let side = TILE << DEEPEST;
    let edge = EQUATOR_METRES / 2.0;
    let pixel = EQUATOR_METRES / f64::from(side);
    let kind = data.kind();
    let source = escaped(service);
    let meanings: &[&str] = match data {
        Data::Colours => &["Red", "Green", "Blue", "Alpha"],
        Data::Densities => &["Gray"],
    };
    let bands: String = (1..=data.bands())
        .zip(meanings)
        .map(|(band, meaning)| {
            format!(
                "  <VRTRasterBand dataType=\"{kind}\" band=\"{band}\" \
                 blockXSize=\"{TILE}\" blockYSize=\"{TILE}\">\n\
                 \x20   <ColorInterp>{meaning}</ColorInterp>\n\
                 \x20   <SimpleSource>\n\
                 \x20     <SourceFilename relativeToVRT=\"0\" shared=\"1\">{source}</SourceFilename>\n\
                 \x20     <SourceBand>{band}</SourceBand>\n\
                 \x20     <SrcRect xOff=\"0\" yOff=\"0\" xSize=\"{side}\" ySize=\"{side}\"/>\n\
                 \x20     <DstRect xOff=\"0\" yOff=\"0\" xSize=\"{side}\" ySize=\"{side}\"/>\n\
                 \x20     <SourceProperties RasterXSize=\"{side}\" RasterYSize=\"{side}\" \
                 DataType=\"{kind}\" BlockXSize=\"{TILE}\" BlockYSize=\"{TILE}\"/>\n\
                 \x20   </SimpleSource>\n\
                 \x20 </VRTRasterBand>\n"
            )
        })
        .collect();
    format!(
        "<VRTDataset rasterXSize=\"{side}\" rasterYSize=\"{side}\">\n\
         \x20 <SRS>EPSG:3857</SRS>\n\
         \x20 <GeoTransform>-{edge}, {pixel}, 0, {edge}, 0, -{pixel}</GeoTransform>\n\
         {bands}</VRTDataset>\n"
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
