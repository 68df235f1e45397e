//! What becomes of splats that lie over each other.

use crate::style::marker::Marker;
use std::fmt;
use std::str::FromStr;

/// How the splats of many points make one number.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Overlap {
    /// They add up: Σ weight · K. What every other mode is no match for.
    #[default]
    Add,
    /// Points of one pixel are one point of weight 1; such pixels' splats add up. mapnik-rasterizers.
    Set,
    /// They cover each other, as translucent spots do: 1 − Π (1 − opacity · K). In floating
    /// point, so that faint spots never stop counting. heatmap.js, simpleheat.
    Cover(Cover),
    /// The same with a marker's alpha in 8 bits, rounded as Mapnik rounds: 0 to 255.
    Over(Stamp),
    /// Alphas of 8 bits add up to 255 at most, as by Mapnik's `comp-op: plus`.
    Plus(Stamp),
    /// The more a pixel's points weigh together, the further they reach:
    /// Σ weight · K(distance / (radius · (weight / this)^(1/n))), where n is the kernel's degree.
    /// HeatCanvas.
    Reach(f64),
}

/// How opaque the spots are that cover each other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cover {
    /// The weights that are opaque by 0 and by 1.
    pub range: (f64, f64),
    /// The least opacity of a point.
    pub least: f64,
    /// From zoom to zoom up to this one, opacity doubles.
    pub full_at: Option<u8>,
}

impl Default for Cover {
    fn default() -> Self {
        Self {
            range: (0.0, 1.0),
            least: 0.0,
            full_at: None,
        }
    }
}

impl Cover {
    /// The most that zooms may fade.
    const MOST_ZOOMS: f64 = 12.0;

    /// How opaque a point of a weight is at a zoom.
    pub fn opacity(&self, weight: f64, zoom: f64) -> f64 {
        let (low, high) = self.range;
        let missing = self.full_at.map_or(0.0, |full| f64::from(full) - zoom);
        let fade = (-missing.clamp(0.0, Self::MOST_ZOOMS)).exp2();
        ((weight.min(high) - low) / (high - low) * fade)
            .max(self.least)
            .clamp(0.0, 1.0)
    }
}

/// A marker in 8 bits, and what blurs the picture that many of them make.
#[derive(Clone, Debug, PartialEq)]
pub struct Stamp {
    /// What is stamped at each point.
    pub marker: Marker,
    /// Radii of blurs in x and y, one after the other, in CSS pixels.
    pub blurs: Vec<(u8, u8)>,
}

impl Stamp {
    /// How far from a point its heat reaches, in CSS pixels.
    pub(crate) fn reach(&self) -> f64 {
        let blurs: u32 = self.blurs.iter().map(|(x, y)| u32::from(*x.max(y))).sum();
        self.marker.reach() + f64::from(blurs)
    }
}

impl Overlap {
    /// What [`from_str`](Self::from_str) takes, in words.
    pub const EXPECTED: &'static str = "expected add, set (points of one pixel count once), cover, reach:8 (the weight that reaches as \
        far as the radius), or in more detail cover:0,8 (weights that are transparent and opaque), cover:0,8,0.05@17 (least \
        opacity, zoom of full opacity), over:MARKER or plus:MARKER with a marker like \
        ellipse:10x10@0.2 and blurs after it, like over:ellipse:10x10@0.2;blur:8x8";

    /// The most blurs after each other.
    const MOST_BLURS: usize = 8;

    /// Whether it is what a backend's own kernels draw.
    pub fn is_plain(&self) -> bool {
        *self == Self::Add
    }
}

impl fmt::Display for Overlap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Add => f.write_str("add"),
            Self::Set => f.write_str("set"),
            Self::Reach(weight) => write!(f, "reach:{weight}"),
            Self::Cover(cover) => {
                f.write_str("cover")?;
                if *cover != Cover::default() {
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

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.marker)?;
        for (x, y) in &self.blurs {
            write!(f, ";blur:{x}x{y}")?;
        }
        Ok(())
    }
}

impl FromStr for Overlap {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let text = text.trim();
        let (name, rest) = match text.split_once(':') {
            Some((name, rest)) => (name, Some(rest)),
            None => (text, None),
        };
        match (name, rest) {
            ("add", None) => Ok(Self::Add),
            ("set", None) => Ok(Self::Set),
            ("reach", None) => Ok(Self::Reach(1.0)),
            ("reach", Some(weight)) => {
                let weight = weight.trim().parse().map_err(|_| ())?;
                let legal = (1e-30..1e30).contains(&weight);
                legal.then_some(Self::Reach(weight)).ok_or(())
            }
            ("cover", None) => Ok(Self::Cover(Cover::default())),
            ("cover", Some(rest)) => cover(rest).map(Self::Cover),
            ("over", Some(rest)) => rest.parse().map(Self::Over),
            ("plus", Some(rest)) => rest.parse().map(Self::Plus),
            _ => Err(()),
        }
    }
}

/// `lo,hi[,least][@zoom]`.
fn cover(text: &str) -> Result<Cover, ()> {
    let (numbers, zoom) = match text.split_once('@') {
        Some((numbers, zoom)) => (numbers, Some(zoom.parse().map_err(|_| ())?)),
        None => (text, None),
    };
    if zoom.is_some_and(|z| z > heatsplat_points::MAX_ZOOM) {
        return Err(());
    }
    let number = |t: &str| t.trim().parse::<f64>().ok().filter(|n| n.abs() < 1e30);
    let numbers: Option<Vec<f64>> = numbers.split(',').map(number).collect();
    match numbers.ok_or(())?.as_slice() {
        [low, high, rest @ ..] if low < high && rest.len() <= 1 => {
            let least = rest.first().copied().unwrap_or(0.0);
            (0.0..=1.0).contains(&least).then_some(()).ok_or(())?;
            Ok(Cover {
                range: (*low, *high),
                least,
                full_at: zoom,
            })
        }
        _ => Err(()),
    }
}

impl FromStr for Stamp {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts = text.split(';');
        let marker = parts.next().unwrap_or_default().parse()?;
        let blur = |part: &str| {
            let (x, y) = part.trim().strip_prefix("blur:")?.split_once('x')?;
            Some((x.parse().ok()?, y.parse().ok()?))
        };
        let blurs: Vec<(u8, u8)> = parts.map(blur).collect::<Option<_>>().ok_or(())?;
        let legal = blurs.len() <= Overlap::MOST_BLURS;
        legal.then_some(Self { marker, blurs }).ok_or(())
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
            assert_eq!(text.parse::<Overlap>().unwrap().to_string(), text);
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
            assert_eq!(text.parse::<Overlap>(), Err(()), "{text}");
        }
    }

    #[test]
    fn opacities() {
        let cover: Overlap = "cover:2,10,0.05@5".parse().unwrap();
        let Overlap::Cover(cover) = cover else {
            panic!("cover");
        };
        assert_eq!(cover.opacity(6.0, 7.0), 0.5);
        assert_eq!(cover.opacity(99.0, 5.0), 1.0);
        assert_eq!(cover.opacity(10.0, 3.0), 0.25);
        assert_eq!(cover.opacity(2.0, 5.0), 0.05);
    }
}
