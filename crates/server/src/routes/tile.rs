//! `/{layer}/{z}/{x}/{y}[@2x].{png,npy,tif,dem.png}`: tiles, addressed by zoom, column and
//! row.

use super::archive;
use crate::cache::CacheOutcome;
use crate::cache::keys::{CachedTile, StyleKey, TileKey};
use crate::cost::Work;
use crate::http::error::ApiError;
use crate::http::etag::Fingerprint;
use crate::http::path::TilePath;
use crate::http::query::Query;
use crate::http::response;
use crate::layers::entry::LayerSource;
use crate::render;
use crate::state::Server;
use axum::extract::{Request, State};
use axum::response::Response;
use heatsplat_points::{TileId, Window};
use heatsplat_render::View;
use std::sync::{Arc, OnceLock};
use tracing::Instrument as _;

/// The tile mirrored at the equator, at the same zoom and column: its row has the number, counted
/// from the south, that the row of `tile` has counted from the north.
fn upside_down(tile: TileId) -> TileId {
    let last = (1u32 << tile.z()) - 1;
    TileId::new(tile.z(), tile.x(), last - tile.y()).unwrap_or(tile)
}

pub(crate) async fn get(
    State(server): State<Arc<Server>>,
    path: TilePath,
    request: Request,
) -> Result<Response, ApiError> {
    let served = server.layer(&path.layer, &request)?;
    let file = path.file?;
    let tile = file.tile;
    if let LayerSource::Archive(archive) = &served.source {
        let request = (request.uri().query(), request.headers());
        return archive::tile(&server, Arc::clone(archive), &file, request).await;
    }
    let own = [
        "tms",
        "size",
        "format",
        "range",
        "filter",
        "time",
        "datetime",
        "time_scale",
    ];
    let query = Query::parse(request.uri().query(), &own)?;
    let tile = if query.is_tms()? {
        upside_down(tile)
    } else {
        tile
    };
    let format = query.picture_format(&file.extension)?;
    let size = query.tile_size(file.ratio)?;
    let wanted = served.prepare(query)?;
    let (ratio, pixels) = (size.ratio(), size.pixels());

    let numbers = [
        u64::from(tile.z()),
        u64::from(tile.x()),
        u64::from(tile.y()),
        u64::from(pixels),
        u64::from(ratio),
    ]
    .into_iter()
    .fold(Fingerprint::new().text("tile"), Fingerprint::number);
    let fingerprint = numbers.text(&format!("{format:?}"));
    let headers = wanted.cache_headers(fingerprint, &server.cache_control);
    let is_live = wanted.layer.is_live();
    if !is_live && let Some(response) = response::not_modified(&headers, request.headers()) {
        return Ok(response);
    }
    let key = TileKey {
        version: wanted.layer.version,
        tile,
        size,
        format,
        style: StyleKey::new(&wanted.style),
    };
    let (z, x, y) = (tile.z(), tile.x(), tile.y());
    let span = tracing::debug_span!("tile", layer = path.layer, z, x, y);
    let mut drawn: Option<Arc<OnceLock<_>>> = None;
    let draw = || {
        let (server, timing) = (
            Arc::clone(&server),
            Arc::clone(drawn.insert(Arc::default())),
        );
        let draw = async move {
            let colored = !format.is_density();
            let scale = wanted
                .style
                .scale_work(render::level(tile.z(), pixels / ratio));
            let scale = scale.filter(|_| colored);
            let picture = Work::Picture(Window::tile(tile, pixels), ratio);
            let level = colored.then(|| wanted.style.style.level_in(View::tile(tile, size)));
            let work = wanted.check_cost(level, [picture].into_iter().chain(scale))?;
            let drawn = wanted.tile(&server, work, tile, size, format).await?;
            timing.get_or_init(|| drawn.timing);
            Ok(CachedTile::new(drawn.bytes, drawn.is_repeatable))
        };
        draw.instrument(span)
    };
    let is_good = |cached: &CachedTile| cached.is_repeatable && (!is_live || cached.is_fresh());
    let (cached, outcome) = match server.tiles.get(&key, is_good, draw).await {
        // If a new tile of a live layer can't be drawn for now, the last one is sent.
        Err(error) if is_live && error.is_temporary() => {
            let last = server.tiles.peek(&key).filter(CachedTile::is_usable_stale);
            (last.ok_or(error)?, CacheOutcome::Stale)
        }
        other => other?,
    };
    let headers = (!is_live).then_some(&headers);
    let response = match cached.is_repeatable {
        true => server.picture(headers, request.headers(), format, cached.bytes),
        false => response::unrepeatable(format, cached.bytes),
    };
    Ok(match drawn.as_ref().and_then(|timing| timing.get()) {
        Some(timing) => response::with_server_timing(response, timing),
        None => response::with_cache_timing(response, outcome.name()),
    })
}
