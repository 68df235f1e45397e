//! Densities and pictures: a density is the result of splatting and the input of colouring; a
//! picture, of colour indices, is the result of colouring and the input of encoding.

/// The density at the centre of each pixel of a window, row by row from the north: Σ weight ·
/// K(distance) over all points, where K is the kernel, or a measure made of such sums. NaN stands
/// for no value.
#[derive(Clone, Debug, PartialEq)]
pub struct Density {
    /// The picture's width in pixels.
    pub width: u32,
    /// The picture's height in pixels.
    pub height: u32,
    /// The densities: `width` × `height` numbers, row by row from the north.
    pub values: Vec<f32>,
}

impl Density {
    /// A density that is 0 in all pixels.
    pub fn empty(width: u32, height: u32) -> Self {
        Self {
            width,
            height,
            values: vec![0.0; width as usize * height as usize],
        }
    }

    /// The density of pixel (x, y); 0 outside the picture.
    pub fn at(&self, x: u32, y: u32) -> f32 {
        let place = y as usize * self.width as usize + x as usize;
        if x < self.width {
            self.values.get(place).copied().unwrap_or(0.0)
        } else {
            0.0
        }
    }

    /// Replaces each value a by f(a, b), where b is the value of `other` at the same pixel.
    pub(crate) fn zip(&mut self, other: &Self, f: impl Fn(f32, f32) -> f32) {
        for (a, &b) in self.values.iter_mut().zip(&other.values) {
            *a = f(*a, b);
        }
    }

    /// A copy without the outermost row or column of pixels on each of the four sides.
    pub(crate) fn without_rim(&self) -> Self {
        let (width, height) = (self.width.saturating_sub(2), self.height.saturating_sub(2));
        let rows = self.values.chunks_exact((self.width as usize).max(1));
        let inner = rows.skip(1).take(height as usize);
        let inner = inner.flat_map(|row| row.iter().skip(1).take(width as usize));
        Self {
            width,
            height,
            values: inner.copied().collect(),
        }
    }

    /// Copies `block`, the density of a part of this picture, into this density. The top left pixel
    /// of `block` goes to (x, y).
    pub(crate) fn paste(&mut self, block: &Self, x: u32, y: u32) {
        paste(
            &mut self.values,
            self.width,
            &block.values,
            block.width,
            x,
            y,
        );
    }
}

/// The colour indices of a window, row by row from the north. Index 0 means that there is nothing
/// to draw, and 255 is the last colour of the ramp.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// The picture's width in pixels.
    pub width: u32,
    /// The picture's height in pixels.
    pub height: u32,
    /// The pixels row by row from the north: `width` × `height` indices into a ramp.
    pub indices: Vec<u8>,
}

impl Picture {
    /// A picture whose indices are all 0.
    pub fn empty(width: u32, height: u32) -> Self {
        Self {
            width,
            height,
            indices: vec![0; width as usize * height as usize],
        }
    }

    /// Returns true if every index is 0.
    pub fn is_empty(&self) -> bool {
        self.indices.iter().all(|&i| i == 0)
    }

    /// Copies `block`, a part of this picture, into it. The top left pixel of `block` goes to (x,
    /// y).
    pub(crate) fn paste(&mut self, block: &Self, x: u32, y: u32) {
        paste(
            &mut self.indices,
            self.width,
            &block.indices,
            block.width,
            x,
            y,
        );
    }
}

fn paste<T: Copy>(to: &mut [T], to_width: u32, from: &[T], from_width: u32, x: u32, y: u32) {
    let rows = to
        .chunks_exact_mut(to_width.max(1) as usize)
        .skip(y as usize);
    for (row, source) in rows.zip(from.chunks_exact(from_width.max(1) as usize)) {
        if let Some(place) = row
            .get_mut(x as usize..)
            .and_then(|r| r.get_mut(..source.len()))
        {
            place.copy_from_slice(source);
        }
    }
}
