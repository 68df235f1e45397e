//! `/tileMatrixSets` and `/tileMatrixSets/{set}`: the grids of tiles.

use super::problem::Problem;
use super::{JSON, answer, form_alone, link, own_links, put};
use crate::http::error::ApiError;
use crate::http::path::Segments;
use crate::routes::ogc::tile_matrix_set::{ALL, TileMatrixSet};
use crate::state::Server;
use axum::extract::{Request, State};
use axum::response::Response;
use serde_json::{Value, json as value};
use std::sync::Arc;

/// Answers `/tileMatrixSets`.
pub(crate) async fn list(
    State(server): State<Arc<Server>>,
    request: Request,
) -> Result<Response, Problem> {
    let form = form_alone(&request)?;
    let base = server.base_url(&request);
    let url = format!("{}/tileMatrixSets", base.url);
    let sets = ALL.iter().map(|set| {
        let href = format!("{url}/{}", set.id);
        value!({
            "id": set.id,
            "title": set.title(),
            "uri": set.uri(),
            "crs": set.crs_uri(),
            "links": [link("self", JSON, &href, set.title())],
        })
    });
    let sets: Vec<Value> = sets.collect();
    let body = value!({ "tileMatrixSets": sets, "links": own_links(&url) });
    Ok(answer(
        &server,
        &request,
        &base,
        form,
        ("Grids of tiles", &body),
    ))
}

/// Answers `/tileMatrixSets/{set}`.
pub(crate) async fn one(
    State(server): State<Arc<Server>>,
    Segments(id): Segments<String>,
    request: Request,
) -> Result<Response, Problem> {
    let form = form_alone(&request)?;
    let set = found(&id)?;
    let base = server.base_url(&request);
    let mut body = set.to_json();
    put(
        &mut body,
        "links",
        value!(own_links(&format!(
            "{}/tileMatrixSets/{}",
            base.url, set.id
        ))),
    );
    Ok(answer(&server, &request, &base, form, (set.title(), &body)))
}

/// Finds a grid of tiles by its id. An error with status 404 if there is no such grid.
pub(super) fn found(id: &str) -> Result<&'static TileMatrixSet, ApiError> {
    TileMatrixSet::find(id).ok_or(ApiError::not_found(
        "there is no such grid of tiles; see /tileMatrixSets",
    ))
}
