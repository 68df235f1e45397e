//! `/openapi.json`: a description of all routes by OpenAPI 3.0, from which clients and forms for
//! requests are made.
//!
//! The routes are listed in `table.rs`; parameters, answers and their schemas are in
//! `components.json`. The tests find routes without a description and parameters that a route
//! takes without listing them.

mod operations;
mod table;

use crate::http::connection_info::ConnectionInfo;
use crate::http::error::ApiError;
use crate::http::query::Query;
use crate::layers::entry::ServedLayer;
use crate::layers::layer_id::LayerId;
use crate::routes::ogc;
use crate::state::Server;
use axum::extract::{Request, State};
use axum::response::Response;
use operations::{Operation, Port, Post};
use serde_json::{Map, Value, json as value};
use std::sync::Arc;
use table::OPERATIONS;

/// The media type of descriptions by OpenAPI 3.0 in JSON.
pub(super) const MEDIA_TYPE: &str = "application/vnd.oai.openapi+json;version=3.0";

/// The parameters, answers and schemas to which the operations refer by name.
const COMPONENTS: &str = include_str!("components.json");

pub(crate) async fn get(
    State(server): State<Arc<Server>>,
    request: Request,
) -> Result<Response, ApiError> {
    if !Query::is_empty(request.uri().query()) {
        return Err(ApiError::bad_request("openapi.json takes no parameters"));
    }
    let base = server.base_url(&request);
    let info = request.extensions().get::<Arc<ConnectionInfo>>();
    let is_admin = info.is_some_and(|info| info.is_admin);
    let has_admin = server.config.admin_listen.is_some();
    let (queries, points) = (&server.config.posting, &server.config.points);
    let is_here = |operation: &&Operation| {
        let is_taken = match operation.post() {
            None => true,
            Some(Post::Make | Post::Remove) => queries.is_some() || points.is_some(),
            Some(Post::Replace) => points.is_some(),
        };
        let is_on = match operation.port() {
            Port::Both => true,
            Port::Layers => !is_admin,
            // Pages post points to the main port.
            Port::Admin => {
                is_admin || !has_admin || (operation.post().is_some() && points.is_some())
            }
        };
        is_taken && is_on
    };
    // A client of the port for administration finds the paths beside this document.
    let url = if is_admin { "/" } else { &base.url };
    let (layers, _) = server.open_layers(&request);
    let text = document(
        url,
        OPERATIONS.iter().filter(is_here),
        &layers,
        server.layers.has_keys(),
    )
    .ok_or_else(ApiError::internal)?;
    Ok(ogc::document(&server, &request, &base, MEDIA_TYPE, text))
}

/// Writes the description of `operations`, whose paths follow the URL `base`. The ids of `layers`
/// are the legal values of parameters that name a layer. If `has_keys` is true, the description
/// says how requests send the keys of layers. `None` if `components.json` is no JSON object, which
/// a test rules out.
fn document<'a>(
    base: &str,
    operations: impl Iterator<Item = &'a Operation>,
    layers: &[(LayerId, Arc<ServedLayer>)],
    has_keys: bool,
) -> Option<String> {
    let mut components: Value = serde_json::from_str(COMPONENTS).ok()?;
    let parameters = components.get_mut("parameters")?;
    let ids = |only_drawn: bool| {
        let listed = layers
            .iter()
            .filter(|(_, served)| !only_drawn || served.source.archive().is_none());
        listed.map(|(id, _)| id.as_str()).collect::<Vec<_>>()
    };
    for (name, ids) in [("layer", ids(false)), ("drawn_layer", ids(true))] {
        let schema = parameters.get_mut(name)?.get_mut("schema")?;
        // A list of legal values must not be empty.
        if !ids.is_empty() {
            *schema = value!({ "type": "string", "enum": ids });
        }
    }
    let mut schemes = Map::new();
    let token = value!({ "type": "http", "scheme": "bearer" });
    schemes.insert("token".to_owned(), token.clone());
    if has_keys {
        schemes.insert("key".to_owned(), token);
        let parameter = value!({ "type": "apiKey", "in": "query", "name": "key" });
        schemes.insert("keyParameter".to_owned(), parameter);
    }
    let all = components.as_object_mut()?;
    all.insert("securitySchemes".to_owned(), Value::Object(schemes));
    let mut paths = Map::new();
    for operation in operations {
        let path = paths
            .entry(operation.path())
            .or_insert_with(|| Value::Object(Map::new()));
        let described = operation.to_json();
        path.as_object_mut()?
            .insert(operation.method().to_owned(), described);
    }
    let mut document = value!({
        "openapi": "3.0.3",
        "info": {
            "title": "heatsplat",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Heat maps of points: tiles, maps, legends, values and services for \
                            GIS programs.",
            "license": { "name": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": base }],
        "paths": paths,
        "components": components,
    });
    if has_keys {
        let security = value!([{}, { "key": [] }, { "keyParameter": [] }]);
        document
            .as_object_mut()?
            .insert("security".to_owned(), security);
    }
    serde_json::to_string(&document).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routes::router;
    use heatsplat_render::Style;
    use std::collections::BTreeSet;

    fn whole() -> Value {
        let text = document("http://a", OPERATIONS.iter(), &[], true).unwrap();
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn every_route_has_a_description() {
        let described: BTreeSet<&str> = OPERATIONS.iter().map(Operation::route).collect();
        let routed: BTreeSet<&str> = router::paths().collect();
        assert_eq!(described, routed);
        // Only the tables, from which the paths above come, add routes.
        for source in [
            include_str!("../router.rs"),
            include_str!("../viewer.rs"),
            include_str!("../../listen.rs"),
        ] {
            assert!(source.matches(".route(").count() <= 1);
        }
    }

    /// All objects in a document that refer to a part of it, by the path of that part.
    fn references(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    match value.as_str().filter(|_| name == "$ref") {
                        Some(path) => {
                            found.insert(path.to_owned());
                        }
                        None => references(value, found),
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }

    #[test]
    fn references_lead_to_components_and_each_component_is_used() {
        let document = whole();
        let mut used = BTreeSet::new();
        references(&document, &mut used);
        for path in &used {
            let pointer = path.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{path}");
        }
        for kind in ["parameters", "responses", "schemas"] {
            for name in document["components"][kind].as_object().unwrap().keys() {
                let path = format!("#/components/{kind}/{name}");
                assert!(used.contains(&path), "{path}");
            }
        }
    }

    #[test]
    fn paths_have_their_parameters_and_operations_a_name_of_their_own() {
        let document = whole();
        let mut names = BTreeSet::new();
        for operation in OPERATIONS {
            let described = &document["paths"][operation.path()][operation.method()];
            let id = described["operationId"].as_str().unwrap();
            assert!(names.insert(id), "{id}");
            let parameters = described["parameters"].as_array().unwrap();
            let parameters = parameters.iter().map(|parameter| {
                let path = parameter["$ref"].as_str().unwrap();
                document.pointer(path.trim_start_matches('#')).unwrap()
            });
            let in_path = parameters.filter(|parameter| parameter["in"] == "path");
            let in_path: Vec<String> = in_path
                .map(|parameter| format!("{{{}}}", parameter["name"].as_str().unwrap()))
                .collect();
            let path = operation.path();
            assert_eq!(path.matches('{').count(), in_path.len(), "{path}");
            assert!(in_path.iter().all(|name| path.contains(name)), "{path}");
        }
    }

    #[test]
    fn all_parameters_of_styles_are_described() {
        let document = whole();
        let parameters = document["components"]["parameters"].as_object().unwrap();
        for name in Style::PARAMETERS {
            // A request can't choose it.
            assert_eq!(parameters.contains_key(name), name != "precision", "{name}");
        }
    }
}
