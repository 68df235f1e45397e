//! Kernel specifications: the kernel of a style before its radius in pixels is known. A radius in
//! metres covers a different number of pixels in each row of a picture.

use crate::scale::level::Level;
use crate::splat::blend_job::BlendJob;
use crate::splat::density::Density;
use crate::splat::view::{View, zoom_of};
use crate::splat::{Backend, Job};
use crate::style::Style;
use crate::style::blend::{self, BlendMode};
use crate::style::kernel::{Kernel, Normalize, Shape};
use crate::style::precision::Precision;
use crate::style::radius::Length;
use heatsplat_points::mercator::{WORLD, metres_per_unit};
use heatsplat_points::{Points, Window};
use std::sync::Arc;

/// The greatest radius, in pixels of the picture, that `precision=exact` draws at the picture's own
/// resolution. A wider kernel is drawn at a lower resolution, on larger pixels.
pub const WIDEST_EXACT: f64 = (1 << 24) as f64;

/// The kernel of a picture, as its style gives it. It is no [`Kernel`] yet, since a style may give
/// the radius in metres: the radius in pixels then differs from row to row.
#[derive(Clone, Debug)]
pub(crate) struct KernelSpec {
    blend: Arc<BlendMode>,
    pub(super) shape: Shape,
    pub(super) precision: Precision,
    normalize: Normalize,
    length: Length,
    /// The device pixel ratio: pixels of the window for each CSS pixel.
    pub(crate) ratio: f64,
}

impl KernelSpec {
    /// The kernel of a style in a picture whose pixels are `pixel` world units wide. `ratio` pixels
    /// of the picture are one CSS pixel.
    ///
    /// With [`Normalize::Mass`] the volume under the kernel is 1, and densities are per square CSS
    /// pixel, not per square pixel of the picture. So pictures of all ratios have the same colours.
    pub(crate) fn new(style: &Style, pixel: f64, ratio: f64) -> Self {
        let shape = style.shape();
        Self {
            shape,
            precision: style.precision(),
            normalize: if style.measure().is_per_area() {
                Normalize::Mass
            } else {
                style.normalize()
            },
            blend: style.shared_blend(),
            length: match shape {
                Shape::Pixel => Length::Pixels(Kernel::MIN_RADIUS),
                _ => style.radius().at_zoom(zoom_of(pixel * ratio)),
            },
            ratio,
        }
    }

    /// The kernel of a style in a view, a window with a device pixel ratio.
    pub(crate) fn for_view(style: &Style, view: &View) -> Self {
        let (pixel, ratio) = (view.window().pixel(), f64::from(view.ratio()));
        let spec = Self::new(style, pixel, ratio);
        match view.ground() {
            Some(ground) if spec.shape != Shape::Pixel => Self {
                length: match style.radius().at_zoom(view.level().zoom()) {
                    Length::Pixels(pixels) => Length::Pixels(pixels),
                    Length::Metres(metres) => {
                        Length::Pixels(metres / (ground.metres_per_unit * pixel * ratio))
                    }
                },
                ..spec
            },
            _ => spec,
        }
    }

    /// The kernel with a radius of `pixels` pixels of the picture, and a factor: the side of the
    /// pixels on which the kernel is drawn, in pixels of the picture. The factor is 1 unless the
    /// radius is greater than a kernel's may be: [`Kernel::MAX_RADIUS`], or [`WIDEST_EXACT`] with
    /// `precision=exact`. Then it is a power of two, and the returned kernel's radius is counted in
    /// the larger pixels.
    pub(super) fn kernel_of(&self, pixels: f64) -> (Kernel, u32) {
        let widest = match self.precision {
            Precision::Fast => Kernel::MAX_RADIUS,
            Precision::Exact => WIDEST_EXACT,
        };
        let over = (pixels / widest).max(1.0).log2().ceil();
        let coarser = over.min(31.0).exp2();
        let radius = (pixels / coarser).clamp(Kernel::MIN_RADIUS, widest);
        let ratio = self.ratio / coarser;
        let kernel = Kernel::per_css_pixel(self.shape, radius, self.normalize, ratio);
        (kernel.with_precision(self.precision), coarser as u32)
    }

    /// The kernel at `y` world units south of the world's northern edge, in a picture whose pixels
    /// are `pixel` world units wide, and the factor of [`kernel_of`](Self::kernel_of): the side of
    /// the pixels on which the kernel is drawn, in pixels of the picture.
    pub(crate) fn kernel_at(&self, y: f64, pixel: f64) -> (Kernel, u32) {
        self.kernel_of(self.pixels(y, pixel))
    }

    /// The kernel that all rows have in common. `None` in two cases:
    ///
    /// * The radius is in metres, so rows have different kernels.
    /// * Splats are stamped, that is, drawn pixel by pixel without a plan.
    fn uniform_kernel(&self) -> Option<Kernel> {
        match self.length {
            Length::Pixels(n) if !self.is_stamped() => Some(self.kernel_of(n * self.ratio).0),
            _ => None,
        }
    }

    /// The job that draws a window's density with one kernel for all rows. `None` if the radius is
    /// in metres, or if splats are stamped (drawn pixel by pixel without a plan).
    pub(crate) fn job<'a>(&self, points: &'a Points, window: Window) -> Option<Job<'a>> {
        Some(Job {
            points,
            window,
            kernel: self.uniform_kernel()?,
            strip: false,
        })
    }

    /// Returns true if splats are stamped: each splat is drawn into the picture pixel by pixel
    /// (`cpu/blend.rs`), and the kernel has no plan.
    fn is_stamped(&self) -> bool {
        blend::is_stamped(&self.blend, self.shape, self.precision)
    }

    /// The radius in pixels at `y` world units south of the world's northern edge. The pixels are
    /// `pixel` world units wide.
    pub(super) fn pixels(&self, y: f64, pixel: f64) -> f64 {
        match self.length {
            Length::Pixels(n) => n * self.ratio,
            Length::Metres(n) => n / (metres_per_unit(y) * pixel),
        }
    }

    /// The kernel of the window's row that is nearest to the equator. A radius in metres has the
    /// fewest pixels there.
    fn narrowest(&self, window: &Window) -> Kernel {
        let (top, bottom) = (window.top(), window.bottom());
        self.kernel_at((WORLD / 2.0).clamp(top, bottom.max(top)), window.pixel())
            .0
    }

    /// The greatest radius of the kernel in any row of a window, in the window's pixels.
    fn widest(&self, window: &Window) -> f64 {
        self.pixels(window.top(), window.pixel())
            .max(self.pixels(window.bottom(), window.pixel()))
            .max(Kernel::MIN_RADIUS)
    }

    /// The density of several sets of points together, drawn by the backend `by`. Each entry of
    /// `parts` is a set and the radius of its kernel in CSS pixels, or `None` for the style's
    /// radius. The densities of the sets are added up, unless a blend mode combines their splats.
    pub(crate) fn density_by_radius(
        &self,
        parts: &[(Option<f64>, &Points)],
        window: Window,
        by: &dyn Backend,
    ) -> Density {
        if !self.blend.is_plain() {
            // One job draws all sets, since a splat of one set may cover splats of another.
            let middle = window.top() + f64::from(window.height()) / 2.0 * window.pixel();
            let radius = |own: &Option<f64>| {
                let spec = self.with_radius(*own);
                spec.kernel_at(middle, window.pixel()).0.radius()
            };
            return by.blend(&BlendJob {
                parts: parts
                    .iter()
                    .map(|(own, points)| (*points, radius(own)))
                    .collect(),
                window,
                shape: self.shape,
                blend: &self.blend,
                ratio: self.ratio,
            });
        }
        let mut whole = Density::empty(window.width(), window.height());
        for (own, points) in parts {
            let part = self.with_radius(*own).density(points, window, by);
            whole.zip(&part, |all, part| all + part);
        }
        whole
    }

    /// A copy of this kernel with another rule for its height: `normalize`.
    pub(crate) fn with_normalize(&self, normalize: Normalize) -> Self {
        Self {
            normalize,
            ..self.clone()
        }
    }

    /// A copy of this kernel with the radius `radius` in CSS pixels. With `None` the radius is not
    /// changed.
    fn with_radius(&self, radius: Option<f64>) -> Self {
        Self {
            length: radius.map_or(self.length, Length::Pixels),
            ..self.clone()
        }
    }

    /// The density of a window, drawn by the backend `by`.
    pub(crate) fn density(&self, points: &Points, window: Window, by: &dyn Backend) -> Density {
        let empty = || Density::empty(window.width(), window.height());
        if let Some(job) = self.job(points, window) {
            return by.densities(&[job]).pop().unwrap_or_else(empty);
        }
        if self.is_stamped() {
            return self.blended(points, window, by);
        }
        let bands = self.bands(&window);
        let jobs: Vec<Job<'_>> = bands
            .iter()
            .map(|band| Job {
                points,
                window: band.window(&window).0,
                kernel: band.kernel,
                strip: true,
            })
            .collect();
        let mut whole = empty();
        for (band, density) in bands.iter().zip(by.densities(&jobs)) {
            band.add_to(&mut whole, &density, &window);
        }
        whole
    }

    /// The density of a window, for a kernel whose splats are stamped (drawn pixel by pixel).
    fn blended(&self, points: &Points, window: Window, by: &dyn Backend) -> Density {
        let draw = |window: Window, kernel: Kernel, ratio: f64| {
            let mut density = by.blend(&BlendJob {
                parts: vec![(points, kernel.radius())],
                window,
                shape: self.shape,
                blend: &self.blend,
                ratio,
            });
            if self.blend.is_plain() && kernel.height() != 1.0 {
                let height = kernel.height() as f32;
                density.values.iter_mut().for_each(|v| *v *= height);
            }
            density
        };
        if let Length::Pixels(n) = self.length {
            return draw(window, self.kernel_of(n * self.ratio).0, self.ratio);
        }
        let mut whole = Density::empty(window.width(), window.height());
        for band in self.bands(&window) {
            let ratio = self.ratio / f64::from(band.coarser);
            let drawn = draw(band.window(&window).0, band.kernel, ratio);
            band.add_to(&mut whole, &drawn, &window);
        }
        whole
    }

    /// The windows in which a picture is drawn, each with its kernel, whose radius is in pixels of
    /// that window. With a radius in CSS pixels there is one window, the picture's own. With a
    /// radius in metres there is one window for each latitude band.
    fn strips(&self, window: &Window) -> Vec<(Window, Kernel)> {
        if let Length::Pixels(n) = self.length {
            return vec![(*window, self.kernel_of(n * self.ratio).0)];
        }
        let bands = self.bands(window).into_iter();
        bands.map(|b| (b.window(window).0, b.kernel)).collect()
    }
}

/// Methods that find the kernel of a style in a view. A [`Window`] is accepted as a view with one
/// pixel for each CSS pixel.
impl Style {
    /// The kernel of a view. If the radius is in metres, it is the kernel of the view's northern
    /// edge.
    pub fn kernel_in(&self, view: impl Into<View>) -> Kernel {
        let view = view.into();
        let (window, spec) = (view.window(), KernelSpec::for_view(self, &view));
        spec.kernel_at(window.top(), window.pixel()).0
    }

    /// The windows in which a view is drawn, each with its kernel, whose radius is in pixels of
    /// that window. With a radius in CSS pixels there is one window, the view's own. With a radius
    /// in metres there are several strips of it. The cost of drawing can be estimated from the
    /// result.
    pub fn strips_in(&self, view: impl Into<View>) -> Vec<(Window, Kernel)> {
        let view = view.into();
        KernelSpec::for_view(self, &view).strips(&view.window())
    }

    /// The level whose scale colours a view. (A scale maps densities to colours, and each level has
    /// a scale of its own.) At level L the world is 2ᴸ CSS pixels wide, as it is in the view. For
    /// [`Shape::Pixel`] the picture's own pixels are counted instead of CSS pixels, since a pixel
    /// half as wide counts only a quarter of the points.
    pub fn level_in(&self, view: impl Into<View>) -> Level {
        let view = view.into();
        match self.shape() {
            Shape::Pixel => view.level_of(view.window().pixel()),
            _ => view.level(),
        }
    }

    /// The greatest radius of the kernel in any row of a view, in the view's pixels.
    pub fn radius_in(&self, view: impl Into<View>) -> f64 {
        let view = view.into();
        KernelSpec::for_view(self, &view).widest(&view.window())
    }

    /// The distance from a view, in the view's pixels, up to which points outside the view still
    /// change the picture.
    pub fn reach_in(&self, view: impl Into<View>) -> f64 {
        let view = view.into();
        let widest = self.radius_in(view);
        match self.blend() {
            BlendMode::Add => self.shape().reach_of(widest),
            // Stamped splats end exactly at the shape's reach: their edge is not softened.
            BlendMode::Set | BlendMode::Cover(_) => widest * self.shape().reach(),
            BlendMode::Over(stamp) | BlendMode::Plus(stamp) => {
                stamp.reach() * f64::from(view.ratio())
            }
            BlendMode::Reach(_) => blend::MAX_REACH,
        }
    }

    /// The greatest side, in the view's pixels, of a square whose points may be replaced by one
    /// weighted point. It is 0 if every single point must be read.
    pub fn finest_cell_in(&self, view: impl Into<View>) -> f64 {
        let view = view.into();
        match self.blend() {
            BlendMode::Add if !self.is_stamped() => {
                let spec = KernelSpec::for_view(self, &view);
                spec.narrowest(&view.window()).finest_cell()
            }
            // Other blend modes count single points, or use the weight of each.
            _ => 0.0,
        }
    }
}
