//! Tests of the server as its clients see it: of routes, which are called without a socket, and of
//! the server on a port.
#![expect(clippy::unwrap_used, reason = "what is not there fails the test")]

mod access;
mod answers;
mod app;
mod backends;
#[allow(dead_code, reason = "what the model has no use for")]
mod cache;
mod cached;
mod costs;
mod dialects;
mod filters;
mod listen;
mod metrics;
mod model;
mod ogc;
mod ogc_api;
mod openapi;
mod points;
mod posting;
mod queue;
mod queue_model;
mod routes;
mod sync;
mod times;
mod transfers;
mod transport;
mod values;
mod views;
