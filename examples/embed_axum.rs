//! A tile route of an axum server that has other things to do too.
//!
//!     cargo run --release --example embed_axum             # http://127.0.0.1:3000/0/0/0

use axum::extract::{Path, State};
use axum::http::{StatusCode, header::CONTENT_TYPE};
use axum::response::IntoResponse;
use axum::{Router, body::Bytes, routing::get};
use heatsplat::{ImageFormat, Layer, Points, Style, TileId};
use std::error::Error;
use std::sync::Arc;

async fn tile(
    State(layer): State<Arc<Layer>>,
    Path((z, x, y)): Path<(u8, u32, u32)>,
) -> Result<impl IntoResponse, (StatusCode, String)> {
    let tile = TileId::new(z, x, y).map_err(|e| (StatusCode::NOT_FOUND, e.to_string()))?;
    // A tile takes a fraction of a millisecond; larger pictures belong on `spawn_blocking`
    let bytes = layer.tile(tile).png();
    let bytes = bytes.map_err(|e| (StatusCode::INTERNAL_SERVER_ERROR, e.to_string()))?;
    Ok((
        [(CONTENT_TYPE, ImageFormat::Png.mime())],
        Bytes::from_owner(bytes),
    ))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let points = Points::from_lon_lat(heatsplat::generate::points(1_000_000, 1))?;
    let layer = Arc::new(Layer::on_cpu("made up", points, Style::default()));
    let app = Router::new()
        .route("/{z}/{x}/{y}", get(tile))
        .with_state(layer);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    println!("http://{}/0/0/0", listener.local_addr()?);
    Ok(axum::serve(listener, app).await?)
}
