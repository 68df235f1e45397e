//! Layers in other map projections than Web Mercator.

use crate::layer::Layer;
use crate::layer::request::PictureRequest;
use crate::splat::view::{PlaneGround, View};
use crate::style::Style;
use crate::style::kernel::Kernel;
use crate::style::radius::Length;
use heatsplat_points::LonLatBox;
use heatsplat_points::projected::{Projection, level_shift, units_per_metre};
use std::sync::Arc;

/// The number of places along each side of a layer's box at which the size of the ground is
/// measured: a choice.
const MEASURED: u32 = 9;

/// The greatest difference, as a factor, between the sizes of the ground in the area of a layer up
/// to which they count as even: a choice. It is met by national grids in their own country.
const EVEN: f64 = 1.01;

/// A layer in another projection: the same points, splatted in the square of the projection.
///
/// Colours stand for the values that they stand for in Web Mercator: a picture has the scale of the
/// level at which a pixel of Web Mercator is as large on the ground, at the middle of the layer.
#[derive(Debug)]
pub struct ProjectedLayer {
    layer: Layer,
    ground: PlaneGround,
}

/// The reason why a layer can't be drawn in a projection.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ProjectedError {
    /// The projection has no place for the middle of the layer, or the layer is empty.
    #[error("the points do not lie in the area of this projection")]
    Elsewhere,
    /// The style's scale follows the neighbourhood of each pixel.
    #[error("scale=local is drawn in Web Mercator only; choose another scale")]
    Local,
    /// The radius is in metres, or the measure is per km², and the projection's scale differs too
    /// much in the area of the layer.
    #[error(
        "metres and km² need a projection whose scale is the same everywhere, or a smaller area: \
         here a metre has {least:.3} to {most:.3} of its length at the middle"
    )]
    Uneven {
        /// The least length of a metre, as a fraction of its length at the middle of the layer.
        least: f64,
        /// The greatest length of a metre, as a fraction of its length at the middle of the layer.
        most: f64,
    },
    /// The radius is in metres, and is too many pixels.
    #[error(
        "the radius is {pixels:.0} pixels here, but at most {} are drawn; choose a smaller radius \
         or a larger area",
        Kernel::MAX_RADIUS
    )]
    Wide {
        /// The radius in pixels of the picture.
        pixels: f64,
    },
}

impl ProjectedLayer {
    /// Makes the layer of the points of `base` in a projection, in the style of `base`. Nothing is
    /// read or drawn for it, except that the first view of the points is found.
    ///
    /// # Errors
    /// [`ProjectedError::Elsewhere`] if the projection has no place for the middle of the points.
    pub fn new(base: &Arc<Layer>, projection: Arc<dyn Projection>) -> Result<Self, ProjectedError> {
        let area = base.points().focus().ok_or(ProjectedError::Elsewhere)?;
        let ground = ground(area.bounds, &*projection).ok_or(ProjectedError::Elsewhere)?;
        let data = base.data().projected(&projection);
        let layer = Layer::new(
            base.name(),
            data,
            base.style().clone(),
            Arc::clone(base.backend()),
        );
        Ok(Self {
            layer: Layer {
                scales: Some(Arc::clone(base)),
                epoch: base.epoch(),
                ..layer
            },
            ground,
        })
    }

    /// Returns the request for a picture of a view in the projection's square. Its style is that of
    /// the layer; for another one, [`check`](Self::check) it first.
    pub fn map(&self, view: impl Into<View>) -> PictureRequest<'_> {
        self.layer.map(self.view(view))
    }

    /// Returns the view as it is drawn: with the size of the projection's square on the ground.
    pub fn view(&self, view: impl Into<View>) -> View {
        view.into().on_ground(self.ground)
    }

    /// Returns the layer in the projection's square. Its scales and its legends are those of the
    /// layer in Web Mercator, which also has the values and the nearest points of places.
    pub fn layer(&self) -> &Layer {
        &self.layer
    }

    /// Checks that a view can be drawn in a style.
    ///
    /// # Errors
    /// See [`ProjectedError`].
    pub fn check(&self, view: impl Into<View>, style: &Style) -> Result<(), ProjectedError> {
        if self.layer.is_local(style) {
            return Err(ProjectedError::Local);
        }
        let view = self.view(view);
        let level = style.level_in(view);
        let in_metres = matches!(style.radius().at_zoom(level.zoom()), Length::Metres(_));
        let (least, most) = self.ground.range;
        if (in_metres || style.measure().is_per_area()) && most / least > EVEN {
            return Err(ProjectedError::Uneven { least, most });
        }
        let pixels = style.radius_in(view);
        match in_metres && pixels > Kernel::MAX_RADIUS {
            true => Err(ProjectedError::Wide { pixels }),
            false => Ok(()),
        }
    }
}

/// The size on the ground of a projection's square, in an area. `None` if the projection has no
/// place for the middle of the area.
fn ground(area: LonLatBox, projection: &dyn Projection) -> Option<PlaneGround> {
    let [west, south, east, north] = area.edges();
    let size = |lon: f64, lat: f64| units_per_metre(projection, lon, lat);
    let (lon, lat) = ((west + east) / 2.0, (south + north) / 2.0);
    let middle = size(lon, lat)?;
    let at =
        |from: f64, to: f64, i: u32| from + (to - from) * f64::from(i) / f64::from(MEASURED - 1);
    let places = (0..MEASURED * MEASURED).map(|i| (i % MEASURED, i / MEASURED));
    let sizes = places.filter_map(|(x, y)| size(at(west, east, x), at(south, north, y)));
    let range = sizes.fold((1.0f64, 1.0f64), |(least, most), size| {
        let metre = size / middle;
        (least.min(metre), most.max(metre))
    });
    Some(PlaneGround {
        metres_per_unit: middle.recip(),
        level_shift: level_shift(projection, lon, lat)?,
        range,
    })
}
