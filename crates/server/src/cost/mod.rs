//! Estimates of the processor time that a request takes. They are made before anything is drawn.
//!
//! The operator may give a layer any style, at any cost. A request may choose another style as long
//! as one processor can draw its picture within [`MAX_TIME`]. The estimate depends on the style,
//! the picture's size, and the number of points and cells that the index counts in the picture. It
//! doesn't read the points or cells themselves, so it takes some 30 µs. Layers in their own style
//! and cached answers need no estimate.

mod data_profile;
mod population;
mod splatting;
mod unit_costs;

use crate::http::error::{ApiError, shown};
use crate::style::ResolvedStyle;
use axum::http::StatusCode;
pub(crate) use data_profile::{DataProfile, LIVE_DENSEST, LIVE_SPREAD};
use heatsplat_points::{Point, Window};
use heatsplat_render::{BlendMode, Layer, MarkerStamp, Shape, Style, Transform, View};
use std::sync::PoisonError;
use std::time::Duration;
use unit_costs as ns;

/// The longest time that a request may take on one processor. A choice.
const MAX_TIME: Duration = Duration::from_secs(2);

/// The widest radius, in CSS pixels, that a request may ask for where a stamp is drawn for each
/// point: its time and memory grow with the square of the radius. A choice.
const MAX_STAMP_RADIUS: f64 = 24.0;

/// The longest side of a marker that a request may ask for, and, below, the largest sum of the
/// radii of its blurs, both in CSS pixels. Choices.
const MAX_MARKER: f64 = 32.0;
const MAX_BLURS: u32 = 32;

/// The longest condition, in bytes, that needs no estimate. Conditions typed by hand are shorter.
const SHORT_FILTER: usize = 256;

/// A part of the work for a request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Work {
    /// A picture: its window, and its device pixels per CSS pixel.
    Picture(Window, u32),
    /// The statistics that a scale needs, measured at this level.
    Scale(u8),
    /// The value in the middle of a window, and `true` if the nearest points are listed with it.
    Value(Window, bool),
}

/// Refuses styles that no request may choose, even for few points: `overlap=reach`, whose weights
/// reach hundreds of pixels, and large markers. A layer's own splats are never refused.
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

/// Returns whether the splats that a request asks for differ from the layer's own: in their
/// overlap, kernel or radius.
pub(crate) fn has_other_splats(own: &Style, asked: &Style) -> bool {
    (own.blend(), own.shape(), own.radius()) != (asked.blend(), asked.shape(), asked.radius())
}

fn is_small(stamp: &MarkerStamp) -> bool {
    let (width, height) = stamp.marker.shape.size();
    let blurs: u32 = stamp.blurs.iter().map(|(x, y)| u32::from(*x.max(y))).sum();
    width.max(height) <= MAX_MARKER && blurs <= MAX_BLURS
}

fn too_much(message: String) -> ApiError {
    ApiError::with_status(StatusCode::UNPROCESSABLE_ENTITY, message)
}

/// Refuses work that is estimated to take longer than a request may.
pub(crate) fn check_limit(
    data: &DataProfile<'_>,
    filter: Option<&str>,
    style: &ResolvedStyle,
    work: impl IntoIterator<Item = Work>,
) -> Result<(), ApiError> {
    CostEstimate::new(data, filter, style, work)?.check(style)
}

/// Refuses a picture of fetched rows that is estimated to take longer than a request may. The
/// number of rows is known only after they were fetched.
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

/// Returns whether drawing rows, to measure a scale, is estimated to take longer than a request
/// may.
pub(crate) fn is_over_limit(points: &[Point], style: &Style, window: &Window) -> bool {
    DataProfile::fetched(points).picture(style, window, 1) > MAX_TIME.as_secs_f64() * 1e9
}

/// Estimated times of two jobs: to draw a window in a style, and to measure a level's statistics.
/// They are for the bench that compares estimates with measurements.
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

/// Estimated nanoseconds of one processor that a request takes, by purpose.
#[derive(Clone, Copy, Debug, Default)]
struct CostEstimate {
    draw: f64,
    measure: f64,
    list: f64,
    filter: f64,
}

impl CostEstimate {
    fn new(
        data: &DataProfile<'_>,
        filter: Option<&str>,
        style: &ResolvedStyle,
        work: impl IntoIterator<Item = Work>,
    ) -> Result<Self, ApiError> {
        let mut all = Self::default();
        if let Some(text) = filter.filter(|text| text.len() > SHORT_FILTER) {
            all.filter = text.len() as f64 * data.points() * ns::FILTERED;
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
                // Live layers measure statistics only where the scale needs them.
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

    /// Returns an error if the estimate is over the limit.
    fn check(&self, style: &ResolvedStyle) -> Result<(), ApiError> {
        if self.all() <= MAX_TIME.as_secs_f64() * 1e9 {
            return Ok(());
        }
        let seconds = (self.all() / 1e9).min(9999.0);
        let (what, instead) = self.greatest(style);
        Err(too_much(format!(
            "{what} would take about {seconds:.0} s of a processor here, and a request may take \
             {} s: {instead}",
            MAX_TIME.as_secs()
        )))
    }

    fn all(&self) -> f64 {
        self.draw + self.measure + self.list + self.filter
    }

    /// Names the parameter that costs the most, with the value it was given, and a cheaper
    /// alternative.
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
    /// The work of measuring a level's statistics; `None` if the style's colors need no statistics.
    pub(crate) fn scale_work(&self, level: u8) -> Option<Work> {
        let scale = self.style.scale();
        let wanted = scale.needs_statistics() || scale.transform == Transform::Local;
        wanted.then(|| Work::Scale(scale.level(level)))
    }

    /// Estimated nanoseconds to measure a level's statistics. The result is kept, since a map
    /// requests many tiles of one level.
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

    /// Names the style's parameters that cost the most, with their values, and a cheaper
    /// alternative.
    fn costly(&self) -> (String, &'static str) {
        let style = &self.style;
        // The radius may be a table by zoom, so its text is shortened.
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

/// Refuses a radius of stamps that is wider than a request may ask for.
fn refuse_wide(style: &Style, window: &Window, ratio: u32) -> Result<(), ApiError> {
    let by_radius = matches!(
        style.blend(),
        BlendMode::Add | BlendMode::Set | BlendMode::Cover(_)
    );
    if !style.is_stamped() || !by_radius {
        return Ok(());
    }
    let radius = style.radius_in(View::new(*window, ratio)) / f64::from(ratio);
    // Converting a radius from metres to pixels rounds it, so the limit has a small tolerance.
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
