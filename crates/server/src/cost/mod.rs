//! Estimates of the time that a request takes on one processor core. They are made before anything
//! is drawn, so that expensive requests can be refused.
//!
//! The operator of the server may give a layer any style, however long its pictures take. A request
//! may choose another style if one core can draw its picture within [`MAX_TIME`]. The estimate
//! depends on the style, the picture's size, and the number of points and cells in the picture,
//! which the index counts without reading them. So an estimate takes about 30 µs. No estimate is
//! made for a cached answer, or for a picture with the overlap, kernel and radius of the layer's
//! own style.

mod data_profile;
mod own_style;
mod population;
mod splatting;

use crate::http::error::{ApiError, shown};
use crate::style::ResolvedStyle;
use axum::http::StatusCode;
pub(crate) use data_profile::{DataProfile, LIVE_DENSEST, LIVE_SPREAD};
use heatsplat_points::{Point, Window};
use heatsplat_render::unit_costs as ns;
use heatsplat_render::{BlendMode, Layer, MarkerStamp, Shape, Style, Transform, View};
pub use own_style::{OwnStyleError, check_own_style};
use std::sync::PoisonError;
use std::time::Duration;

/// The longest estimated time that a request may take on one processor core. A choice.
const MAX_TIME: Duration = Duration::from_secs(2);

/// The widest radius, in CSS pixels, that a request may ask for in styles that draw a stamp for
/// each point. A stamp is a small picture of the kernel; its time and memory grow with the square
/// of the radius. A choice.
const MAX_STAMP_RADIUS: f64 = 24.0;

/// The greatest width and height of a marker that a request may ask for, in CSS pixels. A choice.
const MAX_MARKER: f64 = 32.0;
/// The greatest sum of the radii of all blurs of a marker that a request may ask for, in CSS
/// pixels. A choice.
const MAX_BLURS: u32 = 32;

/// The length in bytes up to which a filter's condition is never refused. A choice: conditions
/// typed by hand are shorter.
const SHORT_FILTER: usize = 256;

/// A part of the work that a request causes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Work {
    /// Drawing a picture: its window, and its number of device pixels per CSS pixel.
    Picture(Window, u32),
    /// Measuring the statistics that a colour scale needs at a level, which the field states.
    Scale(u8),
    /// Computing the value in the middle of a window. The second field is true if the nearest
    /// points are listed too.
    Value(Window, bool),
}

/// Returns an error if `asked` is a style that no request may choose, however few the points:
/// `overlap=reach`, whose weights reach hundreds of pixels, or a large marker. The overlap, kernel
/// and radius of `own`, the layer's own style, are never refused.
pub(crate) fn refuse_unbounded(own: &Style, asked: &Style) -> Result<(), ApiError> {
    if !has_other_splats(own, asked) {
        return Ok(());
    }
    match asked.blend() {
        BlendMode::Reach(_) => Err(ApiError::bad_request(
            "overlap=reach can take minutes, so a request can't ask for it, nor change its kernel or \
             radius: it can be a layer's own style",
        )),
        BlendMode::Over(stamp) | BlendMode::Plus(stamp) if !is_small(stamp) => {
            Err(too_much(format!(
                "overlap: a request's marker has at most {MAX_MARKER} px a side, and its blurs \
                 {MAX_BLURS} px in all; a larger one can be a layer's own style"
            )))
        }
        _ => Ok(()),
    }
}

/// Returns true if the style that a request asks for has another overlap, kernel or radius than the
/// layer's own style. Then each point is drawn differently.
pub(crate) fn has_other_splats(own: &Style, asked: &Style) -> bool {
    (own.blend(), own.shape(), own.radius()) != (asked.blend(), asked.shape(), asked.radius())
}

/// Returns true if a marker and its blurs are within [`MAX_MARKER`] and [`MAX_BLURS`].
fn is_small(stamp: &MarkerStamp) -> bool {
    let (width, height) = stamp.marker.shape.size();
    let blurs: u32 = stamp.blurs.iter().map(|(x, y)| u32::from(*x.max(y))).sum();
    width.max(height) <= MAX_MARKER && blurs <= MAX_BLURS
}

/// Makes an error with status 422: the request can be understood but takes too long.
fn too_much(message: String) -> ApiError {
    ApiError::with_status(StatusCode::UNPROCESSABLE_ENTITY, message)
}

/// The largest number of units of work, each about a nanosecond, that a request may cause if its
/// overlap, kernel or radius isn't the layer's own. It equals [`MAX_TIME`].
pub(crate) const MAX_UNITS: u64 = MAX_TIME.as_nanos() as u64;

/// Returns the estimated time of a request: to compare points with a condition, and to do all parts
/// of `work`. `filter` is the condition's text and the number of points to compare with it; `None`
/// without a filter. Returns an error if the time is longer than [`MAX_TIME`].
pub(crate) fn check_limit(
    data: &DataProfile<'_>,
    filter: Option<(&str, f64)>,
    style: &ResolvedStyle,
    work: impl IntoIterator<Item = Work>,
) -> Result<EstimatedTime, ApiError> {
    let estimate = CostEstimate::new(data, filter, style, work)?;
    estimate.check(style)?;
    let time = |ns: f64| Duration::from_secs_f64(ns / 1e9);
    Ok(EstimatedTime {
        all: time(estimate.all()),
        drawn: time(estimate.draw + estimate.list),
    })
}

/// The estimated time of a request on one processor core, with and without its preparation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EstimatedTime {
    /// The estimated time if nothing is prepared yet, so that a scale must be measured and a
    /// filter's points selected.
    pub(crate) all: Duration,
    /// The estimated time if the scale and the filter's points are ready.
    pub(crate) drawn: Duration,
}

/// Returns an error if drawing `points`, the rows that were fetched for a picture, is estimated to
/// take longer than [`MAX_TIME`]. This is checked after rows are fetched, since their number is
/// unknown before. A picture with the overlap, kernel and radius of the layer's own style is never
/// refused.
pub(crate) fn check_fetched(
    points: &[Point],
    style: &ResolvedStyle,
    window: &Window,
    ratio: u32,
) -> Result<(), ApiError> {
    if !style.has_other_splats {
        return Ok(());
    }
    let draw = DataProfile::fetched(points).picture(&style.style, window, ratio);
    let estimate = CostEstimate {
        draw,
        ..CostEstimate::default()
    };
    estimate.check(style)
}

/// Returns true if drawing one of the tiles in which a scale is measured, with the fetched rows
/// `points`, is estimated to take longer than [`MAX_TIME`].
pub(crate) fn is_over_limit(points: &[Point], style: &Style, window: &Window) -> bool {
    DataProfile::fetched(points).picture(style, window, 1) > MAX_TIME.as_secs_f64() * 1e9
}

/// Two estimated times: to draw a window in a style, and to measure the statistics of the style's
/// scale at a level. `ratio` is the number of device pixels per CSS pixel. This function exists for
/// the bench that compares estimates with measurements.
#[doc(hidden)]
pub fn estimate(
    layer: &Layer,
    style: &Style,
    window: &Window,
    ratio: u32,
    level: u8,
) -> [Duration; 2] {
    let data = DataProfile::Points(layer.data());
    let scale = data.scale(style, level).unwrap_or(f64::INFINITY);
    [data.picture(style, window, ratio), scale]
        .map(|ns| Duration::from_secs_f64((ns / 1e9).min(1e9)))
}

/// The estimated time of a request on one processor core, in nanoseconds, by the kind of work.
#[derive(Clone, Copy, Debug, Default)]
struct CostEstimate {
    /// Nanoseconds to draw pictures and to compute values.
    draw: f64,
    /// Nanoseconds to measure the statistics of scales.
    measure: f64,
    /// Nanoseconds to find the points nearest to the requested coordinate.
    list: f64,
    /// Nanoseconds to compare the points with the filter's condition.
    filter: f64,
    /// True if the filter's condition has at most [`SHORT_FILTER`] bytes, so that a request is not
    /// refused for it.
    has_short_filter: bool,
}

impl CostEstimate {
    fn new(
        data: &DataProfile<'_>,
        filter: Option<(&str, f64)>,
        style: &ResolvedStyle,
        work: impl IntoIterator<Item = Work>,
    ) -> Result<Self, ApiError> {
        let mut all = Self::default();
        if let Some((text, compared)) = filter {
            all.filter = text.len() as f64 * compared * ns::FILTERED;
            all.has_short_filter = text.len() <= SHORT_FILTER;
        }
        if !style.has_other_splats {
            return Ok(all);
        }
        for part in work {
            match part {
                Work::Picture(window, ratio) => {
                    refuse_wide(&style.style, &window, ratio)?;
                    all.draw += data.picture(&style.style, &window, ratio);
                }
                // For a live layer, statistics are measured only if the scale needs them.
                Work::Scale(_) if data.is_live() && style.scale_work(0).is_none() => {}
                Work::Scale(level) => all.measure += style.scale_cost(data, level)?,
                Work::Value(window, listed) => {
                    refuse_wide(&style.style, &window, 1)?;
                    if style.style.is_stamped() {
                        all.draw += data.picture(&style.style, &window, 1);
                    }
                    let seen = data.seen(&data.around(&style.style, &window));
                    all.draw += seen * ns::SUMMED;
                    all.list += seen * if listed { ns::LISTED } else { 0.0 };
                }
            }
        }
        Ok(all)
    }

    /// Returns an error if the estimated times together exceed [`MAX_TIME`]. The message names the
    /// parameter that costs the most time.
    fn check(&self, style: &ResolvedStyle) -> Result<(), ApiError> {
        let mut counted = *self;
        if self.has_short_filter {
            counted.filter = 0.0;
        }
        if counted.all() <= MAX_TIME.as_secs_f64() * 1e9 {
            return Ok(());
        }
        let seconds = (counted.all() / 1e9).min(9999.0);
        let (what, instead) = counted.greatest(style);
        Err(too_much(format!(
            "{what} would take about {seconds:.0} s of a processor here, and a request may take \
             {} s: {instead}",
            MAX_TIME.as_secs()
        )))
    }

    fn all(&self) -> f64 {
        self.draw + self.measure + self.list + self.filter
    }

    /// Two parts of an error message: the parameter of the request that costs the most time with
    /// its value, like `radius=128px with kernel=gaussian`, and advice on a cheaper one.
    fn greatest(&self, style: &ResolvedStyle) -> (String, String) {
        let most = self.draw.max(self.measure).max(self.list).max(self.filter);
        if most == self.filter {
            let filter = "filter: so long a condition for so many points";
            return (filter.to_owned(), "give a shorter one".to_owned());
        }
        if most == self.list {
            return (
                "rows: sorting all points within reach".to_owned(),
                "give a smaller radius or a greater z".to_owned(),
            );
        }
        let (what, cheaper) = style.costly();
        let first = if most == self.measure {
            "domain=lo,hi, so that no scale is measured"
        } else {
            "fewer pixels, a greater zoom"
        };
        let instead = format!("give {first} or {cheaper}; any style can be a layer's own");
        (what, instead)
    }
}

impl ResolvedStyle {
    /// The work of measuring the statistics of this style's scale at a level; `None` if the scale
    /// needs no statistics.
    pub(crate) fn scale_work(&self, level: u8) -> Option<Work> {
        let scale = self.style.scale();
        let wanted = scale.needs_statistics() || scale.transform == Transform::Local;
        wanted.then(|| Work::Scale(scale.level(level)))
    }

    /// The estimated time in nanoseconds to measure the statistics of this style's scale at a
    /// level. The result is stored for later calls, since a map requests many tiles of one level.
    fn scale_cost(&self, data: &DataProfile<'_>, level: u8) -> Result<f64, ApiError> {
        let costs = || {
            let costs = self.scale_costs.lock();
            costs.unwrap_or_else(PoisonError::into_inner)
        };
        if let Some(cost) = costs().get(&level) {
            return Ok(*cost);
        }
        let cost = data.scale(&self.style, level)?;
        costs().insert(level, cost);
        Ok(cost)
    }

    /// Two parts of an error message: the parameters of this style that cost the most time, with
    /// their values, like `overlap=cover with radius=128px`, and a cheaper alternative.
    fn costly(&self) -> (String, &'static str) {
        let style = &self.style;
        // The radius may be a list of zooms with radii, so its text is shortened.
        let radius = shown(&style.radius().to_string());
        match style.blend() {
            BlendMode::Over(_) => ("overlap=over".to_owned(), "a smaller marker"),
            BlendMode::Plus(_) => ("overlap=plus".to_owned(), "a smaller marker"),
            BlendMode::Add if style.shape() == Shape::Pixel => {
                ("kernel=pixel".to_owned(), "another kernel")
            }
            BlendMode::Add => {
                let what = format!("radius={radius} with kernel={}", style.shape());
                (what, "another radius or kernel")
            }
            other => {
                let what = format!("overlap={other} with radius={radius}");
                (what, "a smaller radius")
            }
        }
    }
}

/// Returns an error if the style draws a stamp, a small picture of the kernel, for each point and
/// the style's radius is over [`MAX_STAMP_RADIUS`].
fn refuse_wide(style: &Style, window: &Window, ratio: u32) -> Result<(), ApiError> {
    let by_radius = matches!(
        style.blend(),
        BlendMode::Add | BlendMode::Set | BlendMode::Cover(_)
    );
    if !style.is_stamped() || !by_radius {
        return Ok(());
    }
    let radius = style.radius_in(View::new(*window, ratio)) / f64::from(ratio);
    // The conversion of a radius from metres to pixels rounds it, so the limit has a small
    // tolerance.
    if radius <= MAX_STAMP_RADIUS * (1.0 + 1e-9) {
        return Ok(());
    }
    let what = if style.blend().is_plain() {
        format!("kernel={}", style.shape())
    } else {
        format!("overlap={}", style.blend())
    };
    Err(too_much(format!(
        "radius: with {what} a request's radius is at most {MAX_STAMP_RADIUS} px; a wider one can be a \
         layer's own style"
    )))
}

#[cfg(test)]
mod tests;
