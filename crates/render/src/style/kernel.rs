//! Kernels: the shape, radius and height of a splat.

use crate::scale::parse_error::ParseStyleError;
use crate::style::names::named_choice;
use crate::style::precision::Precision;
use std::f64::consts::{PI, SQRT_2};

/// The shapes of kernels, as functions of u = distance / radius. The six of [`ALL`](Self::ALL) are:
///
/// | shape | K(u), K(0) = 1 | reach |
/// |---|---|---|
/// | gaussian | exp(−4.5 u²), that is σ = radius/3 | 4σ = 4/3 radius, where it is 1/3000 |
/// | quartic | (1 − u²)² | radius |
/// | triweight | (1 − u²)³ | radius |
/// | epanechnikov | 1 − u² | radius |
/// | triangular | 1 − u | radius |
/// | uniform | 1, with a soft edge (below) | radius + 1 pixel |
///
/// The edge of a uniform kernel is two pixels wide: between a = radius − 1 and b = radius + 1
/// pixels it falls as (b² − d²) / (b² − a²), with the distance d in pixels. Names and formulas are
/// those of QGIS's kernel density estimation; σ = radius/3 of the gaussian is also MapLibre's and
/// MapServer's, so that one radius looks about as wide in all shapes.
///
/// Pictures differ from these formulas by at most 1/256 of the peak, and by at most 1e-6 of it with
/// [`Precision::Exact`](crate::Precision::Exact).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Shape {
    /// exp(−4.5 u²)
    Gaussian,
    /// (1 − u²)², the kernel of QGIS
    Quartic,
    /// (1 − u²)³
    Triweight,
    /// 1 − u²
    Epanechnikov,
    /// 1 − u
    Triangular,
    /// 1
    Uniform,
    /// 1 in the pixel that contains the point, 0 in all others: a count without smoothing, as with
    /// SQL's GROUP BY and with datashader. This shape has no radius.
    Pixel,
    /// 1 − u³: the kernel of HeatCanvas.
    Cubic,
    /// 1 up to a fraction of the radius, and from there linearly down to 0 at the radius: the
    /// kernel of heatmap.js.
    Plateau(Share),
    /// A disc, whose radius is a fraction of the kernel's, with the blurred shadow around it: the
    /// kernel of simpleheat.
    Shadow(Share),
    /// 1 − (1 − decay) u, which at the radius jumps from `decay` to 0: QGIS's triangular kernel.
    Cone(Decay),
}

/// A fraction of a kernel's radius, 0 to 1, rounded to thousandths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Share(u16);

impl Share {
    /// A fraction of a radius; `None` unless it is from 0 to 1.
    pub fn new(share: f64) -> Option<Self> {
        let legal = (0.0..=1.0).contains(&share);
        legal.then_some(Self((share * 1000.0).round() as u16))
    }

    /// The fraction, 0 to 1.
    pub fn share(self) -> f64 {
        f64::from(self.0) / 1000.0
    }
}

/// The value at the edge of a [`Shape::Cone`], −100 to 100, rounded to thousandths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Decay(i32);

impl Decay {
    /// A value at the edge; `None` unless it is from −100 to 100.
    pub fn new(decay: f64) -> Option<Self> {
        let legal = (-100.0..=100.0).contains(&decay);
        legal.then_some(Self((decay * 1000.0).round() as i32))
    }

    /// The kernel's value at its edge.
    pub fn decay(self) -> f64 {
        f64::from(self.0) / 1000.0
    }
}

impl Shape {
    /// The shapes that every backend draws, with their names.
    pub const ALL: [(&'static str, Self); 6] = [
        ("gaussian", Self::Gaussian),
        ("quartic", Self::Quartic),
        ("triweight", Self::Triweight),
        ("epanechnikov", Self::Epanechnikov),
        ("triangular", Self::Triangular),
        ("uniform", Self::Uniform),
    ];

    /// K(u) for u ≥ 0: 1 at u = 0, and 0 beyond [`reach`](Self::reach). The soft edge of a uniform
    /// kernel is left out.
    pub fn profile(self, u: f64) -> f64 {
        if u > self.reach() {
            return 0.0;
        }
        let inner = 1.0 - u * u;
        match self {
            Self::Gaussian => (-4.5 * u * u).exp(),
            Self::Quartic => inner * inner,
            Self::Triweight => inner * inner * inner,
            Self::Epanechnikov => inner,
            Self::Triangular => 1.0 - u,
            Self::Uniform | Self::Pixel => 1.0,
            Self::Cubic => 1.0 - u * u * u,
            Self::Plateau(core) => ((1.0 - u) / (1.0 - core.share()).max(1e-9)).min(1.0),
            Self::Shadow(disc) => shadow(u, disc.share()),
            Self::Cone(decay) => 1.0 - (1.0 - decay.decay()) * u,
        }
    }

    /// True for the shapes that are neither among [`ALL`](Self::ALL) nor [`Pixel`](Self::Pixel).
    /// Only the CPU draws these: at each point it adds a stamp, a picture of the kernel.
    pub fn is_stamped(self) -> bool {
        self != Self::Pixel && !Self::ALL.iter().any(|(_, shape)| *shape == self)
    }

    /// The power of the distance by which the kernel falls from its middle;
    /// [`BlendMode::Reach`](crate::BlendMode::Reach) uses it.
    pub(crate) fn degree(self) -> f64 {
        match self {
            Self::Triangular | Self::Plateau(_) | Self::Cone(_) => 1.0,
            Self::Cubic => 3.0,
            _ => 2.0,
        }
    }

    /// The distance at which K becomes 0, as a multiple of the radius, without the soft edge of a
    /// uniform kernel.
    pub fn reach(self) -> f64 {
        match self {
            Self::Gaussian => 4.0 / 3.0,
            _ => 1.0,
        }
    }

    /// The distance in pixels at which a kernel of `radius` pixels becomes 0, with the soft edge of
    /// a uniform kernel.
    pub fn reach_of(self, radius: f64) -> f64 {
        match self {
            Self::Uniform => soft_edge(radius).1,
            shape => shape.reach() * radius,
        }
    }

    /// ∫ K dA, the volume under a kernel of radius 1, without the soft edge of a uniform kernel.
    pub fn mass(self) -> f64 {
        match self {
            Self::Gaussian => 2.0 * PI / 9.0 * (1.0 - (-8.0f64).exp()),
            Self::Quartic | Self::Triangular => PI / 3.0,
            Self::Triweight => PI / 4.0,
            Self::Epanechnikov => PI / 2.0,
            Self::Uniform => PI,
            Self::Pixel => 1.0,
            Self::Cubic => PI * 0.6,
            Self::Plateau(core) => {
                let p = core.share();
                PI * (1.0 + p + p * p) / 3.0
            }
            Self::Shadow(_) => {
                const STEPS: u32 = 1000;
                let ring = |i: u32| (f64::from(i) + 0.5) / f64::from(STEPS);
                let rings = (0..STEPS).map(ring).map(|u| u * self.profile(u));
                2.0 * PI * rings.sum::<f64>() / f64::from(STEPS)
            }
            Self::Cone(decay) => PI * (1.0 + 2.0 * decay.decay()) / 3.0,
        }
    }
}

/// The profile of a disc of radius `disc`, blurred by a gaussian of σ = (1 − disc)/2, both in
/// kernel radii, and scaled to 1 in the middle. It is exact in the middle; near the disc's edge it
/// is computed as if the edge were straight.
fn shadow(u: f64, disc: f64) -> f64 {
    let sigma = (1.0 - disc).max(1e-3) / 2.0;
    // The normal distribution function Φ, by formula 7.1.26 of Abramowitz and Stegun.
    let phi = |x: f64| {
        let t = (1.0 + 0.327_591_1 * (x.abs() / SQRT_2)).recip();
        let series = [
            1.061_405_429,
            -1.453_152_027,
            1.421_413_741,
            -0.284_496_736,
            0.254_829_592,
        ];
        let tail = series.iter().fold(0.0, |sum, c| sum * t + c) * t * (-x * x / 2.0).exp();
        if x < 0.0 {
            tail / 2.0
        } else {
            1.0 - tail / 2.0
        }
    };
    let middle = 1.0 - (-disc * disc / (2.0 * sigma * sigma)).exp();
    phi((disc - u) / sigma) * middle / phi(disc / sigma)
}

impl std::fmt::Display for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Cubic => f.write_str("cubic"),
            Self::Pixel => f.write_str("pixel"),
            Self::Plateau(core) => write!(f, "plateau:{}", core.share()),
            Self::Shadow(disc) => write!(f, "shadow:{}", disc.share()),
            Self::Cone(decay) => write!(f, "cone:{}", decay.decay()),
            plain => {
                let named = Self::ALL.iter().find(|(_, shape)| shape == plain);
                f.write_str(named.map_or("", |(name, _)| name))
            }
        }
    }
}

impl Shape {
    fn parse(text: &str) -> Option<Self> {
        if let Some((_, shape)) = Self::ALL.iter().find(|(name, _)| *name == text) {
            return Some(*shape);
        }
        if text == "cubic" {
            return Some(Self::Cubic);
        }
        if text == "pixel" {
            return Some(Self::Pixel);
        }
        let (name, number) = text.split_once(':')?;
        let number: f64 = number.trim().parse().ok()?;
        match name {
            "plateau" => Share::new(number).map(Self::Plateau),
            "shadow" => Share::new(number).map(Self::Shadow),
            "cone" => Decay::new(number).map(Self::Cone),
            _ => None,
        }
    }
}

impl std::str::FromStr for Shape {
    type Err = ParseStyleError;

    fn from_str(text: &str) -> Result<Self, ParseStyleError> {
        Self::parse(text).ok_or(ParseStyleError::new(
            "expected one of gaussian, quartic, triweight, epanechnikov, triangular, uniform, \
             pixel, cubic, or plateau:0.15, shadow:0.6 (shares of the radius), cone:0.3 (its end)",
        ))
    }
}

/// The condition that sets a kernel's height.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Normalize {
    /// K(0) = 1: a lone point of weight 1 has the greatest density 1.
    Peak,
    /// ∫ K dA = 1 per square CSS pixel: the density is the weight per square CSS pixel.
    Mass,
}

impl Normalize {
    /// Both conditions with their names.
    pub const ALL: [(&'static str, Self); 2] = [("peak", Self::Peak), ("mass", Self::Mass)];
}

named_choice!(Normalize);

/// The two distances, in pixels, between which the edge of a uniform kernel falls from 1 to 0:
/// radius − 1 and radius + 1, or 0 and twice the radius where it is under a pixel. With a hard
/// edge, pixels would flicker as points move.
pub(crate) fn soft_edge(radius: f64) -> (f64, f64) {
    let half = radius.min(1.0);
    (radius - half, radius + half)
}

/// The part of a kernel that identifies it in caches. Radius and height are the bits of the floats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct KernelKey {
    shape: Shape,
    precision: Precision,
    radius: u64,
    height: u64,
}

/// The kernel of a splat: shape, radius in pixels, height and precision.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Kernel {
    shape: Shape,
    radius: f64,
    normalize: Normalize,
    height: f64,
    precision: Precision,
}

impl Kernel {
    /// The least radius of a kernel in pixels.
    pub const MIN_RADIUS: f64 = 0.5;
    /// The greatest radius of a kernel in pixels.
    pub const MAX_RADIUS: f64 = 256.0;

    /// A kernel with its radius in pixels.
    ///
    /// `None` unless the radius is from [`MIN_RADIUS`](Self::MIN_RADIUS) to
    /// [`MAX_RADIUS`](Self::MAX_RADIUS).
    pub fn new(shape: Shape, radius: f64, normalize: Normalize) -> Option<Self> {
        (Self::MIN_RADIUS..=Self::MAX_RADIUS)
            .contains(&radius)
            .then_some(Self::per_css_pixel(shape, radius, normalize, 1.0))
    }

    /// A kernel of `radius` pixels in a picture of `ratio` pixels per CSS pixel. The caller has
    /// checked that the radius is legal.
    pub(crate) fn per_css_pixel(
        shape: Shape,
        radius: f64,
        normalize: Normalize,
        ratio: f64,
    ) -> Self {
        let radius = match shape {
            Shape::Pixel => Self::MIN_RADIUS,
            _ => radius,
        };
        let height = match normalize {
            Normalize::Peak => 1.0,
            Normalize::Mass => ratio * ratio / mass(shape, radius),
        };
        Self {
            shape,
            radius,
            normalize,
            height,
            precision: Precision::Fast,
        }
    }

    /// Sets the precision. For [`Shape::Pixel`], which is exact in any case, it changes nothing.
    #[must_use]
    pub fn with_precision(mut self, precision: Precision) -> Self {
        if self.shape != Shape::Pixel {
            self.precision = precision;
        }
        self
    }

    /// The precision.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// The shape.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// The radius in pixels.
    pub fn radius(&self) -> f64 {
        self.radius
    }

    /// The condition that sets the kernel's height.
    pub fn normalize(&self) -> Normalize {
        self.normalize
    }

    /// The key under which caches store what was computed for this kernel.
    pub(crate) fn key(&self) -> KernelKey {
        KernelKey {
            shape: self.shape,
            precision: self.precision,
            radius: self.radius.to_bits(),
            height: self.height.to_bits(),
        }
    }

    /// K(0): 1, or the value at which ∫ K dA = 1 per square CSS pixel.
    pub fn height(&self) -> f64 {
        self.height
    }

    /// The distance in pixels at which the kernel becomes 0.
    pub fn reach(&self) -> f64 {
        self.shape.reach_of(self.radius)
    }

    /// The kernel's value at a distance in pixels, in f64. Every plan (algorithm) approximates it.
    pub fn at(&self, distance: f64) -> f64 {
        let profile = match self.shape {
            Shape::Uniform => softened(distance, self.radius),
            shape => shape.profile(distance / self.radius),
        };
        self.height() * profile
    }
}

/// A uniform kernel with its soft edge, which is linear in d²; so the kernel is a difference of two
/// clipped paraboloids.
#[inline(always)]
pub(crate) fn softened(distance: f64, radius: f64) -> f64 {
    let (inner, outer) = soft_edge(radius);
    let square = |v: f64| v * v;
    ((square(outer) - square(distance)) / (square(outer) - square(inner))).clamp(0.0, 1.0)
}

/// ∫ K dA, the volume under a kernel of `radius` pixels with K(0) = 1, in square pixels.
fn mass(shape: Shape, radius: f64) -> f64 {
    match shape {
        // For an edge that is linear in d²: the mean area of the circles where it begins and ends.
        Shape::Uniform => {
            let (inner, outer) = soft_edge(radius);
            PI * (inner * inner + outer * outer) / 2.0
        }
        // A pixel's area is 1.
        Shape::Pixel => 1.0,
        shape => shape.mass() * radius * radius,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masses_are_the_integrals() {
        let others = ["cubic", "plateau:0.15", "shadow:0.625", "cone:0.3"];
        let others = others.map(|name| (name, name.parse().unwrap()));
        for (name, shape) in Shape::ALL.into_iter().chain(others) {
            let steps = 200_000;
            let du = shape.reach() / f64::from(steps);
            let integral: f64 = (0..steps)
                .map(|i| (f64::from(i) + 0.5) * du)
                .map(|u| 2.0 * PI * u * shape.profile(u) * du)
                .sum();
            assert!(
                (integral / shape.mass() - 1.0).abs() < 1e-6,
                "{name}: {integral}"
            );
        }
    }

    #[test]
    fn kernels_of_unit_mass_have_it_at_any_radius() {
        for (name, shape) in Shape::ALL.into_iter().filter(|(_, s)| *s != Shape::Pixel) {
            for radius in [0.6, 1.0, 5.0, 40.0] {
                let kernel = Kernel::new(shape, radius, Normalize::Mass).unwrap();
                let step = kernel.reach() / 100_000.0;
                let ring = |i: u32| (f64::from(i) + 0.5) * step;
                let rings = (0..100_000).map(ring);
                let mass: f64 = rings.map(|r| 2.0 * PI * r * kernel.at(r) * step).sum();
                assert!((mass - 1.0).abs() < 1e-6, "{name} {radius}: {mass}");
            }
        }
    }

    #[test]
    fn a_unit_mass_quartic_is_three_over_pi_r_squared() {
        // The constant that was wrong in QGIS up to version 3.40: 116/5 where 16/5 is right.
        let k = Kernel::new(Shape::Quartic, 10.0, Normalize::Mass).unwrap();
        assert!((k.at(0.0) - 3.0 / (PI * 100.0)).abs() < 1e-15);
    }

    #[test]
    fn radii_out_of_range_are_refused() {
        for radius in [0.0, 0.49, 256.1, f64::NAN, f64::INFINITY, -3.0] {
            assert_eq!(Kernel::new(Shape::Gaussian, radius, Normalize::Peak), None);
        }
    }
}
