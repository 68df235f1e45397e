//! HTTP: the paths and queries of requests, and the headers and errors of answers.

pub(crate) mod error;
pub(crate) mod error_body;
pub(crate) mod etag;
pub(crate) mod path;
pub(crate) mod query;
pub(crate) mod request_counts;
pub(crate) mod response;
pub(crate) mod timing;
