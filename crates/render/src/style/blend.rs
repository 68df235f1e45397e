//! Blend modes: the combination of splats that overlap.

use crate::scale::parse_error::ParseStyleError;
use crate::style::kernel::Shape;
use crate::style::marker::Marker;
use crate::style::precision::Precision;
use std::fmt;
use std::str::FromStr;

/// The distance in pixels beyond which no point adds anything under [`BlendMode::Reach`], however
/// great its weight.
pub(crate) const MAX_REACH: f64 = 256.0;

/// The rule that combines the splats of many points into one value.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum BlendMode {
    /// Splats add up: Σ weight · K. The fastest mode, and the only one that GPUs draw.
    #[default]
    Add,
    /// The points of one pixel count as one point of weight 1, and the splats of all such pixels
    /// add up. It is the mode of mapnik-rasterizers.
    Set,
    /// Splats cover each other as translucent spots do: 1 − Π (1 − opacity · K). It is computed in
    /// floating point, so that even the faintest spot changes the result. It is the mode of
    /// heatmap.js and simpleheat.
    Cover(CoverOpacity),
    /// Markers cover each other in 8 bits, from 0 to 255, with the rounding of Mapnik's `src-over`.
    Over(MarkerStamp),
    /// Markers add up in 8 bits and stop at 255, as with Mapnik's `comp-op: plus`.
    Plus(MarkerStamp),
    /// The points of a pixel are drawn as one point: the greater their summed weight, the wider its
    /// kernel. The formula is Σ weight · K(distance / (radius · (weight / w)^(1/n))), where w is
    /// this variant's number, the weight that reaches as far as the radius, and n is the kernel's
    /// degree. It is the mode of HeatCanvas.
    Reach(f64),
}

/// The opacity of the spots of [`BlendMode::Cover`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CoverOpacity {
    /// Two weights: the one with opacity 0 and the one with opacity 1.
    pub range: (f64, f64),
    /// The least opacity of a point, 0 to 1: a lower one is raised to it.
    pub least: f64,
    /// The zoom from which on the opacity is full; each zoom below it halves the opacity. With
    /// `None` the opacity is full at all zooms.
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
    /// The number of zooms below [`full_at`](Self::full_at) over which the opacity halves. At zooms
    /// further out it stays the same.
    const MOST_ZOOMS: f64 = 12.0;

    /// The opacity, 0 to 1, of a point of weight `weight` at a zoom.
    pub fn opacity(&self, weight: f64, zoom: f64) -> f64 {
        let (low, high) = self.range;
        let missing = self.full_at.map_or(0.0, |full| f64::from(full) - zoom);
        let fade = (-missing.clamp(0.0, Self::MOST_ZOOMS)).exp2();
        ((weight.min(high) - low) / (high - low) * fade)
            .max(self.least)
            .clamp(0.0, 1.0)
    }
}

/// A marker in 8 bits that is drawn at each point, and the blurs that are then applied to the whole
/// picture of markers.
#[derive(Clone, Debug, PartialEq)]
pub struct MarkerStamp {
    /// The marker that is drawn at each point.
    pub marker: Marker,
    /// The radius in x and in y of each blur, in CSS pixels. The blurs are applied one after the
    /// other.
    pub blurs: Vec<(u8, u8)>,
}

impl MarkerStamp {
    /// The greatest distance from a point at which its marker still shows after the blurs, in CSS
    /// pixels.
    pub(crate) fn reach(&self) -> f64 {
        let blurs: u32 = self.blurs.iter().map(|(x, y)| u32::from(*x.max(y))).sum();
        self.marker.reach() + f64::from(blurs)
    }
}

/// True where splats are drawn on the CPU, whatever the backend is. That is so for all blend modes
/// but [`BlendMode::Add`] and, unless the precision is exact, for shapes that backends don't draw.
pub(crate) fn is_stamped(blend: &BlendMode, shape: Shape, precision: Precision) -> bool {
    !blend.is_plain() || shape.is_stamped() && precision == Precision::Fast
}

impl BlendMode {
    /// The greatest number of blurs of one picture.
    const MOST_BLURS: usize = 8;

    /// True for [`Add`](Self::Add), the only mode that backends implement themselves.
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

/// Reads `lo,hi[,least][@zoom]`.
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
