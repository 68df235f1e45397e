//! Kernels: the function that is drawn for each point.

use crate::scale::parse_error::ParseStyleError;
use crate::style::names::named_choice;
use crate::style::precision::Precision;
use std::f64::consts::{PI, SQRT_2};

/// The shape of a kernel: a function K of u, the distance from the point divided by the radius. The
/// six shapes in [`ALL`](Self::ALL) are:
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
/// Reach is the distance from which on K is 0. A uniform kernel falls from 1 to 0 over two pixels,
/// its soft edge: at a distance of d pixels between a = radius − 1 and b = radius + 1, K is (b² −
/// d²) / (b² − a²).
///
/// The names and the formulas are those of QGIS's kernel density estimation. The gaussian has σ =
/// radius/3, as in MapLibre and MapServer; with this σ it looks about as wide as the other shapes
/// of equal radius.
///
/// Pictures differ from the sum of these formulas over all points by at most 1/256 of the greatest
/// density, or by at most 1e-6 of it with [`Precision::Exact`](crate::Precision::Exact).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Shape {
    /// K(u) = exp(−4.5 u²).
    Gaussian,
    /// K(u) = (1 − u²)²: the kernel of QGIS's heat maps.
    Quartic,
    /// K(u) = (1 − u²)³.
    Triweight,
    /// K(u) = 1 − u².
    Epanechnikov,
    /// K(u) = 1 − u.
    Triangular,
    /// K(u) = 1, with a soft edge two pixels wide.
    Uniform,
    /// K is 1 in the pixel that contains the point, and 0 in all other pixels. This counts points
    /// by pixel without smoothing, as datashader does. The shape has no radius.
    Pixel,
    /// K(u) = 1 − u³: the kernel of HeatCanvas.
    Cubic,
    /// K is 1 up to a fraction of the radius, which the field gives, and from there linearly down
    /// to 0 at the radius: the kernel of heatmap.js.
    Plateau(Share),
    /// A disc with a blurred shadow around it: the kernel of simpleheat. The field is the radius of
    /// the disc as a fraction of the kernel's radius.
    Shadow(Share),
    /// K(u) = 1 − (1 − decay) u, which jumps from `decay` to 0 at the radius: the triangular kernel
    /// of QGIS. The field is `decay`.
    Cone(Decay),
}

/// A fraction of a kernel's radius, 0 to 1, rounded to thousandths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Share(u16);

impl Share {
    /// Makes a fraction of a kernel's radius. Returns `None` if it is not from 0 to 1.
    pub fn new(share: f64) -> Option<Self> {
        let legal = (0.0..=1.0).contains(&share);
        legal.then_some(Self((share * 1000.0).round() as u16))
    }

    /// The fraction of the kernel's radius, 0 to 1.
    pub fn share(self) -> f64 {
        f64::from(self.0) / 1000.0
    }
}

/// The value that a [`Shape::Cone`] has at its edge, from −100 to 100, rounded to thousandths. At
/// the point itself the cone has the value 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Decay(i32);

impl Decay {
    /// Makes the value that a cone has at its edge. Returns `None` if it is not from −100 to 100.
    pub fn new(decay: f64) -> Option<Self> {
        let legal = (-100.0..=100.0).contains(&decay);
        legal.then_some(Self((decay * 1000.0).round() as i32))
    }

    /// The value that the cone has at its edge, −100 to 100.
    pub fn decay(self) -> f64 {
        f64::from(self.0) / 1000.0
    }
}

impl Shape {
    /// The shapes that have a radius and that every backend draws, each with its name in text.
    pub const ALL: [(&'static str, Self); 6] = [
        ("gaussian", Self::Gaussian),
        ("quartic", Self::Quartic),
        ("triweight", Self::Triweight),
        ("epanechnikov", Self::Epanechnikov),
        ("triangular", Self::Triangular),
        ("uniform", Self::Uniform),
    ];

    /// Returns K(u) for a distance of u radii from the point, u ≥ 0. K is 1 at u = 0, and 0 beyond
    /// [`reach`](Self::reach). The soft edge of a uniform kernel is left out.
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

    /// True if no backend draws the shape. This is so for the shapes after [`Pixel`](Self::Pixel),
    /// which are kernels of other heat maps. The CPU draws these by adding a picture of the kernel
    /// at each point.
    pub fn is_stamped(self) -> bool {
        self != Self::Pixel && !Self::ALL.iter().any(|(_, shape)| *shape == self)
    }

    /// The exponent n for which the kernel falls like 1 − uⁿ close to the point. It is used by
    /// [`BlendMode::Reach`](crate::BlendMode::Reach).
    pub(crate) fn degree(self) -> f64 {
        match self {
            Self::Triangular | Self::Plateau(_) | Self::Cone(_) => 1.0,
            Self::Cubic => 3.0,
            _ => 2.0,
        }
    }

    /// The distance from which on K is 0, as a multiple of the radius. The soft edge of a uniform
    /// kernel doesn't count.
    pub fn reach(self) -> f64 {
        match self {
            Self::Gaussian => 4.0 / 3.0,
            _ => 1.0,
        }
    }

    /// The distance in pixels from which on a kernel of `radius` pixels is 0. The soft edge of a
    /// uniform kernel is included.
    pub fn reach_of(self, radius: f64) -> f64 {
        match self {
            Self::Uniform => soft_edge(radius).1,
            shape => shape.reach() * radius,
        }
    }

    /// The volume ∫ K dA under a kernel of radius 1, with areas in squares of the radius. The soft
    /// edge of a uniform kernel doesn't count.
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

/// K(u) for [`Shape::Shadow`]: a disc that is blurred by a gaussian of σ = (1 − disc)/2, divided by
/// its value in the middle. `disc` is the radius of the disc; both are fractions of the kernel's
/// radius. The formula is exact in the middle. Elsewhere it takes the disc's edge as straight.
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

/// The rule for a kernel's height, which is K(0), its value at the point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Normalize {
    /// K(0) is 1. A lone point of weight 1 then has the density 1 at its position.
    Peak,
    /// The volume under the kernel, ∫ K dA, is 1 if areas are in square CSS pixels. A density is
    /// then the weight per square CSS pixel.
    Mass,
}

impl Normalize {
    /// All rules, each with its name in text.
    pub const ALL: [(&'static str, Self); 2] = [("peak", Self::Peak), ("mass", Self::Mass)];
}

named_choice!(Normalize);

/// The two distances in pixels between which a uniform kernel falls from 1 to 0: radius − 1 and
/// radius + 1, or 0 and twice the radius if the radius is less than a pixel. With a hard edge, a
/// point that moves a little could switch a pixel from 0 to 1.
pub(crate) fn soft_edge(radius: f64) -> (f64, f64) {
    let half = radius.min(1.0);
    (radius - half, radius + half)
}

/// A kernel as the key of a cache. Radius and height are the bits of f64s, since floats can't be
/// hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct KernelKey {
    shape: Shape,
    precision: Precision,
    radius: u64,
    height: u64,
}

/// A kernel: the function of the distance that is drawn for each point. It has a shape, a radius in
/// pixels, a height and a precision.
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
    /// The greatest radius of a kernel in pixels. It is twice the greatest radius that a style may
    /// have in CSS pixels, for pictures of twice the resolution.
    pub const MAX_RADIUS: f64 = 256.0;

    /// Makes a kernel of `radius` pixels, in a picture of one pixel per CSS pixel.
    ///
    /// Returns `None` if the radius is not from [`MIN_RADIUS`](Self::MIN_RADIUS) to
    /// [`MAX_RADIUS`](Self::MAX_RADIUS).
    pub fn new(shape: Shape, radius: f64, normalize: Normalize) -> Option<Self> {
        (Self::MIN_RADIUS..=Self::MAX_RADIUS)
            .contains(&radius)
            .then_some(Self::per_css_pixel(shape, radius, normalize, 1.0))
    }

    /// Makes a kernel of `radius` pixels in a picture of `ratio` pixels per CSS pixel. The radius
    /// isn't checked: with `precision=exact` it may be greater than
    /// [`MAX_RADIUS`](Self::MAX_RADIUS).
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

    /// Sets the precision. It has no effect for [`Shape::Pixel`], which is exact in any case.
    #[must_use]
    pub fn with_precision(mut self, precision: Precision) -> Self {
        if self.shape != Shape::Pixel {
            self.precision = precision;
        }
        self
    }

    /// The precision with which the kernel is drawn.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// The shape of the kernel, which is its formula.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// The kernel's radius in pixels.
    pub fn radius(&self) -> f64 {
        self.radius
    }

    /// The rule that sets the kernel's height.
    pub fn normalize(&self) -> Normalize {
        self.normalize
    }

    /// The key under which results for this kernel are cached.
    pub(crate) fn key(&self) -> KernelKey {
        KernelKey {
            shape: self.shape,
            precision: self.precision,
            radius: self.radius.to_bits(),
            height: self.height.to_bits(),
        }
    }

    /// K(0), the kernel's value at the point. With [`Normalize::Peak`] it is 1. With
    /// [`Normalize::Mass`] it is the value for which the volume under the kernel is 1.
    pub fn height(&self) -> f64 {
        self.height
    }

    /// The distance in pixels from which on the kernel is 0.
    pub fn reach(&self) -> f64 {
        self.shape.reach_of(self.radius)
    }

    /// Returns the kernel's value at a distance in pixels. The algorithms that draw pictures
    /// approximate this function.
    pub fn at(&self, distance: f64) -> f64 {
        let profile = match self.shape {
            Shape::Uniform => softened(distance, self.radius),
            shape => shape.profile(distance / self.radius),
        };
        self.height() * profile
    }
}

/// The value, at a distance in pixels, of a uniform kernel with a soft edge. The edge is linear in
/// the square of the distance. So the kernel is a difference of two paraboloids that are cut off at
/// 0, and these can be drawn by fast sums.
#[inline(always)]
pub(crate) fn softened(distance: f64, radius: f64) -> f64 {
    let (inner, outer) = soft_edge(radius);
    let square = |v: f64| v * v;
    ((square(outer) - square(distance)) / (square(outer) - square(inner))).clamp(0.0, 1.0)
}

/// The volume ∫ K dA under a kernel of `radius` pixels with K(0) = 1, with areas in square pixels.
fn mass(shape: Shape, radius: f64) -> f64 {
    match shape {
        // The edge is linear in the square of the distance, so the volume is the mean area of two
        // circles: the one where the edge begins and the one where it ends.
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
        // QGIS up to version 3.40 has a wrong constant for this kernel: 116/5 instead of 16/5.
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
