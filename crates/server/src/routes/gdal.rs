//! `/{layer}/gdal.xml` and `/{layer}/gdal.vrt`: documents by which GDAL reads the layer's tiles.
//! QGIS and Mapnik can open these documents too, since they use GDAL.
//!
//! With `?data=float32` the raster has densities as 32-bit floats. Otherwise it has colours.

use crate::http::error::ApiError;
use crate::http::etag::Fingerprint;
use crate::http::path::Segments;
use crate::http::query::Query;
use crate::http::response;
use crate::http::xml::escaped;
use crate::state::Server;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::response::Response;
use heatsplat_points::mercator::EQUATOR_METRES;
use std::sync::Arc;

/// The deepest zoom that GDAL can address. GDAL counts pixels in signed 32-bit integers, so the
/// world can be at most 2³⁰ pixels wide: 2²² tiles of 256 pixels.
const MAX_LEVEL: u32 = 22;
const TILE: u32 = 256;

/// The contents of the raster that GDAL sees: four bands of colours with opacity, or one band of
/// densities.
#[derive(Clone, Copy, PartialEq, Eq)]
enum BandContent {
    Colors,
    Densities,
}

impl BandContent {
    fn from_query(query: &Query) -> Result<Self, ApiError> {
        let legal = [("colors", Self::Colors), ("float32", Self::Densities)];
        Ok(query.choice("data", &legal)?.unwrap_or(Self::Colors))
    }

    fn bands(self) -> u32 {
        match self {
            Self::Colors => 4,
            Self::Densities => 1,
        }
    }

    fn data_type(self) -> &'static str {
        match self {
            Self::Colors => "Byte",
            Self::Densities => "Float32",
        }
    }
}

pub(crate) async fn xml(
    State(server): State<Arc<Server>>,
    Segments(id): Segments<String>,
    request: Request,
) -> Result<Response, ApiError> {
    answer(&server, &id, &request, |service, _| service.to_owned())
}

pub(crate) async fn vrt(
    State(server): State<Arc<Server>>,
    Segments(id): Segments<String>,
    request: Request,
) -> Result<Response, ApiError> {
    answer(&server, &id, &request, wrapped)
}

fn answer(
    server: &Server,
    id: &str,
    request: &Request,
    write: impl Fn(&str, BandContent) -> String,
) -> Result<Response, ApiError> {
    let served = server.layer(id, request)?;
    if served.archive_extension().is_some() {
        return Err(ApiError::not_found(
            "this layer is an archive of tiles: GDAL opens the file itself",
        ));
    }
    let query = Query::parse(request.uri().query(), &["data", "filter"])?;
    // The style is checked here too. Otherwise GDAL would get an error for each tile instead of one
    // for the document.
    let query = served.prepare(query)?.query;
    let content = BandContent::from_query(&query)?;
    let base = server.base_url(request);
    let body = write(&service(&base.url, id, &query, content), content);
    let headers = server.cache_headers(Fingerprint::new().text(&body));
    let mut response = response::cached_unless_known(&headers, request.headers(), || {
        Response::new(Body::from(body))
    });
    let xml = HeaderValue::from_static("application/xml");
    response.headers_mut().insert(CONTENT_TYPE, xml);
    Ok(base.guard(response))
}

/// The document `gdal.xml`: a description of the tiles for GDAL's driver WMS, which also reads XYZ
/// tiles.
fn service(base: &str, id: &str, query: &Query, content: BandContent) -> String {
    let suffix = query.suffix();
    let (extension, suffix) = match content {
        BandContent::Densities => ("tif", suffix),
        BandContent::Colors if suffix.is_empty() => ("png", "?format=rgba".to_owned()),
        BandContent::Colors => ("png", format!("{suffix}&format=rgba")),
    };
    let url = format!("{base}/{id}/${{z}}/${{x}}/${{y}}.{extension}{suffix}");
    let (url, edge, bands) = (escaped(&url), EQUATOR_METRES / 2.0, content.bands());
    let kind = content.data_type();
    format!(
        "<GDAL_WMS>\n\
         \x20 <Service name=\"TMS\"><ServerUrl>{url}</ServerUrl></Service>\n\
         \x20 <DataWindow>\n\
         \x20   <UpperLeftX>-{edge}</UpperLeftX><UpperLeftY>{edge}</UpperLeftY>\n\
         \x20   <LowerRightX>{edge}</LowerRightX><LowerRightY>-{edge}</LowerRightY>\n\
         \x20   <TileLevel>{MAX_LEVEL}</TileLevel>\n\
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

/// The document `gdal.vrt`: a virtual raster whose source is `service`, the text of the document
/// `gdal.xml`. It is for programs that open nothing but files.
fn wrapped(service: &str, content: BandContent) -> String {
    let side = TILE << MAX_LEVEL;
    let edge = EQUATOR_METRES / 2.0;
    let pixel = EQUATOR_METRES / f64::from(side);
    let kind = content.data_type();
    let source = escaped(service);
    let meanings: &[&str] = match content {
        BandContent::Colors => &["Red", "Green", "Blue", "Alpha"],
        BandContent::Densities => &["Gray"],
    };
    let bands: String = (1..=content.bands())
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
