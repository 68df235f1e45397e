//! `/{layer}/time.json`: the times of a layer's points: their range, their buckets, a histogram,
//! and the length of windows that suits a map that plays.

use crate::http::error::ApiError;
use crate::http::etag::Fingerprint;
use crate::http::query::Query;
use crate::http::response::{self, json};
use crate::layers::entry::ServedLayer;
use crate::layers::filtered::time_dimension::why_timeless;
use crate::layers::windows::TimeSummary;
use crate::state::Server;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::Response;
use heatsplat_time::{EXACT_BELOW, TimeHistogram};
use serde::Serialize;

/// The largest number of bars of the histogram: a choice, some bars for each pixel of a phone.
const BARS: usize = 400;

#[derive(Serialize)]
struct TimeDocument<'a> {
    #[serde(flatten)]
    summary: TimeSummary<'a>,
    histogram: Histogram,
    suggest: Suggestion,
    /// The largest number of points in a window whose points can be selected in some milliseconds.
    exact_below: usize,
    /// The URL template of the tiles of a window. `{time}` in it stands for the window, as ISO 8601
    /// writes an interval: two instants in UTC with a `/` between them.
    tiles: String,
}

/// A histogram of the points that have a time. Each bar is a step of the calendar.
#[derive(Serialize)]
struct Histogram {
    /// The length of a bar, as ISO 8601 writes a duration, like `P1M`.
    step: String,
    /// The instant at which each bar begins, in seconds since 1970.
    starts: Vec<i64>,
    count: Vec<usize>,
    /// The sum of the weights of the points in each bar.
    sum: Vec<f64>,
}

/// A length of windows, and the step by which a map that plays moves its window, each as ISO 8601
/// writes a duration, like `P7D`.
#[derive(Serialize)]
struct Suggestion {
    window: &'static str,
    step: &'static str,
}

pub(crate) fn get(
    server: &Server,
    served: &ServedLayer,
    id: &str,
    request: &Request,
) -> Result<Response, ApiError> {
    if !Query::is_empty(request.uri().query()) {
        return Err(ApiError::bad_request("time.json takes no parameters"));
    }
    let Some(times) = &served.times else {
        return Err(ApiError::not_found(why_timeless(served)));
    };
    let base = server.base_url(request);
    let TimeHistogram { bars, counts, sums } = times.timeline.histogram(BARS);
    let (window, step) = times.timeline.suggestion();
    let starts = (0..bars.count() as u32).map(|bar| bars.border(bar).div_euclid(1_000_000));
    let document = TimeDocument {
        summary: TimeSummary::new(&times.timeline),
        histogram: Histogram {
            step: bars.step().to_string(),
            starts: starts.collect(),
            count: counts,
            sum: sums,
        },
        suggest: Suggestion { window, step },
        exact_below: EXACT_BELOW,
        tiles: format!("{}/{id}/{{z}}/{{x}}/{{y}}.png?time={{time}}", base.url),
    };
    let body = serde_json::to_string(&document).map_err(|_| ApiError::internal())?;
    let fingerprint = Fingerprint::new().text(&body).then(served.fingerprint);
    let headers = server.cache_headers(fingerprint);
    let answer = || json(StatusCode::OK, body);
    let response = response::cached_unless_known(&headers, request.headers(), answer);
    Ok(base.guard(response))
}
