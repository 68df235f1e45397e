//! An operation of a route, which states what the route takes and what it answers.

use crate::http::query::FIXED;
use heatsplat_render::Style;
use serde_json::{Map, Value, json as value};

/// The sockets that answer an operation, if the server has one for administration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::routes) enum Port {
    /// The main one, for layers and the viewer.
    Layers,
    /// The one for administration; the main one if there is no other.
    Admin,
    Both,
}

/// The kind of an operation, on which its errors depend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OperationKind {
    /// A request for a document or a picture of one layer.
    Layer,
    /// A request to a service of the OGC, whose errors are the standard's exceptions.
    Service,
    /// A request for a resource of OGC API, whose errors are those of RFC 7807.
    Api,
    /// A request for a document or file about all of the server.
    Server,
    /// A probe, which has another status while the server isn't ready.
    Probe,
    /// A request that makes or changes a posted layer.
    Posting(Post),
}

/// The effect of a request on a posted layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Post {
    /// Makes a layer of a query or of points.
    Make,
    /// Puts other points in place of those of a layer.
    Replace,
    Remove,
}

/// One method at one path, as the description of the server has it.
#[derive(Clone, Copy, Debug)]
pub(in crate::routes) struct Operation {
    /// The path of the route that answers, in the router's words.
    route: &'static str,
    /// The path in the description; empty if it is the route's.
    path: &'static str,
    id: &'static str,
    summary: &'static str,
    kind: OperationKind,
    port: Port,
    /// True if the operation takes the parameters of a style.
    has_style: bool,
    /// The names of the other parameters in `components.json`, in groups. Those of paths come
    /// first.
    parameters: &'static [&'static [&'static str]],
    /// The media types of a good answer, each with the name of its schema in `components.json`; an
    /// empty name stands for bytes.
    answers: &'static [(&'static str, &'static str)],
}

impl Operation {
    /// An operation of one layer, with the parameters of a style.
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

    /// An operation of one layer or of the server, without the parameters of a style.
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

    /// An operation of OGC API, which answers a document as JSON or as a page.
    pub(super) const fn document(
        route: &'static str,
        names: (&'static str, &'static str),
        parameters: &'static [&'static [&'static str]],
        answers: &'static [(&'static str, &'static str)],
    ) -> Self {
        Self::plain(route, OperationKind::Api, names, parameters, answers)
    }

    /// An operation that takes the parameters of a style too.
    pub(super) const fn with_style(mut self) -> Self {
        self.has_style = true;
        self
    }

    /// An operation with the path of the description, where several documents share a route.
    pub(super) const fn at(mut self, path: &'static str) -> Self {
        self.path = path;
        self
    }

    /// An operation that another socket answers.
    pub(super) const fn on(mut self, port: Port) -> Self {
        self.port = port;
        self
    }

    /// The path of the route that answers, in the router's words.
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

    /// The effect of the operation on a posted layer; `None` if it only reads.
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

    /// The answers by their statuses.
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

/// The errors of requests whose body is a query or points, by their statuses.
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

/// The forms of a body of points, besides JSON.
const ROWS: [&str; 5] = [
    "application/geo+json",
    "text/csv",
    "text/tab-separated-values",
    "application/vnd.apache.arrow.stream",
    "application/vnd.apache.arrow.file",
];

/// The body of a request about a posted layer; `None` if it has none.
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
