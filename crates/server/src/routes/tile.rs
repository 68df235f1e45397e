//! `/{layer}/{z}/{x}/{y}[@2x].{png,webp,npy,tif,dem.png}`: tiles in the XYZ scheme.

use crate::cache::Way;
use crate::cache::keys::{Kept, SameLook, TileKey};
use crate::cost::{self, Work};
use crate::http::error::{Refused, shown};
use crate::http::etag::Fingerprint;
use crate::http::path::{self, File, Segments};
use crate::http::query::Query;
use crate::http::router::Server;
use crate::http::timing;
use crate::layers::archived;
use crate::layers::entry::Data;
use crate::render;
use crate::routes::dem;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use heatsplat_points::Window;
use heatsplat_render::TileSize;
use heatsplat_render::encode::{EncodeError, ImageFormat};
use heatsplat_render::say;
use std::sync::Arc;

/// The extension of values that are written as colours.
pub(crate) const DEM: &str = "dem.png";

/// What a picture can be written as, as extensions.
const FORMATS: [ImageFormat; 4] = [
    ImageFormat::Png,
    ImageFormat::WebP,
    ImageFormat::Npy,
    ImageFormat::Tiff,
];

pub(crate) async fn get(
    State(server): State<Arc<Server>>,
    Segments((id, z, x, y)): Segments<(String, String, String, String)>,
    request: Request,
) -> Result<Response, Refused> {
    let served = server.layers.get(&id)?;
    let file = File::parse(&y)
        .ok_or_else(|| Refused::bad(format!("a tile's address ends in {}", extensions())))?;
    let tile = path::tile(&z, &x, file.stem)?;
    if let Data::Stored(stored) = &served.data {
        let asked = (request.uri().query(), request.headers());
        return archived::tile(&server, Arc::clone(stored), &file, tile, asked).await;
    }
    let query = Query::parse(
        request.uri().query(),
        &["size", "format", "range", "filter"],
    )?;
    let format = format(&file, &query)?;
    let size = size(&query, file.ratio)?;
    let look = served.look(&query)?;
    let served = served.filtered(&query)?;
    let level = render::level(tile.z(), size.pixels() / size.ratio());
    let measured = look.measured(level).filter(|_| !format.is_density());
    let window = Window::tile(tile, size.pixels());

    let fingerprint = [
        u64::from(tile.z()),
        u64::from(tile.x()),
        u64::from(tile.y()),
    ]
    .into_iter()
    .chain([u64::from(size.pixels()), u64::from(size.ratio())])
    .fold(Fingerprint::new().text("tile"), Fingerprint::number)
    .text(&format!("{format:?}"))
    .then(served.fingerprint)
    .then(look.fingerprint);
    let caching = server.caching(fingerprint);
    let live = served.is_live();
    if !live && let Some(response) = caching.not_modified(request.headers()) {
        return Ok(response);
    }
    let key = TileKey {
        version: served.version,
        tile,
        size,
        format,
        look: SameLook(Arc::clone(&look)),
    };
    let mut spent = None;
    let draw = async {
        let work = [Work::Picture(window, size.ratio())].into_iter();
        cost::bound(&served, &query, &look, work.chain(measured))?;
        let drawn = served.tile(&server, tile, size, look, format);
        let (bytes, took) = drawn.await?;
        spent = Some(took);
        Ok(Kept::new(bytes))
    };
    let good = |kept: &Kept| !live || kept.is_fresh();
    let (kept, way) = match server.tiles.get(&key, good, draw).await {
        // As it was a while ago, if its rows are away now.
        Err(refused) if live && refused.is_passing() => {
            let last = server.tiles.peek(&key).filter(Kept::is_bearable);
            (last.ok_or(refused)?, Way::Stale)
        }
        other => other?,
    };
    let response = if live {
        server.fresh(request.headers(), format, kept.bytes)
    } else {
        caching.label(picture(format, kept.bytes))
    };
    Ok(timing::tell(response, way, spent.as_ref()))
}

/// The size of tiles that `size` asks for, with `ratio` pixels to a CSS pixel.
pub(crate) fn size(query: &Query, ratio: u32) -> Result<TileSize, Refused> {
    let css = query.choice("size", &[("256", 256), ("512", 512)])?;
    let size = TileSize::new(css.unwrap_or(256), ratio);
    size.ok_or_else(|| Refused::bad("size can't be drawn: expected 256 or 512"))
}

/// The format of a picture's address; `format=rgba` asks for PNG without a palette.
pub(crate) fn format(file: &File<'_>, query: &Query) -> Result<ImageFormat, Refused> {
    if file.extension == DEM {
        let range = query.get("range").map(dem::range).transpose()?;
        let missing = "a .dem.png needs range=lo,hi; /{layer}/dem.json has addresses with one";
        return range.map(ImageFormat::Dem).ok_or(Refused::bad(missing));
    }
    let known = FORMATS
        .into_iter()
        .find(|format| format.extension() == file.extension);
    let format = known.ok_or_else(|| {
        let extension = shown(file.extension);
        Refused::bad(format!(
            "the extension can't be `{extension}`: expected {}",
            extensions()
        ))
    })?;
    let rgba = query.choice("format", &[("palette", false), ("rgba", true)])?;
    match (rgba, format) {
        (None, _) | (Some(false), ImageFormat::Png) => Ok(format),
        (Some(true), ImageFormat::Png) => Ok(ImageFormat::PngRgba),
        _ => Err(Refused::bad(
            "format says how a .png stores its colours; others have one way",
        )),
    }
}

fn extensions() -> String {
    let names = FORMATS.map(|format| format!(".{}", format.extension()));
    format!("{}, .{DEM}", names.join(", "))
}

/// An answer of an image file.
pub(crate) fn picture(format: ImageFormat, bytes: Bytes) -> Response {
    let mut response = Response::new(Body::from(bytes));
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(format.mime()));
    response
}

/// Sizes are checked before anything is drawn, so an encoder that refuses is our fault, unless
/// there is no number for what the weights add up to.
pub(crate) fn failed(error: &EncodeError) -> Refused {
    if matches!(error, EncodeError::Beyond) {
        return Refused::with(StatusCode::UNPROCESSABLE_ENTITY, error.to_string());
    }
    say!("heatsplat: a picture could not be written: {error}");
    Refused::internal()
}
