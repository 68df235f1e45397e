//! The drawing of a legend as a PNG.

use super::Legend;
use super::layout::{LegendTheme, layout};
use crate::encode::EncodeError;
use crate::legend::canvas::{Canvas, TEXT_SIZE};

pub(super) fn draw(legend: &Legend, theme: &LegendTheme) -> Result<Vec<u8>, EncodeError> {
    canvas(legend, theme).png()
}

/// Draws a legend on a canvas of its size.
pub(super) fn canvas(legend: &Legend, theme: &LegendTheme) -> Canvas {
    let layout = layout(legend, theme, 1.0);
    let mut canvas = Canvas::new(layout.width, layout.height, theme.ratio);
    canvas.fill(
        [0.0, 0.0, layout.width, layout.height],
        6.0,
        theme.background,
    );
    if let Some((x, y, text)) = &layout.heading {
        canvas.text([*x, *y], TEXT_SIZE, text, &theme.typeface, theme.ink);
    }
    let color = |share: f32| legend.ramp.color((share * 255.0).round() as u8);
    if !layout.boxes.is_empty() {
        for (area, rgba) in &layout.boxes {
            canvas.fill(*area, 0.0, *rgba);
        }
    } else if theme.vertical {
        canvas.climb(layout.bar, color);
    } else {
        canvas.sweep(layout.bar, color);
    }
    for mark in &layout.ticks {
        canvas.fill(mark.line, 0.0, theme.ink);
        if let Some((x, y, text)) = &mark.label {
            canvas.text([*x, *y], TEXT_SIZE, text, &theme.typeface, theme.ink);
        }
    }
    canvas
}

#[cfg(test)]
mod tests {
    use super::super::tests::normalizer;
    use super::*;
    use crate::ramp::Ramp;
    use crate::scale::domain::Domain;
    use crate::scale::transform::Transform;

    #[test]
    fn a_picture_is_as_large_as_its_ratio_says_and_shows_both_ends_of_the_ramp() {
        let legend = Legend::new(
            &normalizer(Domain::Auto, Transform::Log),
            &Ramp::parse("#0000ff, #ff0000").unwrap(),
        );
        for vertical in [false, true] {
            let size = |ratio| {
                let theme = LegendTheme {
                    vertical,
                    ratio,
                    ..LegendTheme::default()
                };
                let bytes = draw(&legend, &theme).unwrap();
                let mut reader = ::png::Decoder::new(std::io::Cursor::new(bytes))
                    .read_info()
                    .unwrap();
                let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
                let info = reader.next_frame(&mut pixels).unwrap();
                let shown = |end: fn(&[u8]) -> bool| pixels.chunks_exact(4).any(end);
                assert!(shown(|p| p[2] > 250 && p[0] < 80 && p[3] == 255));
                assert!(shown(|p| p == [255, 0, 0, 255]));
                (info.width, info.height)
            };
            let (once, twice) = (size(1), size(2));
            assert_eq!((once.0 * 2, once.1 * 2), twice);
        }
    }
}
