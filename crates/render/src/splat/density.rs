//! Densities and pictures: the grids that are handed from splatting to colouring, and from
//! colouring to encoding.

/// Σ weight · K(distance) at the centre of each pixel of a window, row by row from the north.
#[derive(Clone, Debug, PartialEq)]
pub struct Density {
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// `width` × `height` densities.
    pub values: Vec<f32>,
}

impl Density {
    /// A grid of zeros.
    pub fn empty(width: u32, height: u32) -> Self {
        Self {
            width,
            height,
            values: vec![0.0; width as usize * height as usize],
        }
    }

    /// The density of a pixel; 0 outside the grid.
    pub fn at(&self, x: u32, y: u32) -> f32 {
        let place = y as usize * self.width as usize + x as usize;
        if x < self.width {
            self.values.get(place).copied().unwrap_or(0.0)
        } else {
            0.0
        }
    }

    /// Sets each value to `f` of itself and of the other grid's value at the same pixel.
    pub(crate) fn zip(&mut self, other: &Self, f: impl Fn(f32, f32) -> f32) {
        for (a, &b) in self.values.iter_mut().zip(&other.values) {
            *a = f(*a, b);
        }
    }

    /// A copy without the outermost row or column of pixels on each side.
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

    /// Copies another grid into this one, so that its top left pixel lies at (x, y).
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

/// Colour indices of a window, row by row from the north: 0 stands for nothing, 255 for the ramp's
/// end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// `width` × `height` indices into a ramp.
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

    /// True where every index is 0.
    pub fn is_empty(&self) -> bool {
        self.indices.iter().all(|&i| i == 0)
    }

    /// Copies another picture into this one, so that its top left pixel lies at (x, y).
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
