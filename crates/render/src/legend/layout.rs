//! The layout of a legend. The SVG and the PNG of a legend are drawn from one layout.

use super::{Legend, LegendClass};
use crate::legend::canvas::{TEXT_HEIGHT, TEXT_SIZE};
use crate::legend::typeface::Typeface;

/// The space between the panel's edge and its contents, in CSS pixels: a choice.
const PADDING: f32 = 10.0;
/// The thickness of the bar of colours, in CSS pixels: a choice.
const BAR: f32 = 14.0;
/// The length of a tick, in CSS pixels: a choice.
const TICK: f32 = 5.0;
/// The gap between neighbouring parts of a legend, in CSS pixels: a choice.
const GAP: f32 = 3.0;

/// The look of a legend: its orientation, size and colours.
#[derive(Debug, Clone)]
pub struct LegendTheme {
    /// True for an upright bar, which has the greatest density at its top. False for a horizontal
    /// bar.
    pub vertical: bool,
    /// The length of the bar in CSS pixels, from 80 to 2000. Other numbers are clamped.
    pub length: u32,
    /// The number of pixels per CSS pixel of a PNG, from 1 to 4. Other numbers are clamped.
    pub ratio: u32,
    /// The colour of text and ticks, as RGBA that is not premultiplied by alpha.
    pub ink: [u8; 4],
    /// The colour of the panel behind the legend, as RGBA that is not premultiplied by alpha.
    pub background: [u8; 4],
    /// The typeface of a PNG. An SVG has the typeface of the program that shows it.
    pub typeface: Typeface,
}

impl Default for LegendTheme {
    /// A horizontal bar of 300 CSS pixels, and dark text on a white, slightly translucent panel,
    /// which is readable on any map.
    fn default() -> Self {
        Self {
            vertical: false,
            length: 300,
            ratio: 1,
            ink: [0x1d, 0x27, 0x33, 0xff],
            background: [0xff, 0xff, 0xff, 0xe6],
            typeface: Typeface::default(),
        }
    }
}

impl LegendTheme {
    /// A theme like the default, but with light text on a dark panel.
    pub fn dark() -> Self {
        Self {
            ink: [0xe8, 0xed, 0xf2, 0xff],
            background: [0x14, 0x1b, 0x24, 0xe6],
            ..Self::default()
        }
    }
}

/// The positions and sizes of a legend's parts, in CSS pixels from the legend's top left corner.
pub(super) struct LegendLayout {
    pub(super) width: f32,
    pub(super) height: f32,
    /// The line of text above the bar: the x and y of its top left corner, and the text. `None` if
    /// there is no such line.
    pub(super) heading: Option<(f32, f32, String)>,
    /// The x, y, width and height of the bar of colours.
    pub(super) bar: [f32; 4],
    /// The x, y, width and height of the box of each class or category, and its RGBA colour. If
    /// there are none, the list is empty and the bar is drawn instead.
    pub(super) boxes: Vec<([f32; 4], [u8; 4])>,
    pub(super) ticks: Vec<Mark>,
}

/// A tick: its line and its label. In a list of categories there is only the label, and the line
/// has the size 0.
pub(super) struct Mark {
    /// The x, y, width and height of the tick's line.
    pub(super) line: [f32; 4],
    /// The x and y of the label's top left corner, and its text. `None` if there is no room for a
    /// label.
    pub(super) label: Option<(f32, f32, String)>,
}

/// Lays out a legend. The room for each text is the text's width in the theme's typeface, times
/// `wider`.
pub(super) fn layout(legend: &Legend, theme: &LegendTheme, wider: f32) -> LegendLayout {
    let measure = TextMeasure {
        typeface: &theme.typeface,
        wider,
    };
    if !legend.categories.is_empty() {
        return listed(legend, &measure);
    }
    let length = theme.length.clamp(80, 2000) as f32;
    let heading = legend.heading();
    let top = PADDING
        + if heading.is_some() {
            TEXT_HEIGHT + GAP
        } else {
            0.0
        };
    let bar = if theme.vertical {
        [PADDING, top + 3.0, BAR, length]
    } else {
        [PADDING, top, length, BAR]
    };
    let widest = legend
        .ticks()
        .iter()
        .map(|tick| measure.width(&tick.label))
        .fold(0.0, f32::max);
    let (body, height) = if theme.vertical {
        (BAR + TICK + GAP + widest, top + length + 6.0 + PADDING)
    } else {
        (length, top + BAR + TICK + TEXT_HEIGHT + PADDING - GAP)
    };
    // An upright legend becomes as wide as its title needs. In a horizontal legend, a title that is
    // too long is truncated.
    let head = heading.as_deref().map_or(0.0, |text| measure.width(text));
    let head = head.min(320.0);
    let width = 2.0 * PADDING + if theme.vertical { body.max(head) } else { body };
    let heading = heading.map(|text| {
        (
            PADDING,
            PADDING - 2.0,
            measure.fitting(&text, width - 2.0 * PADDING),
        )
    });
    let ticks = if theme.vertical {
        upright(legend, bar)
    } else {
        lying(legend, bar, width, &measure)
    };
    LegendLayout {
        width,
        height,
        heading,
        bar,
        boxes: boxes(legend, bar, theme.vertical),
        ticks,
    }
}

/// Lays out a legend of categories: a line with a box and a name for each category.
fn listed(legend: &Legend, measure: &TextMeasure<'_>) -> LegendLayout {
    let heading = legend.heading();
    let first = heading.as_ref().map_or(0.0, |_| TEXT_HEIGHT + GAP);
    let line = BAR + GAP;
    let top = |i: usize| PADDING + first + i as f32 * line;
    let names = legend.categories.iter();
    let names: Vec<String> = names.map(|c| measure.fitting(&c.name, 320.0)).collect();
    let head = heading.as_deref().map_or(0.0, |text| measure.width(text));
    let head = head.min(320.0);
    let body = names.iter().map(|n| BAR + 2.0 * GAP + measure.width(n));
    let width = body.fold(head, f32::max) + 2.0 * PADDING;
    let boxes = legend.categories.iter().enumerate();
    let marks = names.into_iter().enumerate().map(|(i, name)| Mark {
        line: [0.0; 4],
        label: Some((
            PADDING + BAR + 2.0 * GAP,
            top(i) + (BAR - TEXT_HEIGHT) / 2.0,
            name,
        )),
    });
    LegendLayout {
        width,
        height: top(legend.categories.len()) - GAP + PADDING,
        heading: heading.map(|text| {
            let room = width - 2.0 * PADDING;
            (PADDING, PADDING - 2.0, measure.fitting(&text, room))
        }),
        bar: [0.0; 4],
        boxes: boxes
            .map(|(i, c)| ([PADDING, top(i), BAR, BAR], c.rgba))
            .collect(),
        ticks: marks.collect(),
    }
}

/// Returns the box of each class as x, y, width and height, with the colour of the class. Between
/// two boxes there is a gap of one CSS pixel.
fn boxes(legend: &Legend, bar: [f32; 4], vertical: bool) -> Vec<([f32; 4], [u8; 4])> {
    let [x, y, w, h] = bar;
    let place = |class: &LegendClass| {
        let (from, to) = (class.place.0 as f32, class.place.1 as f32);
        let gap = if class.place.1 < 1.0 { 1.0 } else { 0.0 };
        let area = if vertical {
            [x, y + h * (1.0 - to) + gap, w, h * (to - from) - gap]
        } else {
            [x + w * from, y, w * (to - from) - gap, h]
        };
        (area, class.rgba)
    };
    legend.classes().iter().map(place).collect()
}

fn upright(legend: &Legend, [x, y, _, length]: [f32; 4]) -> Vec<Mark> {
    let right = x + BAR;
    let marks = legend.ticks().iter().map(|tick| {
        let at = y + length * (1.0 - tick.position as f32);
        Mark {
            line: [right, at - 0.5, TICK, 1.0],
            label: Some((
                right + TICK + GAP,
                at - TEXT_HEIGHT / 2.0,
                tick.label.clone(),
            )),
        }
    });
    marks.collect()
}

/// Lays out the ticks of a horizontal bar. Labels are centred below their ticks, but moved where
/// they would leave the panel. The labels at the two ends are placed first. A label that would
/// touch one that is placed already is left out.
fn lying(
    legend: &Legend,
    [x, y, length, _]: [f32; 4],
    width: f32,
    measure: &TextMeasure<'_>,
) -> Vec<Mark> {
    let bottom = y + BAR;
    let ticks = legend.ticks();
    let mut taken: Vec<(f32, f32)> = Vec::with_capacity(ticks.len());
    let mut marks: Vec<Mark> = ticks
        .iter()
        .map(|tick| {
            let at = (x + length * tick.position as f32).clamp(x + 0.5, x + length - 0.5);
            Mark {
                line: [at - 0.5, bottom, 1.0, TICK],
                label: None,
            }
        })
        .collect();
    let last = ticks.len().saturating_sub(1);
    let order = [0, last].into_iter().chain(1..last);
    for index in order {
        let (Some(tick), Some(mark)) = (ticks.get(index), marks.get_mut(index)) else {
            continue;
        };
        let text = measure.width(&tick.label);
        let centred = mark.line[0] + 0.5 - text / 2.0;
        let left = centred.min(width - 4.0 - text).max(4.0);
        let clear = |&(from, to): &(f32, f32)| left + text + 6.0 <= from || left >= to + 6.0;
        if taken.iter().all(clear) {
            taken.push((left, left + text));
            mark.label = Some((left, bottom + TICK, tick.label.clone()));
        }
    }
    marks
}

/// Computes the widths that a layout reserves for texts.
struct TextMeasure<'a> {
    typeface: &'a Typeface,
    /// The factor between the width that the layout reserves for a text and the text's width in the
    /// typeface.
    wider: f32,
}

impl TextMeasure<'_> {
    /// The width, in CSS pixels, that the layout reserves for a line of text.
    fn width(&self, text: &str) -> f32 {
        self.wider * self.typeface.width(text, TEXT_SIZE)
    }

    /// Returns a text that fits into a line of `width` CSS pixels: the given text, or its beginning
    /// and three dots.
    fn fitting(&self, text: &str, width: f32) -> String {
        let clean: String = text
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        if self.width(&clean) <= width {
            return clean;
        }
        let mut room = width - self.width("...");
        let mut cut = String::new();
        for letter in clean.chars() {
            room -= self.width(letter.encode_utf8(&mut [0; 4]));
            if room < 0.0 {
                break;
            }
            cut.push(letter);
        }
        cut.push_str("...");
        cut
    }
}
