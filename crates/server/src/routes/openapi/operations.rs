//! Operations, as OpenAPI calls them: one method at one path, with what it takes and what it
//! answers.

use crate::http::query::FIXED;
use heatsplat_render::Style;
use serde_json::{Map, Value, json as value};

/// The sockets that answer an operation. If the server has no socket for administration, the main
/// one answers everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::routes) enum Port {
    /// The main socket, for layers and the viewer.
    Layers,
    /// The socket for administration.
    Admin,
    Both,
}

/// The kind of an operation. It decides which statuses and which form the operation's errors have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OperationKind {
    /// A request for a document or a picture of one layer. Errors have the form of
    /// [`ApiError`](crate::http::error::ApiError).
    Layer,
    /// A request to a service of the OGC (WMS or WMTS). Errors are XML documents.
    Service,
    /// A request for a resource of OGC API. Errors are JSON objects by RFC 7807.
    Api,
    /// A request for a document or a file that is not about one layer.
    Server,
    /// A request that asks whether the server runs or is ready; if it isn't ready, the status is
    /// 503.
    Probe,
    /// A request that makes or changes a posted layer.
    Posting(Post),
}

/// The effect of a request on posted layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Post {
    /// Makes a layer from a query or from points.
    Make,
    /// Replaces the points of a layer.
    Replace,
    Remove,
}

/// One method at one path, as the description of the server has it.
#[derive(Clone, Copy, Debug)]
pub(in crate::routes) struct Operation {
    /// The path of the route that answers, as the router has it, like `/{layer}/{file}`.
    route: &'static str,
    /// The path in the description, like `/{layer}/map.png`. Empty if it is the path of the route.
    path: &'static str,
    id: &'static str,
    summary: &'static str,
    kind: OperationKind,
    port: Port,
    /// True if the operation takes the parameters of a style.
    has_style: bool,
    /// The names in `components.json` of the parameters besides those of a style, in groups.
    /// Parameters in the path come first.
    parameters: &'static [&'static [&'static str]],
    /// The media types of an answer without an error, each with the name in `components.json` of
    /// its schema; an empty name stands for any bytes.
    answers: &'static [(&'static str, &'static str)],
}

impl Operation {
    /// An operation of one layer, with the parameters of a style. `path` is the path in the
    /// description; empty if it is the path of the route.
    pub(super) const fn drawn(
        (route, path): (&'static str, &'static str),
        (id, summary): (&'static str, &'static str),
        parameters: &'static [&'static [&'static str]],
        answers: &'static [(&'static str, &'static str)],
    ) -> Self {
        Self {
            route,
            path,
            id,
            summary,
            kind: OperationKind::Layer,
            port: Port::Layers,
            has_style: true,
            parameters,
            answers,
        }
    }

    /// An operation without the parameters of a style.
    pub(super) const fn plain(
        route: &'static str,
        kind: OperationKind,
        (id, summary): (&'static str, &'static str),
        parameters: &'static [&'static [&'static str]],
        answers: &'static [(&'static str, &'static str)],
    ) -> Self {
        let port = match kind {
            OperationKind::Layer
            | OperationKind::Service
            | OperationKind::Api
            | OperationKind::Server => Port::Layers,
            OperationKind::Probe | OperationKind::Posting(_) => Port::Admin,
        };
        Self {
            route,
            path: "",
            id,
            summary,
            kind,
            port,
            has_style: false,
            parameters,
            answers,
        }
    }

    /// An operation of OGC API that answers with a document, as JSON or as an HTML page.
    pub(super) const fn document(
        route: &'static str,
        names: (&'static str, &'static str),
        parameters: &'static [&'static [&'static str]],
        answers: &'static [(&'static str, &'static str)],
    ) -> Self {
        Self::plain(route, OperationKind::Api, names, parameters, answers)
    }

    /// This operation, with the parameters of a style too.
    pub(super) const fn with_style(mut self) -> Self {
        self.has_style = true;
        self
    }

    /// This operation, with another path in the description than the path of the route. It is for
    /// routes that answer with several kinds of documents.
    pub(super) const fn at(mut self, path: &'static str) -> Self {
        self.path = path;
        self
    }

    /// This operation, answered by other sockets.
    pub(super) const fn on(mut self, port: Port) -> Self {
        self.port = port;
        self
    }

    /// The path of the route that answers, as the router has it.
    #[cfg(test)]
    pub(in crate::routes) fn route(&self) -> &'static str {
        self.route
    }

    pub(super) fn path(&self) -> String {
        let path = if self.path.is_empty() {
            self.route
        } else {
            self.path
        };
        // The router's mark for the rest of a path.
        path.replace("{*", "{")
    }

    pub(super) fn port(&self) -> Port {
        self.port
    }

    /// The effect of the operation on posted layers; `None` if it has none.
    pub(super) fn post(&self) -> Option<Post> {
        match self.kind {
            OperationKind::Posting(post) => Some(post),
            _ => None,
        }
    }

    pub(super) fn method(&self) -> &'static str {
        match self.post() {
            None => "get",
            Some(Post::Make) => "post",
            Some(Post::Replace) => "put",
            Some(Post::Remove) => "delete",
        }
    }

    pub(super) fn to_json(self) -> Value {
        let style = Style::PARAMETERS.iter().filter(|_| self.has_style);
        let style = style.filter(|name| !FIXED.contains(name));
        let parameters = self.parameters.iter().copied().flatten().chain(style);
        let parameters: Vec<Value> = parameters
            .map(|name| value!({ "$ref": format!("#/components/parameters/{name}") }))
            .collect();
        let mut described = value!({
            "operationId": self.id,
            "summary": self.summary,
            "parameters": parameters,
            "responses": self.responses(),
        });
        if let (Some(fields), Some(post)) = (described.as_object_mut(), self.post()) {
            // Points may need no token.
            let security = match post {
                Post::Make => value!([{ "token": [] }, {}]),
                Post::Replace | Post::Remove => value!([{ "token": [] }]),
            };
            fields.insert("security".to_owned(), security);
            if let Some(body) = body(post) {
                fields.insert("requestBody".to_owned(), body);
            }
        }
        described
    }

    /// The operation's answers in the form of OpenAPI: an object for each status.
    fn responses(&self) -> Map<String, Value> {
        let content: Map<String, Value> = self
            .answers
            .iter()
            .map(|(media_type, schema)| {
                let schema = match *schema {
                    "" => value!({ "type": "string", "format": "binary" }),
                    name => value!({ "$ref": format!("#/components/schemas/{name}") }),
                };
                ((*media_type).to_owned(), value!({ "schema": schema }))
            })
            .collect();
        let good = value!({ "description": self.summary, "content": content });
        let (statuses, errors): (&[&str], &[(&str, &str)]) = match self.kind {
            OperationKind::Layer => (
                &["200"],
                &[
                    ("400", "Bad"),
                    ("404", "Absent"),
                    ("422", "Costly"),
                    ("503", "Busy"),
                    ("504", "Late"),
                ],
            ),
            OperationKind::Service => (
                &["200"],
                &[
                    ("400", "Exception"),
                    ("422", "Exception"),
                    ("503", "Exception"),
                    ("504", "Exception"),
                ],
            ),
            OperationKind::Api => (
                &["200"],
                &[
                    ("400", "Problem"),
                    ("404", "Problem"),
                    ("422", "Problem"),
                    ("503", "Problem"),
                    ("504", "Problem"),
                ],
            ),
            OperationKind::Server => (&["200"], &[("400", "Bad"), ("404", "Absent")]),
            OperationKind::Probe => (&["200", "503"], &[("400", "Bad")]),
            OperationKind::Posting(Post::Make) => (&["200", "201"], &POST_ERRORS),
            OperationKind::Posting(Post::Replace) => (&["200"], &POST_ERRORS),
            OperationKind::Posting(Post::Remove) => (
                &["204"],
                &[
                    ("400", "Bad"),
                    ("401", "Unauthorized"),
                    ("403", "Forbidden"),
                    ("404", "Absent"),
                ],
            ),
        };
        let always = [("414", "Long"), ("421", "Host")];
        let errors = errors.iter().chain(&always).map(|(status, name)| {
            let answer = value!({ "$ref": format!("#/components/responses/{name}") });
            ((*status).to_owned(), answer)
        });
        let good = statuses.iter().map(|status| match *status {
            "204" => ("204".to_owned(), value!({ "description": self.summary })),
            status => (status.to_owned(), good.clone()),
        });
        good.chain(errors).collect()
    }
}

/// The errors of requests whose body is a query or points: each with its status, and the name of
/// its answer in `components.json`.
const POST_ERRORS: [(&str, &str); 11] = [
    ("400", "Bad"),
    ("401", "Unauthorized"),
    ("403", "Forbidden"),
    ("404", "Absent"),
    ("409", "Overtaken"),
    ("413", "Large"),
    ("415", "Bad"),
    ("422", "Costly"),
    ("429", "Many"),
    ("503", "Busy"),
    ("504", "Late"),
];

/// The media types of a body of points, besides JSON.
const ROWS: [&str; 5] = [
    "application/geo+json",
    "text/csv",
    "text/tab-separated-values",
    "application/vnd.apache.arrow.stream",
    "application/vnd.apache.arrow.file",
];

/// The description of the body of a request about a posted layer; `None` if the request has no
/// body.
fn body(post: Post) -> Option<Value> {
    let json = match post {
        Post::Make => "NewLayer",
        Post::Replace => "Rows",
        Post::Remove => return None,
    };
    let schema = value!({ "$ref": format!("#/components/schemas/{json}") });
    let mut content = Map::new();
    content.insert("application/json".to_owned(), value!({ "schema": schema }));
    for form in ROWS {
        let bytes = value!({ "schema": { "type": "string", "format": "binary" } });
        content.insert(form.to_owned(), bytes);
    }
    Some(value!({ "required": true, "content": content }))
}
