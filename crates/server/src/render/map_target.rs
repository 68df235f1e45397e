//! The last steps from a drawn picture to the bytes of a map: mapping it to another grid of pixels,
//! laying it on an opaque colour (the ground), and encoding it.

use super::warp::Warp;
use heatsplat_render::encode::{
    Effort, EncodeError, ImageEncoding, ImageFormat, png_indexed, rgba,
};
use heatsplat_render::{Picture, Ramp};
use std::sync::Arc;

/// The steps from a drawn picture to a map: the mapping to another grid of pixels, the opaque
/// colour on which the picture is laid (the ground), and the file format.
#[derive(Clone, Debug)]
pub(crate) struct MapTarget {
    /// The format of the image file.
    pub(crate) format: ImageFormat,
    /// The mapping from the drawn picture to the map's own grid of pixels; `None` if the map has
    /// the grid in which it is drawn.
    pub(crate) warp: Option<Arc<Warp>>,
    /// The colour (red, green, blue) on which the picture is laid; `None` for a picture that is
    /// transparent where no heat is.
    pub(crate) ground: Option<[u8; 3]>,
}

impl From<ImageFormat> for MapTarget {
    /// The target of a picture that stays in the grid in which it is drawn, and gets no ground.
    fn from(format: ImageFormat) -> Self {
        Self {
            format,
            warp: None,
            ground: None,
        }
    }
}

impl MapTarget {
    /// True if the drawn picture is encoded as it is: in its own grid and without a ground.
    pub(crate) fn is_plain(&self) -> bool {
        self.warp.is_none() && self.ground.is_none()
    }

    /// Encodes a picture of colour indices.
    pub(crate) fn picture(&self, drawn: &Picture, ramp: &Ramp) -> Result<Arc<[u8]>, EncodeError> {
        let (width, height) = self.size((drawn.width, drawn.height));
        let warped = self.warp.as_ref().map(|warp| warp.indices(&drawn.indices));
        let indices = warped.as_deref().unwrap_or(&drawn.indices);
        let encoding = ImageEncoding::from(self.format);
        match self.ground {
            None => encoding.indices(indices, width, height, ramp),
            Some(ground) if self.format == ImageFormat::Png => {
                let mut colors = *ramp.colors();
                lay_on(colors.as_flattened_mut(), ground);
                let bytes = png_indexed(indices, width, height, &colors, Effort::Live)?;
                Ok(bytes.into())
            }
            Some(ground) => {
                let mut pixels = rgba(indices, ramp);
                lay_on(&mut pixels, ground);
                encoding.pixels(&pixels, width, height)
            }
        }
    }

    /// Encodes RGBA pixels whose red, green and blue are not multiplied by alpha. `drawn` is the
    /// width and height in pixels of the drawn picture, which has these pixels.
    pub(crate) fn pixels(
        &self,
        mut pixels: Vec<u8>,
        drawn: (u32, u32),
    ) -> Result<Arc<[u8]>, EncodeError> {
        if let Some(warp) = &self.warp {
            let (colors, _) = pixels.as_chunks::<4>();
            pixels = warp.colors(colors).into_flattened();
        }
        if let Some(ground) = self.ground {
            lay_on(&mut pixels, ground);
        }
        let (width, height) = self.size(drawn);
        ImageEncoding::from(self.format).pixels(&pixels, width, height)
    }

    fn size(&self, drawn: (u32, u32)) -> (u32, u32) {
        self.warp.as_ref().map_or(drawn, |warp| warp.size())
    }
}

/// Lays RGBA pixels, whose red, green and blue are not multiplied by alpha, on an opaque ground.
fn lay_on(pixels: &mut [u8], ground: [u8; 3]) {
    let (pixels, _) = pixels.as_chunks_mut::<4>();
    for pixel in pixels {
        let alpha = u32::from(pixel[3]);
        for (channel, below) in pixel.iter_mut().zip(ground) {
            let sum = u32::from(*channel) * alpha + u32::from(below) * (255 - alpha);
            *channel = ((sum + 127) / 255) as u8;
        }
        pixel[3] = 255;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ground_is_seen_where_heat_is_translucent() {
        let mut pixels = [10, 20, 30, 255, 200, 100, 0, 0, 255, 255, 255, 51];
        lay_on(&mut pixels, [0, 100, 200]);
        assert_eq!(
            pixels,
            [10, 20, 30, 255, 0, 100, 200, 255, 51, 131, 211, 255]
        );
    }
}
