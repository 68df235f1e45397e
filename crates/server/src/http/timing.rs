//! What a request's time was spent on: for `Server-Timing` and for `/metrics`.

use crate::cache::Way;
use axum::http::{HeaderName, HeaderValue};
use axum::response::Response;
use heatsplat_render::Timings;
use std::fmt::Write as _;
use std::time::Duration;

const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");
/// Which hosts' pages may see it in their own measurements.
const TIMING_ALLOW_ORIGIN: HeaderName = HeaderName::from_static("timing-allow-origin");

/// Time of a picture.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Spent {
    /// Waiting for a turn at drawing.
    pub(crate) queued: Duration,
    pub(crate) stages: Timings,
}

impl Spent {
    /// As browsers show it beside a request: names and milliseconds.
    fn text(&self) -> String {
        let mut text = String::new();
        let stages = self.stages.iter().map(|(stage, took)| (stage.name(), took));
        for (name, took) in std::iter::once(("queue", self.queued)).chain(stages) {
            let comma = if text.is_empty() { "" } else { ", " };
            // Writing to a string can't fail.
            let _ = write!(text, "{comma}{name};dur={:.3}", took.as_secs_f64() * 1e3);
        }
        text
    }
}

/// Tells how an answer was come by, and what its time was spent on.
pub(crate) fn tell(mut response: Response, way: Way, spent: Option<&Spent>) -> Response {
    let value = match (way, spent) {
        (Way::Hit, _) => HeaderValue::from_static("cache;desc=\"hit\""),
        (Way::Stale, _) => HeaderValue::from_static("cache;desc=\"stale\""),
        (Way::Made, Some(spent)) => match HeaderValue::try_from(spent.text()) {
            Ok(value) => value,
            Err(_) => return response,
        },
        (Way::Shared | Way::Made, _) => HeaderValue::from_static("cache;desc=\"shared\""),
    };
    let headers = response.headers_mut();
    headers.insert(SERVER_TIMING, value);
    headers.insert(TIMING_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}
