//! Blend modes in 8 bits, with Mapnik's rounding: markers are drawn one after the other.

use super::sites::{SubpixelWindow, overlapping_rows, split};
use super::stack_blur;
use crate::splat::blend_job::BlendJob;
use crate::splat::density::Density;
use crate::style::blend::MarkerStamp;
use crate::unit_costs::{self as ns, report};
use std::collections::HashMap;

/// The greatest number of pixels of a small marker. For a small marker the points are not sorted:
/// sorting would save drawing it several times at one position, but would cost more than it saves.
const SMALL: u32 = 1024;

/// The greatest size, in bytes, of the cache of a marker's images: one for each opacity and each
/// position within a pixel. Without a limit, the images of a large marker would take a gigabyte.
const CACHED: usize = 16 << 20;

/// Draws the job's markers with the style's `stamp`. The density of a pixel is its alpha, 0 to 255.
/// The markers are drawn one after the other: `blend` computes a pixel's new alpha from its alpha
/// and the marker's. Then the whole picture is blurred, with the radii that `stamp` states.
pub(super) fn stamp_markers(
    job: &BlendJob<'_>,
    stamp: &MarkerStamp,
    blend: impl Fn(u8, u8) -> u8 + Copy,
) -> Density {
    let raster = stamp.marker.raster(job.ratio);
    let scaled = |r: u8| (f64::from(r) * job.ratio).round().min(254.0) as u8;
    let blurs: Vec<(u8, u8)> = stamp
        .blurs
        .iter()
        .map(|(x, y)| (scaled(*x), scaled(*y)))
        .collect();
    let margin: u32 = blurs.iter().map(|(x, y)| u32::from(*x.max(y))).sum();
    let grown = job.window.grown(margin);
    let width = grown.width() as usize;
    let mut alpha = vec![0u8; width * grown.height() as usize];
    let reach = raster.width.max(raster.height) + 1;
    let subpixels = SubpixelWindow {
        window: grown,
        phases: raster.phases,
        shift: raster.shift,
        margin: reach,
        sorted: raster.width * raster.height > SMALL,
    };
    let most = CACHED / (raster.width * raster.height).max(1) as usize;
    for &(points, _) in &job.parts {
        let mut cache: HashMap<(u8, u32, u32), Vec<u8>> = HashMap::new();
        for site in subpixels.sites(points, |weight| stamp.marker.opacity(weight)) {
            let (x, phase_x) = split(site.x, raster.phases);
            let (y, phase_y) = split(site.y, raster.phases);
            let key = (site.opacity, phase_x, phase_y);
            if cache.len() >= most && !cache.contains_key(&key) {
                cache.clear();
            }
            let make = || {
                report((raster.width * raster.height) as usize, ns::INKED);
                raster.alphas((phase_x, phase_y), site.opacity)
            };
            let marker = cache.entry(key).or_insert_with(make);
            let at = (x + raster.corner.0, y + raster.corner.1);
            let side = raster.width as usize;
            for (to, from) in overlapping_rows(&mut alpha, width, marker, side, at) {
                report(to.len() * site.count.min(255) as usize, ns::STAMPED);
                stamp_row(to, from, site.count, blend);
            }
        }
    }
    for radii in blurs {
        stack_blur::blur(&mut alpha, width, radii);
    }
    let mut whole = Density::empty(job.window.width(), job.window.height());
    let margin = margin as usize;
    let inner = alpha.chunks_exact(width.max(1)).skip(margin);
    let outer = whole
        .values
        .chunks_exact_mut((job.window.width() as usize).max(1));
    for (to, from) in outer.zip(inner) {
        to.iter_mut()
            .zip(from.iter().skip(margin))
            .for_each(|(t, f)| *t = f32::from(*f));
    }
    whole
}

/// Draws a row of a marker over a row of the picture, `count` times. `blend` computes a pixel's new
/// alpha from its alpha and the marker's.
#[inline(always)]
fn stamp_row(row: &mut [u8], marker: &[u8], count: u32, blend: impl Fn(u8, u8) -> u8) {
    for _ in 0..count {
        let mut changed = false;
        for (to, &from) in row.iter_mut().zip(marker) {
            let next = blend(*to, from);
            changed |= next != *to;
            *to = next;
        }
        if !changed {
            return; // Further stamps would change nothing either.
        }
    }
}

/// The alpha of a pixel of alpha `under` after Mapnik's `src-over` with a marker of alpha `alpha`.
#[inline(always)]
pub(super) fn over(under: u8, alpha: u8) -> u8 {
    let (under, alpha) = (u32::from(under), u32::from(alpha));
    (alpha + ((under * (255 - alpha) + 255) >> 8)) as u8
}

/// The alpha of a pixel of alpha `under` after Mapnik's `plus` with a marker of alpha `alpha`.
#[inline(always)]
pub(super) fn plus(under: u8, alpha: u8) -> u8 {
    under.saturating_add(alpha)
}
