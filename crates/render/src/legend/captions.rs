//! Captions of a static map: title, legend, scale bar and attribution, drawn over the map.

use crate::legend::Legend;
use crate::legend::canvas::{Canvas, MAX_RATIO, TEXT_HEIGHT, TEXT_SIZE};
use crate::legend::layout::LegendTheme;
use crate::legend::png;
use crate::splat::view::View;
use heatsplat_points::Window;
use heatsplat_points::mercator::metres_per_unit;

/// The gap between a panel and the map's edge, and between two panels, in CSS pixels: a choice.
const MARGIN: f32 = 10.0;
/// The gap between a panel's edge and its contents, in CSS pixels: a choice.
const PADDING: f32 = 8.0;

/// The font size of a map's title, in CSS pixels: a choice.
const TITLE_SIZE: f32 = 18.0;

/// The length of the longest scale bar, in CSS pixels: a choice.
const LONGEST_BAR: f64 = 140.0;
/// The thickness of a scale bar's lines, in CSS pixels: a choice.
const LINE: f32 = 2.0;

/// The captions of a static map, each on a panel at a corner of the map: the title at the top left,
/// the legend at the bottom left, and the scale bar and the attribution at the bottom right.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Captions {
    /// The title of the map. With `None` no title is drawn.
    pub title: Option<String>,
    /// The legend of the map's colours. With `None` no legend is drawn.
    pub legend: Option<Legend>,
    /// True if a scale bar is drawn. Its length is right at the latitude of the map's centre.
    pub scale_bar: bool,
    /// The attribution: the text that names the source of the data. With `None` no such text is
    /// drawn.
    pub attribution: Option<String>,
    /// The colours of the panels, their typeface, and the number of pixels per CSS pixel, at most
    /// 4.
    pub theme: LegendTheme,
}

impl Captions {
    /// Draws the captions over a map. `pixels` are the RGBA pixels of the map, row by row, not
    /// premultiplied by alpha. `window` is the part of the world that the map shows. Captions that
    /// don't fit on the map are cut off.
    pub fn draw(&self, pixels: &mut [u8], window: &Window) {
        self.placed(*window).draw_rows(pixels, 0);
    }

    /// Draws the panels of the captions and finds their places on a map. `view` is the part of the
    /// world that the map shows.
    pub fn placed(&self, view: impl Into<View>) -> PlacedCaptions {
        let view = view.into();
        PlacedCaptions {
            width: view.window().width() as usize,
            panels: self.panels(&view),
        }
    }

    /// Draws the panels, and finds their places on the map that `view` shows.
    fn panels(&self, view: &View) -> Vec<PlacedPanel> {
        let map = MapCorners::new(&view.window(), self.theme.ratio.clamp(1, MAX_RATIO));
        let mut placed = Vec::new();
        if let Some(title) = &self.title {
            let panel = self.words(title, TITLE_SIZE);
            let (left, top) = (map.left(), map.margin);
            placed.push(PlacedPanel { panel, left, top });
        }
        if let Some(legend) = &self.legend {
            let room = (map.width as f32 / map.ratio as f32 * 0.5) as u32;
            let theme = LegendTheme {
                length: self.theme.length.min(room),
                ..self.theme.clone()
            };
            let panel = png::canvas(legend, &theme);
            let (left, top) = (map.left(), map.above_bottom(panel.height()));
            placed.push(PlacedPanel { panel, left, top });
        }
        let mut below = 0;
        if let Some(attribution) = &self.attribution {
            let panel = self.words(attribution, TEXT_SIZE);
            let (left, top) = map.bottom_right(&panel, 0);
            below = panel.height() + map.margin / 2;
            placed.push(PlacedPanel { panel, left, top });
        }
        if self.scale_bar {
            let panel = self.bar(map.metres_per_pixel(view));
            let (left, top) = map.bottom_right(&panel, below);
            placed.push(PlacedPanel { panel, left, top });
        }
        placed
    }

    /// Makes a panel with one line of text, whose font size is `size` CSS pixels.
    fn words(&self, text: &str, size: f32) -> Canvas {
        let typeface = &self.theme.typeface;
        let width = typeface.width(text, size) + 2.0 * PADDING;
        let height = TEXT_HEIGHT * size / TEXT_SIZE;
        let mut canvas = self.panel(width, height + PADDING);
        let corner = [PADDING, PADDING / 2.0];
        canvas.text(corner, size, text, typeface, self.theme.ink);
        canvas
    }

    /// Makes a panel with a scale bar. `metres` is the length on the ground that a CSS pixel shows.
    fn bar(&self, metres: f64) -> Canvas {
        let length = round_length(metres * LONGEST_BAR);
        let text = in_words(length);
        let bar = (length / metres) as f32;
        let typeface = &self.theme.typeface;
        let letters = typeface.width(&text, TEXT_SIZE);
        let width = bar.max(letters) + 2.0 * PADDING;
        let mut canvas = self.panel(width, TEXT_HEIGHT + 2.0 * PADDING);
        let ink = self.theme.ink;
        let (left, bottom) = (PADDING, TEXT_HEIGHT + 1.5 * PADDING);
        let corner = [(width - letters) / 2.0, PADDING / 2.0];
        canvas.text(corner, TEXT_SIZE, &text, typeface, ink);
        canvas.fill([left, bottom - LINE, bar, LINE], 0.0, ink);
        for x in [left, left + bar - LINE] {
            canvas.fill([x, bottom - 3.0 * LINE, LINE, 3.0 * LINE], 0.0, ink);
        }
        canvas
    }

    fn panel(&self, width: f32, height: f32) -> Canvas {
        let mut canvas = Canvas::new(width, height, self.theme.ratio);
        canvas.fill([0.0, 0.0, width, height], 4.0, self.theme.background);
        canvas
    }
}

/// Captions whose panels are drawn already, with their places on a map.
pub struct PlacedCaptions {
    /// The width of the map in pixels.
    width: usize,
    panels: Vec<PlacedPanel>,
}

impl PlacedCaptions {
    /// Draws the captions over some rows of the map, as [`Captions::draw`] does over all rows.
    /// `pixels` has only these rows, and `first` is the number of the first of them, counted from 0
    /// at the top of the map.
    pub fn draw_rows(&self, pixels: &mut [u8], first: u32) {
        for PlacedPanel { panel, left, top } in &self.panels {
            panel.lay_over(pixels, self.width, *left, *top as i64 - i64::from(first));
        }
    }
}

/// A panel, and the column and the row of the map at which its top left corner is.
struct PlacedPanel {
    panel: Canvas,
    left: usize,
    top: usize,
}

/// The size of a map, and the distance of panels from the map's edges (`margin`), in pixels of the
/// map.
struct MapCorners {
    width: usize,
    height: usize,
    ratio: u32,
    margin: usize,
}

impl MapCorners {
    fn new(window: &Window, ratio: u32) -> Self {
        Self {
            width: window.width() as usize,
            height: window.height() as usize,
            ratio,
            margin: (MARGIN * ratio as f32) as usize,
        }
    }

    fn left(&self) -> usize {
        self.margin
    }

    /// The row of the map, in pixels, at which a panel of `height` pixels begins if it stands at
    /// the bottom.
    fn above_bottom(&self, height: usize) -> usize {
        self.height.saturating_sub(height + self.margin)
    }

    /// The column and the row of the map, in pixels, at which a panel begins that stands at the
    /// bottom right, `below` pixels higher than the lower margin.
    fn bottom_right(&self, panel: &Canvas, below: usize) -> (usize, usize) {
        let left = self.width.saturating_sub(panel.width() + self.margin);
        (left, self.above_bottom(panel.height() + below))
    }

    /// The length on the ground, in metres, of a CSS pixel in the middle of the map.
    fn metres_per_pixel(&self, view: &View) -> f64 {
        let window = view.window();
        let middle = (window.top() + window.bottom()) / 2.0;
        let ground = view.ground().map(|ground| ground.metres_per_unit);
        let metres = ground.unwrap_or_else(|| metres_per_unit(middle));
        metres * window.pixel() * f64::from(self.ratio)
    }
}

/// The greatest length that is at most `longest` and is 1, 2 or 5 times a power of ten.
fn round_length(longest: f64) -> f64 {
    let power = 10f64.powf(longest.max(f64::MIN_POSITIVE).log10().floor());
    let fits = |factor: &f64| factor * power <= longest;
    [5.0, 2.0, 1.0].into_iter().find(fits).unwrap_or(1.0) * power
}

fn in_words(metres: f64) -> String {
    match metres {
        m if m >= 1000.0 => format!("{} km", m / 1000.0),
        m if m >= 1.0 => format!("{m} m"),
        m => format!("{} cm", (m * 100.0).round()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use heatsplat_points::LonLatBox;

    #[test]
    fn scale_bars_have_round_lengths() {
        for (longest, expected) in [
            (999.0, "500 m"),
            (1000.0, "1 km"),
            (4.99e6, "2000 km"),
            (0.5, "50 cm"),
        ] {
            assert_eq!(in_words(round_length(longest)), expected);
        }
    }

    /// At the equator a degree of longitude is 111.3 km long. On this map it has 100 pixels, so a
    /// bar for 100 km has 90.
    #[test]
    fn a_scale_bar_is_as_long_as_it_says() {
        let bounds = LonLatBox::new(0.0, -1.0, 3.0, 1.0).unwrap();
        let window = Window::around(bounds, 300, 200).unwrap();
        let mut pixels = vec![255; 300 * 200 * 4];
        let captions = Captions {
            scale_bar: true,
            ..Captions::default()
        };
        captions.draw(&mut pixels, &window);
        let dark = |row: &[u8]| row.chunks(4).filter(|pixel| pixel[0] < 100).count();
        let bar = pixels.chunks(300 * 4).map(dark).max().unwrap();
        assert!((88..=92).contains(&bar), "{bar}");
    }

    #[test]
    fn captions_stay_in_their_corners_and_on_small_maps() {
        let bounds = LonLatBox::new(-10.0, 35.0, 30.0, 60.0).unwrap();
        let captions = Captions {
            title: Some("Where people live in the whole of Europe".into()),
            scale_bar: true,
            attribution: Some("© GeoNames".into()),
            ..Captions::default()
        };
        for (width, height) in [(1, 1), (40, 7), (400, 300)] {
            let window = Window::around(bounds, width, height).unwrap();
            let mut pixels = vec![0; (width * height * 4) as usize];
            captions.draw(&mut pixels, &window);
            let drawn = |x: u32, y: u32| pixels[((y * width + x) * 4 + 3) as usize] > 0;
            if width == 400 {
                assert!(drawn(20, 20) && drawn(380, 285) && drawn(380, 250));
                assert!(!drawn(200, 150) && !drawn(20, 285) && !drawn(2, 2));
            }
        }
    }
}
