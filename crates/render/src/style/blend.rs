//! Blend modes: rules that combine splats where they overlap. A splat is the picture of a point's
//! kernel.

use crate::scale::parse_error::ParseStyleError;
use crate::style::kernel::Shape;
use crate::style::marker::Marker;
use crate::style::precision::Precision;
use std::fmt;
use std::str::FromStr;

/// The greatest distance in pixels that a point's kernel reaches with [`BlendMode::Reach`], however
/// great the point's weight: a choice, which bounds the time of a drawing.
pub(crate) const MAX_REACH: f64 = 256.0;

/// A rule that combines the splats of several points into a pixel's value.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum BlendMode {
    /// The sum of the splats: Σ weight · K. This mode is the fastest, and the only one that GPUs
    /// draw.
    #[default]
    Add,
    /// A sum in which all points that lie in one pixel count as one point of weight 1. This is what
    /// mapnik-rasterizers does.
    Set,
    /// Splats that cover each other like translucent spots: 1 − Π (1 − opacity · K). heatmap.js and
    /// simpleheat compute this in 8 bits. Here it is computed in floating point, so that even the
    /// faintest spot changes the result.
    Cover(CoverOpacity),
    /// A marker for each point. Markers cover each other, in 8 bits from 0 to 255, with the
    /// rounding of Mapnik's `src-over`.
    Over(MarkerStamp),
    /// A marker for each point. Markers add up, in 8 bits and up to 255, as with Mapnik's `comp-op:
    /// plus`.
    Plus(MarkerStamp),
    /// A sum in which all points that lie in one pixel are drawn as one point with their summed
    /// weight. The greater the weight, the wider the kernel: Σ weight · K(distance / (radius ·
    /// (weight / w)^(1/n))). The field is w, the weight with which the kernel reaches exactly as
    /// far as the radius. The exponent n follows from the shape, whose K falls like 1 − uⁿ close to
    /// the point. This is what HeatCanvas does.
    Reach(f64),
}

/// The opacity of a point's spot under [`BlendMode::Cover`], as it depends on the weight and the
/// zoom.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CoverOpacity {
    /// The weight whose opacity is 0, and the weight whose opacity is 1. Between the two, the
    /// opacity is linear.
    pub range: (f64, f64),
    /// The least opacity of a point, 0 to 1. A lower opacity is raised to it.
    pub least: f64,
    /// The zoom from which on points have their full opacity. With each zoom further out, the
    /// opacity is halved. `None` means full opacity at all zooms.
    pub full_at: Option<u8>,
}

impl Default for CoverOpacity {
    fn default() -> Self {
        Self {
            range: (0.0, 1.0),
            least: 0.0,
            full_at: None,
        }
    }
}

impl CoverOpacity {
    /// The number of zooms, counted outwards from [`full_at`](Self::full_at), with each of which
    /// the opacity is halved: a choice. At zooms still further out it stays the same.
    const MOST_ZOOMS: f64 = 12.0;

    /// Returns the opacity, 0 to 1, of a point of weight `weight` at a zoom.
    pub fn opacity(&self, weight: f64, zoom: f64) -> f64 {
        let (low, high) = self.range;
        let missing = self.full_at.map_or(0.0, |full| f64::from(full) - zoom);
        let fade = (-missing.clamp(0.0, Self::MOST_ZOOMS)).exp2();
        ((weight.min(high) - low) / (high - low) * fade)
            .max(self.least)
            .clamp(0.0, 1.0)
    }
}

/// A marker that is drawn at each point, and blurs that are applied to the whole picture
/// afterwards.
#[derive(Clone, Debug, PartialEq)]
pub struct MarkerStamp {
    /// The marker that is drawn at each point.
    pub marker: Marker,
    /// The horizontal and the vertical radius of each blur, in CSS pixels. The blurs are applied
    /// one after the other.
    pub blurs: Vec<(u8, u8)>,
}

impl MarkerStamp {
    /// The greatest distance, in CSS pixels, from a point to a pixel that its marker changes, blurs
    /// included.
    pub(crate) fn reach(&self) -> f64 {
        let blurs: u32 = self.blurs.iter().map(|(x, y)| u32::from(*x.max(y))).sum();
        self.marker.reach() + f64::from(blurs)
    }
}

/// True if splats are stamped: drawn on the CPU, whatever the layer's backend is. This is so in two
/// cases:
///
/// * The blend mode is not [`BlendMode::Add`].
/// * No backend draws the shape ([`Shape::is_stamped`]), and the precision is not exact.
pub(crate) fn is_stamped(blend: &BlendMode, shape: Shape, precision: Precision) -> bool {
    !blend.is_plain() || shape.is_stamped() && precision == Precision::Fast
}

impl BlendMode {
    /// The greatest number of blurs that a marker may have: a choice.
    const MOST_BLURS: usize = 8;

    /// Returns true for [`Add`](Self::Add), the only mode that backends draw themselves.
    pub fn is_plain(&self) -> bool {
        *self == Self::Add
    }
}

impl fmt::Display for BlendMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Add => f.write_str("add"),
            Self::Set => f.write_str("set"),
            Self::Reach(weight) => write!(f, "reach:{weight}"),
            Self::Cover(cover) => {
                f.write_str("cover")?;
                if *cover != CoverOpacity::default() {
                    write!(f, ":{},{}", cover.range.0, cover.range.1)?;
                }
                if cover.least > 0.0 {
                    write!(f, ",{}", cover.least)?;
                }
                match cover.full_at {
                    Some(zoom) => write!(f, "@{zoom}"),
                    None => Ok(()),
                }
            }
            Self::Over(stamp) => write!(f, "over:{stamp}"),
            Self::Plus(stamp) => write!(f, "plus:{stamp}"),
        }
    }
}

impl fmt::Display for MarkerStamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.marker)?;
        for (x, y) in &self.blurs {
            write!(f, ";blur:{x}x{y}")?;
        }
        Ok(())
    }
}

impl BlendMode {
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (name, rest) = match text.split_once(':') {
            Some((name, rest)) => (name, Some(rest)),
            None => (text, None),
        };
        match (name, rest) {
            ("add", None) => Some(Self::Add),
            ("set", None) => Some(Self::Set),
            ("reach", None) => Some(Self::Reach(1.0)),
            ("reach", Some(weight)) => {
                let weight = weight.trim().parse().ok()?;
                let legal = (1e-30..1e30).contains(&weight);
                legal.then_some(Self::Reach(weight))
            }
            ("cover", None) => Some(Self::Cover(CoverOpacity::default())),
            ("cover", Some(rest)) => cover(rest).map(Self::Cover),
            ("over", Some(rest)) => MarkerStamp::parse(rest).map(Self::Over),
            ("plus", Some(rest)) => MarkerStamp::parse(rest).map(Self::Plus),
            _ => None,
        }
    }
}

impl FromStr for BlendMode {
    type Err = ParseStyleError;

    fn from_str(text: &str) -> Result<Self, ParseStyleError> {
        Self::parse(text).ok_or(ParseStyleError::new(
            "expected add, set (points of one pixel count once), cover, reach:8 (the weight that \
             reaches as far as the radius), or in more detail cover:0,8 (weights that are \
             transparent and opaque), cover:0,8,0.05@17 (least opacity, zoom of full opacity), \
             over:MARKER or plus:MARKER with a marker like ellipse:10x10@0.2 and blurs after it, \
             like over:ellipse:10x10@0.2;blur:8x8",
        ))
    }
}

/// Parses `lo,hi[,least][@zoom]`, for example `0,8` or `0,8,0.05@17`: the weights whose opacities
/// are 0 and 1, the least opacity, and the zoom of full opacity. Returns `None` if the text is not
/// legal.
fn cover(text: &str) -> Option<CoverOpacity> {
    let (numbers, zoom) = match text.split_once('@') {
        Some((numbers, zoom)) => (numbers, Some(zoom.parse().ok()?)),
        None => (text, None),
    };
    if zoom.is_some_and(|z| z > heatsplat_points::MAX_ZOOM) {
        return None;
    }
    let number = |t: &str| t.trim().parse::<f64>().ok().filter(|n| n.abs() < 1e30);
    let numbers: Option<Vec<f64>> = numbers.split(',').map(number).collect();
    match numbers?.as_slice() {
        [low, high, rest @ ..] if low < high && rest.len() <= 1 => {
            let least = rest.first().copied().unwrap_or(0.0);
            (0.0..=1.0).contains(&least).then_some(CoverOpacity {
                range: (*low, *high),
                least,
                full_at: zoom,
            })
        }
        _ => None,
    }
}

impl MarkerStamp {
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(';');
        let marker = Marker::parse(parts.next().unwrap_or_default())?;
        let blur = |part: &str| {
            let (x, y) = part.trim().strip_prefix("blur:")?.split_once('x')?;
            Some((x.parse().ok()?, y.parse().ok()?))
        };
        let blurs: Vec<(u8, u8)> = parts.map(blur).collect::<Option<_>>()?;
        let legal = blurs.len() <= BlendMode::MOST_BLURS;
        legal.then_some(Self { marker, blurs })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_read_and_written() {
        for text in [
            "add",
            "set",
            "cover",
            "reach:4.5",
            "cover:0,8",
            "cover:-1,8.5,0.05",
            "cover:0,1,0.05@17",
            "over:ellipse:10x10@0.2",
            "plus:ellipse:10x6.5@1;blur:8x8;blur:0x3",
            "over:image:2x1:80ff@0.5*weight",
        ] {
            assert_eq!(text.parse::<BlendMode>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "sum",
            "over",
            "cover:",
            "cover:1,1",
            "cover:0,1,2",
            "cover:0,1,0,0",
            "cover:0,1@99",
            "over:ellipse:0x0@1",
            "over:ellipse:10x10@2",
            "over:ellipse:10x10@1;blur:999x1",
            "over:image:2x2:80ff@1",
            "over:image:1x1:zz@1",
        ] {
            assert!(text.parse::<BlendMode>().is_err(), "{text}");
        }
    }

    #[test]
    fn opacities() {
        let cover: BlendMode = "cover:2,10,0.05@5".parse().unwrap();
        let BlendMode::Cover(cover) = cover else {
            panic!("cover");
        };
        assert_eq!(cover.opacity(6.0, 7.0), 0.5);
        assert_eq!(cover.opacity(99.0, 5.0), 1.0);
        assert_eq!(cover.opacity(10.0, 3.0), 0.25);
        assert_eq!(cover.opacity(2.0, 5.0), 0.05);
    }
}
