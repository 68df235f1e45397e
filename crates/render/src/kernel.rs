//! The shape of a splat.

use crate::named::display_by_name;
use std::f64::consts::PI;

/// The six shapes, as functions of u = distance / radius.
///
/// | shape | K(u), K(0) = 1 | reach |
/// |---|---|---|
/// | gaussian | exp(−4.5 u²), that is σ = radius/3 | 4σ = 4/3 radius, where it is 1/3000 |
/// | quartic | (1 − u²)² | radius |
/// | triweight | (1 − u²)³ | radius |
/// | epanechnikov | 1 − u² | radius |
/// | triangular | 1 − u | radius |
/// | uniform | 1 | radius, its edge averaged over the pixel |
///
/// Names and formulas as in QGIS's kernel density estimation; σ = radius/3 as in
/// MapLibre and MapServer, so that a radius means about the same for all shapes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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
}

impl Shape {
    /// All shapes with their names.
    pub const ALL: [(&'static str, Self); 6] = [
        ("gaussian", Self::Gaussian),
        ("quartic", Self::Quartic),
        ("triweight", Self::Triweight),
        ("epanechnikov", Self::Epanechnikov),
        ("triangular", Self::Triangular),
        ("uniform", Self::Uniform),
    ];

    /// K at u ≥ 0, with K(0) = 1 and 0 beyond the reach.
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
            Self::Uniform => 1.0,
        }
    }

    /// Where K ends, in radii.
    pub fn reach(self) -> f64 {
        match self {
            Self::Gaussian => 4.0 / 3.0,
            _ => 1.0,
        }
    }

    /// ∫ K dA for radius 1.
    pub fn mass(self) -> f64 {
        match self {
            Self::Gaussian => 2.0 * PI / 9.0 * (1.0 - (-8.0f64).exp()),
            Self::Quartic | Self::Triangular => PI / 3.0,
            Self::Triweight => PI / 4.0,
            Self::Epanechnikov => PI / 2.0,
            Self::Uniform => PI,
        }
    }
}

display_by_name!(Shape);

/// What a kernel's height means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Normalize {
    /// K(0) = 1: one lone point of weight 1 peaks at 1.
    Peak,
    /// ∫ K = 1: the density is weight per pixel area.
    Mass,
}

impl Normalize {
    /// Both ways with their names.
    pub const ALL: [(&'static str, Self); 2] = [("peak", Self::Peak), ("mass", Self::Mass)];
}

display_by_name!(Normalize);

/// A splat: shape, radius in pixels, height.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Kernel {
    shape: Shape,
    radius: f64,
    normalize: Normalize,
    height: f64,
}

impl Kernel {
    /// The least radius in pixels.
    pub const MIN_RADIUS: f64 = 0.5;
    /// The greatest radius in pixels.
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

    /// A kernel of `radius` pixels, `ratio` of which make up a CSS pixel; the radius is legal.
    pub(crate) fn per_css_pixel(
        shape: Shape,
        radius: f64,
        normalize: Normalize,
        ratio: f64,
    ) -> Self {
        let height = match normalize {
            Normalize::Peak => 1.0,
            Normalize::Mass => ratio * ratio / (shape.mass() * radius * radius),
        };
        Self {
            shape,
            radius,
            normalize,
            height,
        }
    }

    /// The shape.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// The radius in pixels.
    pub fn radius(&self) -> f64 {
        self.radius
    }

    /// What the height means.
    pub fn normalize(&self) -> Normalize {
        self.normalize
    }

    /// K(0): 1, or what makes ∫ K = 1 per square CSS pixel.
    pub fn height(&self) -> f64 {
        self.height
    }

    /// How far the kernel reaches, in pixels.
    pub fn reach(&self) -> f64 {
        self.shape.reach() * self.radius
    }

    /// The largest cells that may stand for several points under this kernel, in pixels.
    pub fn finest_cell(&self) -> f64 {
        crate::plan::finest_cell(self)
    }

    /// The kernel's value at a distance in pixels, in f64: what every plan approximates.
    pub fn at(&self, distance: f64) -> f64 {
        self.height() * self.shape.profile(distance / self.radius)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masses_are_the_integrals() {
        for (name, shape) in Shape::ALL {
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
    fn a_unit_mass_quartic_is_three_over_pi_r_squared() {
        // the constant that QGIS had wrong up to 3.40 (FIELD: 116/5 for 16/5)
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
