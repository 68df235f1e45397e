//! Pictures in another coordinate system than the one in which they are drawn.

/// A mapping that makes a picture in another coordinate system from a drawn one: for each column
/// and each row of the new picture, its place in the drawn one. A column's place depends on x
/// alone, and a row's on y alone. A column or row that lies outside the drawn picture is `None`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Warp {
    columns: Vec<Option<Tap>>,
    rows: Vec<Option<Tap>>,
    /// The width of the drawn picture in pixels.
    width: usize,
}

/// The place of a row or column of the new picture: the two neighbouring rows or columns of the
/// drawn picture between whose centres its own centre lies.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Tap {
    first: usize,
    second: usize,
    /// The weight of `second` in the interpolation, from 0 to 1. The weight of `first` is the rest
    /// up to 1.
    share: f32,
}

impl Tap {
    /// Finds the two rows or columns around the coordinate `at` of the drawn picture, which has
    /// `size` pixels in this direction: pixel number `i`, counted from 0, reaches from `i` to `i +
    /// 1`. `None` if `at` is outside the picture.
    fn new(at: f64, size: u32) -> Option<Self> {
        if !(0.0..=f64::from(size)).contains(&at) {
            return None;
        }
        let last = f64::from(size.checked_sub(1)?);
        let centre = (at - 0.5).clamp(0.0, last);
        let first = centre.floor();
        Some(Self {
            first: first as usize,
            second: (first + 1.0).min(last) as usize,
            share: (centre - first) as f32,
        })
    }
}

impl Warp {
    /// Makes a warp from a drawn picture of `drawn` pixels (width and height). `columns` and `rows`
    /// are the coordinates, in pixels of the drawn picture, of the centres of the new picture's
    /// columns and rows; NaN where these show nothing.
    pub(crate) fn new(columns: &[f64], rows: &[f64], drawn: (u32, u32)) -> Self {
        let taps = |all: &[f64], size: u32| all.iter().map(|at| Tap::new(*at, size)).collect();
        Self {
            columns: taps(columns, drawn.0),
            rows: taps(rows, drawn.1),
            width: drawn.0 as usize,
        }
    }

    /// Lets each new pixel be a copy of the nearest drawn pixel, in place of a mixture of four.
    /// This is for pictures whose pixels are counts, between which nothing lies.
    pub(crate) fn nearest(mut self) -> Self {
        let taps = self.columns.iter_mut().chain(&mut self.rows).flatten();
        taps.for_each(|tap| tap.share = tap.share.round());
        self
    }

    /// The width and the height, in pixels, of the picture that the warp makes.
    pub(crate) fn size(&self) -> (u32, u32) {
        (self.columns.len() as u32, self.rows.len() as u32)
    }

    /// The new picture's colour indices, made from `drawn`, the colour indices of the drawn
    /// picture. They are interpolated between four drawn pixels, except at the edge of the heat: if
    /// one of the four indices is 0, which stands for no heat, the index of the nearest pixel is
    /// taken.
    pub(crate) fn indices(&self, drawn: &[u8]) -> Vec<u8> {
        self.pixels(drawn, 0, |taps, right, down| {
            let [a, b, c, d] = taps;
            if taps.contains(&0) {
                return match (right < 0.5, down < 0.5) {
                    (true, true) => a,
                    (false, true) => b,
                    (true, false) => c,
                    (false, false) => d,
                };
            }
            mix(
                mix(a.into(), b.into(), right),
                mix(c.into(), d.into(), right),
                down,
            )
            .round() as u8
        })
    }

    /// The new picture's RGBA pixels, interpolated between the pixels of the drawn picture. In both
    /// pictures red, green and blue are not multiplied by alpha.
    pub(crate) fn colors(&self, drawn: &[[u8; 4]]) -> Vec<[u8; 4]> {
        self.pixels(drawn, [0; 4], |taps, right, down| {
            let [a, b, c, d] = taps.map(|[r, g, b, a]| {
                let alpha = f32::from(a);
                [
                    f32::from(r) * alpha,
                    f32::from(g) * alpha,
                    f32::from(b) * alpha,
                    alpha,
                ]
            });
            let mut sum = [0f32; 4];
            for (sum, ((a, b), (c, d))) in sum
                .iter_mut()
                .zip(a.into_iter().zip(b).zip(c.into_iter().zip(d)))
            {
                *sum = mix(mix(a, b, right), mix(c, d, right), down);
            }
            let [r, g, b, alpha] = sum;
            if alpha <= 0.0 {
                return [0; 4];
            }
            [r / alpha, g / alpha, b / alpha, alpha].map(|channel| channel.round() as u8)
        })
    }

    fn pixels<T: Copy>(
        &self,
        drawn: &[T],
        nothing: T,
        mixed: impl Fn([T; 4], f32, f32) -> T,
    ) -> Vec<T> {
        let mut out = Vec::with_capacity(self.rows.len() * self.columns.len());
        let row = |number: usize| {
            let start = number * self.width;
            drawn.get(start..start + self.width).unwrap_or_default()
        };
        for tap in &self.rows {
            let Some(down) = tap else {
                out.extend(std::iter::repeat_n(nothing, self.columns.len()));
                continue;
            };
            let (above, below) = (row(down.first), row(down.second));
            let pixel = |tap: &Option<Tap>| {
                let right = (*tap)?;
                let taps = [
                    *above.get(right.first)?,
                    *above.get(right.second)?,
                    *below.get(right.first)?,
                    *below.get(right.second)?,
                ];
                Some(mixed(taps, right.share, down.share))
            };
            out.extend(self.columns.iter().map(|tap| pixel(tap).unwrap_or(nothing)));
        }
        out
    }
}

fn mix(a: f32, b: f32, share: f32) -> f32 {
    a + (b - a) * share
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_at_the_same_places_stay_the_same() {
        let warp = Warp::new(&[0.5, 1.5, 2.5], &[0.5, 1.5], (3, 2));
        let drawn = [1, 0, 3, 4, 250, 6];
        assert_eq!(warp.indices(&drawn), drawn);
        let colors = drawn.map(|index| [index, 1, 2, 9]);
        assert_eq!(warp.colors(&colors), colors);
    }

    #[test]
    fn between_pixels_lies_their_mean_and_outside_nothing() {
        let warp = Warp::new(&[1.0, f64::NAN, 5.0], &[0.5, -0.1], (2, 1));
        assert_eq!(warp.size(), (3, 2));
        assert_eq!(warp.indices(&[10, 20]), [15, 0, 0, 0, 0, 0]);
        // No heat and much heat are not little heat: on a scale of both signs, little is another
        // sign.
        assert_eq!(warp.indices(&[0, 128])[0], 128);
        let nearest = Warp::new(&[0.9, 1.2], &[0.5], (2, 1)).nearest();
        assert_eq!(nearest.indices(&[10, 20]), [10, 20]);
        let half = warp.colors(&[[200, 100, 0, 255], [0, 0, 0, 0]]);
        assert_eq!(half[..2], [[200, 100, 0, 128], [0; 4]]);
    }
}
