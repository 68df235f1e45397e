//! Conversions to images of the crate `image`.

use heatsplat_render::{Density, Picture, Ramp, encode};
use image::{ImageBuffer, Luma, RgbaImage};

/// Colours a picture with a ramp. The result has the same width and height, and its pixels are red,
/// green, blue and alpha. The first three are not multiplied by alpha.
///
/// ```
/// use heatsplat::{Layer, Points, Style, TileId};
/// let points = Points::from_lon_lat([(0.0, 0.0, 1.0)])?;
/// let layer = Layer::on_cpu("one", points, Style::default());
/// let picture = layer.tile(TileId::new(0, 0, 0)?).picture();
/// let image = heatsplat::image::rgba(&picture, layer.style().ramp());
/// assert!(image.get_pixel(128, 128).0[3] > 0 && image.get_pixel(5, 5).0[3] == 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn rgba(picture: &Picture, ramp: &Ramp) -> RgbaImage {
    let pixels = encode::rgba(&picture.indices, ramp);
    RgbaImage::from_raw(picture.width, picture.height, pixels).unwrap_or_default()
}

/// Copies a density into an image with one channel of 32-bit floats. Each pixel is the density's
/// value there, and NaN where the density has no value.
pub fn luma(density: &Density) -> ImageBuffer<Luma<f32>, Vec<f32>> {
    ImageBuffer::from_raw(density.width, density.height, density.values.clone()).unwrap_or_default()
}
