//! HTTP: paths, queries and headers of requests, headers and errors of answers, and counts of
//! requests.

pub(crate) mod access_log;
pub(crate) mod answer_bytes;
pub(crate) mod compression;
pub(crate) mod connection_info;
pub(crate) mod cors;
pub(crate) mod error;
pub(crate) mod error_body;
pub(crate) mod etag;
pub(crate) mod host;
pub(crate) mod layer_keys;
pub(crate) mod origin;
pub(crate) mod path;
pub(crate) mod query;
pub(crate) mod ranges;
pub(crate) mod request_counts;
pub(crate) mod response;
pub(crate) mod timing;
pub(crate) mod xml;
