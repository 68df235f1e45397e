//! What a request would take, estimated before anything is done for it.
//!
//! Whoever runs a server chooses the styles of its layers, whatever they take. A request may choose
//! another as long as its picture is drawn within [`MOST`] of one processor's time. The estimate
//! follows from the style, the picture's size and how many points and cells the index has there; it
//! reads none of them, so it takes a few hundredths of a millisecond, and nothing where the style is
//! the layer's own, or the answer is kept.

mod data_profile;
mod population;
mod splatting;
mod unit_costs;

use crate::http::error::{Refused, shown};
use crate::http::query::Query;
use crate::layers::entry::{Look, Served};
use axum::http::StatusCode;
use data_profile::On;
use heatsplat_points::{Point, Window};
use heatsplat_render::{BlendMode, Layer, MarkerStamp, Shape, Style, Transform, View};
use std::sync::PoisonError;
use std::time::Duration;
use unit_costs as ns;

/// The most of one processor's time that a request may ask for.
const MOST: Duration = Duration::from_secs(2);

/// The widest radius of stamps that a request may ask for, in CSS pixels: what stamps take grows
/// by its square, in memory too.
const WIDEST: f64 = 24.0;

/// The longest side of a marker that a request may ask for, and the most that its blurs may add
/// up to, in CSS pixels.
const LONGEST_MARKER: f64 = 32.0;
const WIDEST_BLURS: u32 = 32;

/// The longest condition that is compared with any number of points, in bytes: what people write.
const SHORT_FILTER: usize = 256;

/// A part of what is done for a request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Work {
    /// A window, with its pixels to a CSS pixel.
    Picture(Window, u32),
    /// The numbers of a level are measured for a scale.
    Scale(u8),
    /// The value in the middle of a window, and whether the nearest points are listed.
    Value(Window, bool),
}

/// Refuses what no request may choose, however few points there are: weights that reach as far as
/// it likes, each pixel's over hundreds of others, and large markers.
pub(crate) fn refuse_endless(own: &Style, asked: &Style) -> Result<(), Refused> {
    if !has_other_splats(own, asked) {
        return Ok(());
    }
    match asked.blend() {
        BlendMode::Reach(_) => Err(Refused::bad(
            "overlap=reach can take minutes, so a request can't ask for it, nor change its kernel or \
             radius: it can be a layer's own style",
        )),
        BlendMode::Over(stamp) | BlendMode::Plus(stamp) if !is_small(stamp) => {
            Err(too_much(format!(
                "overlap: a request's marker has at most {LONGEST_MARKER} px a side, and its blurs \
                 {WIDEST_BLURS} px in all; a larger one can be a layer's own style"
            )))
        }
        _ => Ok(()),
    }
}

/// Whether a request's splats are others than the layer's own.
pub(crate) fn has_other_splats(own: &Style, asked: &Style) -> bool {
    (own.blend(), own.shape(), own.radius()) != (asked.blend(), asked.shape(), asked.radius())
}

fn is_small(stamp: &MarkerStamp) -> bool {
    let (width, height) = stamp.marker.shape.size();
    let blurs: u32 = stamp.blurs.iter().map(|(x, y)| u32::from(*x.max(y))).sum();
    width.max(height) <= LONGEST_MARKER && blurs <= WIDEST_BLURS
}

fn too_much(message: String) -> Refused {
    Refused::with(StatusCode::UNPROCESSABLE_ENTITY, message)
}

/// Refuses what would take longer than a request may.
pub(crate) fn bound(
    served: &Served,
    query: &Query,
    look: &Look,
    work: impl IntoIterator<Item = Work>,
) -> Result<(), Refused> {
    Estimate::of(served, query, look, work)?.within(look)
}

/// The same for a picture of rows that have been fetched: how many there are is known only now.
pub(crate) fn bound_fetched(
    points: &[Point],
    look: &Look,
    window: &Window,
    ratio: u32,
) -> Result<(), Refused> {
    if !look.other_splats {
        return Ok(());
    }
    let draw = On::fetched(points).picture(&look.style, window, ratio);
    let estimate = Estimate {
        draw,
        ..Estimate::default()
    };
    estimate.within(look)
}

/// Whether drawing rows for a scale takes longer than a request may.
pub(crate) fn is_too_much(points: &[Point], style: &Style, window: &Window) -> bool {
    On::fetched(points).picture(style, window, 1) > MOST.as_secs_f64() * 1e9
}

/// What drawing a window by a style takes, and measuring a level's numbers for it, for the bench
/// that holds estimates against what things take.
#[doc(hidden)]
pub fn estimate(
    layer: &Layer,
    style: &Style,
    window: &Window,
    ratio: u32,
    level: u8,
) -> [Duration; 2] {
    let on = On::Points(layer.data());
    let scale = on.scale(style, level).unwrap_or(f64::INFINITY);
    [on.picture(style, window, ratio), scale].map(|ns| Duration::from_secs_f64((ns / 1e9).min(1e9)))
}

/// Nanoseconds of one processor that a request takes, by what for.
#[derive(Clone, Copy, Debug, Default)]
struct Estimate {
    draw: f64,
    measure: f64,
    list: f64,
    filter: f64,
}

impl Estimate {
    fn of(
        served: &Served,
        query: &Query,
        look: &Look,
        work: impl IntoIterator<Item = Work>,
    ) -> Result<Self, Refused> {
        let mut all = Self::default();
        let on = On::of(served);
        if let Some(text) = query.filter().filter(|text| text.len() > SHORT_FILTER) {
            all.filter = text.len() as f64 * on.points() * ns::FILTERED;
        }
        if !look.other_splats {
            return Ok(all);
        }
        for part in work {
            match part {
                Work::Picture(window, ratio) => {
                    refuse_wide(&look.style, &window, ratio)?;
                    all.draw += on.picture(&look.style, &window, ratio);
                }
                // nor are these measured for anything else
                Work::Scale(_) if on.is_live() && look.measured(0).is_none() => {}
                Work::Scale(level) => all.measure += look.scaled(&on, level)?,
                Work::Value(window, listed) => {
                    refuse_wide(&look.style, &window, 1)?;
                    if look.style.is_stamped() {
                        all.draw += on.picture(&look.style, &window, 1);
                    }
                    let seen = on.seen(&on.around(&look.style, &window));
                    all.draw += seen * ns::SUMMED;
                    all.list += seen * if listed { ns::LISTED } else { 0.0 };
                }
            }
        }
        Ok(all)
    }

    /// Refuses what is over the limit.
    fn within(&self, look: &Look) -> Result<(), Refused> {
        if self.all() <= MOST.as_secs_f64() * 1e9 {
            return Ok(());
        }
        let seconds = (self.all() / 1e9).min(9999.0);
        let (what, instead) = self.greatest(look);
        Err(too_much(format!(
            "{what} would take about {seconds:.0} s of a processor here, and a request may take \
             {} s: {instead}",
            MOST.as_secs()
        )))
    }

    fn all(&self) -> f64 {
        self.draw + self.measure + self.list + self.filter
    }

    /// The parameter that takes most of it, as it was given, and what to ask for instead.
    fn greatest(&self, look: &Look) -> (String, String) {
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
        let (what, cheaper) = look.costly();
        let first = if most == self.measure {
            "domain=lo,hi, so that no scale is measured"
        } else {
            "fewer pixels, a greater zoom"
        };
        let instead = format!("give {first} or {cheaper}; any style can be a layer's own");
        (what, instead)
    }
}

impl Look {
    /// The measuring of a level's numbers, where colours need that.
    pub(crate) fn measured(&self, level: u8) -> Option<Work> {
        let scale = self.style.scale();
        let wanted = scale.needs_statistics() || scale.transform == Transform::Local;
        wanted.then(|| Work::Scale(scale.level(level)))
    }

    /// What it takes to measure a level's numbers, found once: a map asks for many tiles of it.
    fn scaled(&self, on: &On<'_>, level: u8) -> Result<f64, Refused> {
        let known = || self.scales.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(takes) = known().get(&level) {
            return Ok(*takes);
        }
        let takes = on.scale(&self.style, level)?;
        known().insert(level, takes);
        Ok(takes)
    }

    /// The parameters that decide what drawing takes, and what would take less.
    fn costly(&self) -> (String, &'static str) {
        let style = &self.style;
        // a table of many zooms is long
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

/// Stamps are wide only in a layer's own style.
fn refuse_wide(style: &Style, window: &Window, ratio: u32) -> Result<(), Refused> {
    let by_radius = matches!(
        style.blend(),
        BlendMode::Add | BlendMode::Set | BlendMode::Cover(_)
    );
    if !style.is_stamped() || !by_radius {
        return Ok(());
    }
    let radius = style.radius_in(View::new(*window, ratio)) / f64::from(ratio);
    // what rounding leaves of a radius in metres
    if radius <= WIDEST * (1.0 + 1e-9) {
        return Ok(());
    }
    let what = if style.blend().is_plain() {
        format!("kernel={}", style.shape())
    } else {
        format!("overlap={}", style.blend())
    };
    Err(too_much(format!(
        "radius: with {what} a request's radius is at most {WIDEST} px; a wider one can be a \
         layer's own style"
    )))
}

#[cfg(test)]
mod tests;
