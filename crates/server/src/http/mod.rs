//! HTTP: the router, paths and queries, error answers, ETags and `Server-Timing`.

pub(crate) mod error;
pub(crate) mod error_body;
pub(crate) mod etag;
pub(crate) mod path;
pub(crate) mod query;
pub(crate) mod router;
pub(crate) mod timing;
