//! Layers: points with a style, which draw tiles, maps, densities and legends.

use crate::data::{Data, bounds};
use crate::errors;
use crate::work::{detached, interruptible};
use heatsplat::points::mercator::{EQUATOR_METRES, WORLD, project};
use heatsplat::points::{LonLatBox, Points, TileId};
use heatsplat::render::legend::LegendTheme;
use heatsplat::render::{Comparison, PointSet, Radius, TileSize, View, ramps};
use heatsplat::{ImageFormat, Style};
use numpy::{IntoPyArray, PyArray2, PyArrayMethods};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use std::sync::Arc;

/// Points with a style.
#[pyclass(frozen, module = "heatsplat._heatsplat")]
pub(crate) struct Layer {
    pub(crate) layer: heatsplat::Layer,
}

/// The name and value of a style parameter, both as text, like `radius` and `12px`.
type Setting = (String, String);

/// An array of values, and where it lies: its west edge, its north edge, and the side of a pixel.
/// All three are in metres of EPSG:3857.
type PlacedValues<'py> = (Bound<'py, PyArray2<f32>>, (f64, f64, f64));

#[pymethods]
impl Layer {
    #[new]
    fn new(
        py: Python<'_>,
        name: &str,
        data: PyRef<'_, Data>,
        settings: Vec<Setting>,
    ) -> PyResult<Self> {
        let set = data.set();
        let points = Arc::clone(&data.points);
        let layer = interruptible(py, move || {
            let style = style(&settings, &points)?;
            Ok::<_, String>(heatsplat::Layer::on_cpu(name, set, style))
        })?;
        let layer = layer.map_err(errors::style)?;
        check(&layer, layer.style())?;
        Ok(Self { layer })
    }

    /// A layer of the same points in this layer's style, of which the parameters in `settings` are
    /// changed.
    fn styled(&self, py: Python<'_>, settings: Vec<Setting>) -> PyResult<Self> {
        let mut style = self.layer.style().clone();
        let points = self.layer.points();
        interruptible(py, || set(&mut style, &settings, points))?.map_err(errors::style)?;
        check(&self.layer, &style)?;
        let set = PointSet::clone(self.layer.data());
        let layer = heatsplat::Layer::on_cpu(self.layer.name(), set, style);
        Ok(Self { layer })
    }

    /// A layer of the points of `data` that fulfil the condition `filter`, like `year >= 2020`, in
    /// the style of this layer. `data` must be the data that this layer was made of. The radius is
    /// the one of this layer, and isn't fitted anew.
    fn filtered(&self, py: Python<'_>, data: PyRef<'_, Data>, filter: &str) -> PyResult<Self> {
        let filter = filter.parse().map_err(errors::data)?;
        let (points, table) = (Arc::clone(&data.points), Arc::clone(&data.table));
        let selected = interruptible(py, move || table.select(&points, &filter))?;
        let selected = selected.map_err(errors::data)?;
        let set = PointSet::new(selected).measuring(data.quantity.clone());
        let style = self.layer.style().clone();
        let layer = heatsplat::Layer::on_cpu(self.layer.name(), set, style);
        Ok(Self { layer })
    }

    /// The number of points.
    fn __len__(&self) -> usize {
        self.layer.points().summary().count
    }

    /// The sum of the weights of all points.
    #[getter]
    fn total(&self) -> f64 {
        self.layer.points().summary().weight_sum
    }

    /// The west, south, east and north edge of the box around the points, in degrees. `None` if
    /// there are no points.
    #[getter]
    fn bounds(&self) -> Option<[f64; 4]> {
        self.layer.data_bounds().map(LonLatBox::edges)
    }

    /// The view with which a map begins: longitude and latitude of its centre in degrees, its zoom,
    /// and the west, south, east and north edge of its box. The box contains nearly all weight and
    /// a margin around it. Without points it is the world.
    fn view(&self, py: Python<'_>) -> PyResult<(f64, f64, u8, [f64; 4])> {
        let focus = interruptible(py, || self.layer.points().focus())?;
        Ok(match focus {
            None => (0.0, 0.0, 0, LonLatBox::WORLD.edges()),
            Some(focus) => {
                let shown = focus.bounds.with_margin();
                (focus.lon, focus.lat, focus.zoom, shown.edges())
            }
        })
    }

    /// All parameters of the style, as a dictionary from names to values. Both are texts.
    #[getter]
    fn style<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let all = PyDict::new(py);
        for (name, value) in self.layer.style().parameters() {
            all.set_item(name, value)?;
        }
        Ok(all)
    }

    /// The unit of the values that pictures show, in words, like `people per km²`.
    #[getter]
    fn unit(&self) -> String {
        self.layer.unit(self.layer.style())
    }

    /// A tile, given as (zoom, x, y), as the bytes of an image file. `size` is the tile's side in
    /// CSS pixels (256 or 512) and the device pixel ratio (1 or 2). `format` is a file name's
    /// extension, like `png`.
    fn tile<'py>(
        &self,
        py: Python<'py>,
        tile: (u8, u32, u32),
        size: (u32, u32),
        format: &str,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let tile = TileId::new(tile.0, tile.1, tile.2).map_err(errors::other)?;
        let size = tile_size(size)?;
        let format = image_format(format)?;
        // Most tiles take less than a millisecond, so no thread is started. But those that must
        // first measure the scale of their zoom may take long.
        let draw = || self.layer.tile(tile).size(size).format(format).encode();
        let level = View::tile(tile, size).level();
        let bytes = match self.layer.has_normalizer(level, self.layer.style()) {
            true => detached(py, draw)?,
            false => interruptible(py, draw)?,
        };
        Ok(PyBytes::new(py, &bytes.map_err(errors::other)?))
    }

    /// A picture of a box as the bytes of an image file. `edges` are west, south, east and north in
    /// degrees, `size` is width and height in CSS pixels, and `ratio` is the device pixel ratio.
    /// `format` is a file name's extension, like `png`.
    fn map<'py>(
        &self,
        py: Python<'py>,
        edges: [f64; 4],
        size: (u32, u32),
        ratio: u32,
        format: &str,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let view = view(edges, size, ratio)?;
        let format = image_format(format)?;
        let bytes = interruptible(py, || self.layer.map(view).format(format).encode())?;
        Ok(PyBytes::new(py, &bytes.map_err(errors::other)?))
    }

    /// The values of the pixels of a picture of a box, row by row from the north, and the place of
    /// the picture. `edges` are west, south, east and north in degrees, `size` is width and height
    /// in pixels.
    fn density<'py>(
        &self,
        py: Python<'py>,
        edges: [f64; 4],
        size: (u32, u32),
    ) -> PyResult<PlacedValues<'py>> {
        let view = view(edges, size, 1)?;
        let density = interruptible(py, || self.layer.map(view).density())?;
        let window = view.window();
        let metre = EQUATOR_METRES / WORLD;
        let place = (
            (window.left() - WORLD / 2.0) * metre,
            (WORLD / 2.0 - window.top()) * metre,
            window.pixel() * metre,
        );
        let values = density.values.into_pyarray(py);
        Ok((values.reshape([size.1 as usize, size.0 as usize])?, place))
    }

    /// The value that tiles of zoom `zoom` show at the position `at` (longitude and latitude in
    /// degrees), the number of points with a weight whose splats reach the position, and the mean
    /// weight of these points. A value or a mean that doesn't exist is `None`.
    fn value(
        &self,
        py: Python<'_>,
        at: (f64, f64),
        zoom: u8,
    ) -> PyResult<(Option<f64>, usize, Option<f64>)> {
        let at = project(at.0, at.1).map_err(errors::other)?;
        let value = interruptible(py, || self.layer.value(at, zoom, self.layer.style()))?;
        Ok((value.value, value.count, value.mean))
    }

    /// The legend of the tiles of a zoom: once as JSON, once as SVG.
    fn legend(&self, py: Python<'_>, zoom: u8) -> PyResult<(String, String)> {
        interruptible(py, || {
            let legend = self.layer.legend(zoom, self.layer.style());
            (legend.to_json(), legend.to_svg(&LegendTheme::default()))
        })
    }
}

/// A layer that shows the first layer minus the second (`sign` is `-`) or divided by it (`/`). Its
/// style has the measure and the radius of the first layer, and the parameters in `settings`.
#[pyfunction]
pub(crate) fn against(
    py: Python<'_>,
    name: &str,
    first: PyRef<'_, Layer>,
    sign: &str,
    second: PyRef<'_, Layer>,
    settings: Vec<Setting>,
) -> PyResult<Layer> {
    let named = Comparison::ALL.into_iter().find(|(text, _)| *text == sign);
    let (_, how) = named.ok_or_else(|| errors::style(format!("{sign} is neither - nor /")))?;
    // Scale and ramp of the first layer were chosen for its amounts, and don't suit differences.
    let of_first = &first.layer;
    let mut style = Style::default()
        .with_measure(of_first.style().measure())
        .with_radius(of_first.style().radius().clone());
    let points = of_first.points();
    interruptible(py, || set(&mut style, &settings, points))?.map_err(errors::style)?;
    let layer = of_first.against(how, &second.layer, name, style);
    check(&layer, layer.style())?;
    Ok(Layer { layer })
}

/// The names of all parameters of styles.
#[pyfunction]
pub(crate) fn style_names() -> Vec<&'static str> {
    Style::PARAMETERS.to_vec()
}

/// The names of all ramps.
#[pyfunction]
pub(crate) fn ramp_names() -> Vec<&'static str> {
    ramps::all().iter().map(|ramp| ramp.name).collect()
}

/// The default style with the parameters in `settings`. If these don't set the radius, it is fitted
/// to the points.
fn style(settings: &[Setting], points: &Points) -> Result<Style, String> {
    let mut style = Style::default();
    set(&mut style, settings, points)?;
    let sets_radius = settings.iter().any(|(name, _)| name == "radius");
    Ok(match sets_radius {
        true => style,
        false => style.with_radius(Radius::for_points(points)),
    })
}

/// Changes parameters of a style. A radius of `auto` is replaced by one that is fitted to `points`.
fn set(style: &mut Style, settings: &[Setting], points: &Points) -> Result<(), String> {
    let is_fitted = |(name, value): &&Setting| name == "radius" && value == "auto";
    if settings.iter().any(|setting| is_fitted(&setting)) {
        *style = style.clone().with_radius(Radius::for_points(points));
    }
    let texts = settings.iter().filter(|setting| !is_fitted(setting));
    let texts = texts.map(|(name, value)| (name.as_str(), value.as_str()));
    style.set_all(texts).map_err(|error| error.to_string())
}

/// Returns an error if a layer's points can't be drawn in a style.
fn check(layer: &heatsplat::Layer, style: &Style) -> PyResult<()> {
    layer.data().check(style.measure()).map_err(errors::style)
}

/// The size of tiles, from their side in CSS pixels and the pixels for each of these.
pub(crate) fn tile_size((side, ratio): (u32, u32)) -> PyResult<TileSize> {
    let refused = || errors::other("tiles have a size of 256 or 512, and a ratio of 1 or 2");
    TileSize::new(side, ratio).ok_or_else(refused)
}

fn image_format(name: &str) -> PyResult<ImageFormat> {
    ImageFormat::from_extension(name)
        .ok_or_else(|| errors::other(format!("{name:?} is no format: png, webp, npy or tif")))
}

/// The view of a box in a picture. `edges` are west, south, east and north in degrees, width and
/// height are in CSS pixels, and `ratio` is the device pixel ratio.
fn view(edges: [f64; 4], (width, height): (u32, u32), ratio: u32) -> PyResult<View> {
    View::around(bounds(edges)?, width, height, ratio).map_err(errors::other)
}
