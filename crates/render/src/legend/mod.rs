//! Legends: the colours of a ramp, and beside them the numbers that the colours stand for.
//!
//! A legend is made from the normalizer and the ramp by which all tiles of a zoom are coloured. So
//! it is valid for each of these tiles, whatever the transform of the scale is.

mod canvas;
mod captions;
mod label;
mod layout;
mod png;
mod ramp_sheet;
mod svg;
mod ticks;
mod typeface;

use serde::Serialize;

use crate::encode::EncodeError;
use crate::ramp::Ramp;
use crate::scale::histogram::Statistics;
use crate::scale::normalizer::Normalizer;
use crate::scale::value_kind::ValueKind;
use crate::style::Style;

pub use captions::{Captions, PlacedCaptions};
pub use layout::LegendTheme;
pub use ramp_sheet::ramp_sheet;
pub use ticks::Tick;
pub use typeface::{ReadTypefaceError, Typeface};

/// The number of equal intervals into which a legend's `stops` divide the ramp: a choice.
const SAMPLES: u32 = 32;

/// A legend: the colours of a ramp, the numbers that they stand for, and the unit of these numbers.
///
/// It serialises as a JSON object. The keys `"transform"`, `"domain"`, `"stops"` and `"ticks"` are
/// always there. Others are there only if the legend has them: `"title"`, `"unit"`, `"time"`,
/// `"classes"` of a ramp in classes, `"categories"` of points, `"middle"` of a scale with two
/// sides, and `"percentiles"` of the zoom's pixels.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Legend {
    /// The legend's title, which is written above it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The unit of the legend's numbers, for example `points per km²`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// The window of time whose points are shown, as an interval of ISO 8601 like
    /// `2019-01-01T00:00:00Z/2019-07-01T00:00:00Z`; `None` if all times are shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    transform: String,
    domain: [f64; 2],
    /// The density in the middle of a scale with two sides: 0 for signed values, 1 for quotients.
    /// `None` for other scales.
    #[serde(skip_serializing_if = "Option::is_none")]
    middle: Option<f64>,
    stops: Vec<LegendStop>,
    ticks: Vec<Tick>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    classes: Vec<LegendClass>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    percentiles: Vec<LegendPercentile>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    categories: Vec<LegendCategory>,
    #[serde(skip)]
    ramp: Ramp,
}

/// A category of points as a legend lists it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct LegendCategory {
    /// The name of the category.
    pub name: String,
    /// The category's colour as `#rrggbb`.
    pub color: String,
    #[serde(skip)]
    rgba: [u8; 4],
}

/// A class of a ramp: a range of densities that have a single colour.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct LegendClass {
    /// The density where the class begins, in the legend's unit.
    pub from: f64,
    /// The density where the class ends, in the legend's unit.
    pub to: f64,
    /// The colour of the class as `#rrggbb`, or `#rrggbbaa` if it is translucent.
    pub color: String,
    /// The label of the class: the densities at its two ends in short form, like `1.5k – 2k`.
    pub label: String,
    /// The position on the ramp where the class begins, and the position where it ends, each 0 to
    /// 1.
    #[serde(skip)]
    place: (f64, f64),
    #[serde(skip)]
    rgba: [u8; 4],
}

/// A percentile of the densities of a zoom's pixels.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct LegendPercentile {
    /// The percentage, 0 to 100, of the pixels whose density is lower than `value`.
    pub percent: f64,
    /// The density at this percentile, in the legend's unit.
    pub value: f64,
    /// The position on the ramp, 0 to 1, of the percentile's density.
    pub position: f64,
}

/// The percentages for which a legend lists percentiles: a choice.
const PERCENTILES: [f64; 8] = [10.0, 25.0, 50.0, 75.0, 90.0, 95.0, 99.0, 99.9];

/// A colour of the ramp, with the density that it stands for.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct LegendStop {
    /// The density that the colour stands for, in the legend's unit.
    pub value: f64,
    /// The position of this colour on the ramp, 0 to 1.
    pub position: f64,
    /// The stop's colour as `#rrggbb`, or `#rrggbbaa` if it is translucent.
    pub color: String,
}

impl Legend {
    /// Makes the legend of a normalizer and a ramp, without a title and without a unit.
    pub fn new(normalizer: &Normalizer, ramp: &Ramp) -> Self {
        let (low, high) = normalizer.domain();
        let stops = (0..=SAMPLES).map(|sample| {
            let position = f64::from(sample) / f64::from(SAMPLES);
            let color = css(ramp.color((position * 255.0).round() as u8));
            LegendStop {
                value: normalizer.value_at(position),
                position,
                color,
            }
        });
        Self {
            title: None,
            unit: None,
            time: None,
            transform: normalizer.transform().to_string(),
            domain: [low, high],
            middle: normalizer.middle(),
            stops: stops.collect(),
            ticks: ticks::ticks(normalizer),
            classes: Vec::new(),
            percentiles: Vec::new(),
            categories: Vec::new(),
            ramp: ramp.clone(),
        }
    }

    /// Makes the legend of a normalizer and a style's ramp. A ramp in classes is shown as a box for
    /// each class.
    pub fn for_style(normalizer: &Normalizer, style: &Style) -> Self {
        let legend = Self::new(normalizer, style.ramp());
        match style.classes() {
            Some(classes) => legend.in_classes(normalizer, classes),
            None => legend,
        }
    }

    /// Adds a box for each class. The ticks are replaced by ticks at the borders of classes.
    fn in_classes(mut self, normalizer: &Normalizer, classes: u8) -> Self {
        self.ticks = ticks::borders(normalizer, classes);
        let pairs = self.ticks.windows(2).filter_map(|pair| match pair {
            [from, to] => Some((from, to)),
            _ => None,
        });
        let class = |(from, to): (&Tick, &Tick)| {
            let middle = (from.position + to.position) / 2.0;
            let rgba = self.ramp.color((middle * 255.0).round() as u8);
            LegendClass {
                from: from.value,
                to: to.value,
                color: css(rgba),
                label: format!("{} – {}", from.label, to.label),
                place: (from.position, to.position),
                rgba,
            }
        };
        self.classes = pairs.map(class).collect();
        self
    }

    /// Adds the statistics of the pixels of one zoom. Each tick gets the percentage of these pixels
    /// whose density is lower than the tick's. For amounts and means the legend also gets the list
    /// of percentiles, unless the statistics are empty. `kind` is the kind of the values, and `by`
    /// is the normalizer that gives each percentile its position on the ramp.
    #[must_use]
    pub fn measured(mut self, statistics: &Statistics, kind: ValueKind, by: &Normalizer) -> Self {
        for tick in &mut self.ticks {
            tick.percentile = statistics.percent_below(kind, tick.value);
        }
        // Statistics of differences and quotients count only distances from the middle of the
        // scale, so they have no percentiles of the densities themselves.
        if matches!(kind, ValueKind::Amount | ValueKind::Level) && !statistics.is_empty() {
            let percentile = |percent| {
                let value = statistics.percentile(percent);
                LegendPercentile {
                    percent,
                    value,
                    position: by.position(value),
                }
            };
            self.percentiles = PERCENTILES.map(percentile).into();
        }
        self
    }

    /// Turns this legend into the legend of a local scale (`scale=local`). There a colour stands
    /// for the percentage of nearby pixels that have a lower density, so the ticks get percentages
    /// as labels.
    #[must_use]
    pub fn of_neighbourhoods(mut self) -> Self {
        if self.classes.is_empty() {
            self.ticks = ticks::quarters(&self.stops);
        } else {
            for tick in &mut self.ticks {
                tick.label = ticks::percent(tick.position);
            }
        }
        self.unit = Some("percentile of the neighbourhood".to_owned());
        self
    }

    /// Lists categories in the legend instead of the ramp's colours. Each is a name and an RGB
    /// colour. On the map, the opacity of such a colour shows the density.
    #[must_use]
    pub fn in_categories<'a>(
        mut self,
        categories: impl IntoIterator<Item = (&'a str, [u8; 3])>,
    ) -> Self {
        let category = |(name, [r, g, b]): (&str, [u8; 3])| {
            let rgba = [r, g, b, 255];
            LegendCategory {
                name: name.to_owned(),
                color: css(rgba),
                rgba,
            }
        };
        self.categories = categories.into_iter().map(category).collect();
        self
    }

    /// Sets the legend's title, which is written above it.
    #[must_use]
    pub fn titled(mut self, title: impl Into<String>) -> Self {
        self.title = Some(title.into());
        self
    }

    /// Sets the window of time whose points are shown, as an interval of ISO 8601; `None` if all
    /// times are shown.
    #[must_use]
    pub fn in_window(mut self, time: Option<String>) -> Self {
        self.time = time;
        self
    }

    /// Sets the unit of the numbers, unless one is already set.
    #[must_use]
    pub fn in_unit(mut self, unit: impl Into<String>) -> Self {
        self.unit.get_or_insert_with(|| unit.into());
        self
    }

    /// The density at the start of the ramp, and the density at its end.
    pub fn domain(&self) -> (f64, f64) {
        (self.domain[0], self.domain[1])
    }

    /// The ticks, in ascending order of their positions.
    pub fn ticks(&self) -> &[Tick] {
        &self.ticks
    }

    /// The classes, from the start of the ramp to its end. Empty for a ramp without classes.
    pub fn classes(&self) -> &[LegendClass] {
        &self.classes
    }

    /// The 33 colours at positions 0, 1/32, 2/32 … 1 of the ramp.
    pub fn stops(&self) -> &[LegendStop] {
        &self.stops
    }

    /// Writes the legend as a JSON object, with the keys that [`Legend`] lists.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Draws the legend as an SVG.
    pub fn to_svg(&self, theme: &LegendTheme) -> String {
        svg::draw(self, theme)
    }

    /// Draws the legend as a PNG.
    ///
    /// # Errors
    /// The errors of the PNG encoder. None is known to occur.
    pub fn to_png(&self, theme: &LegendTheme) -> Result<Vec<u8>, EncodeError> {
        png::draw(self, theme)
    }

    /// The line of text above the legend: the title, the unit, or both. `None` if there is neither.
    fn heading(&self) -> Option<String> {
        match (&self.title, &self.unit) {
            (Some(title), Some(unit)) => Some(format!("{title} ({unit})")),
            (Some(text), None) | (None, Some(text)) => Some(text.clone()),
            (None, None) => None,
        }
    }
}

/// Writes a colour as CSS does, `#rrggbb`, or `#rrggbbaa` if it is translucent.
fn css([r, g, b, a]: [u8; 4]) -> String {
    if a == 255 {
        format!("#{r:02x}{g:02x}{b:02x}")
    } else {
        format!("#{r:02x}{g:02x}{b:02x}{a:02x}")
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::scale::Scale;
    use crate::scale::domain::Domain;
    use crate::scale::histogram::Statistics;
    use crate::scale::transform::Transform;
    use crate::scale::value_kind::ValueKind;

    /// A normalizer for densities as real maps have them: many small densities and few large ones.
    pub(crate) fn normalizer(domain: Domain, transform: Transform) -> Normalizer {
        let mut statistics = Statistics::default();
        let densities: Vec<f32> = (1..=9000_u16)
            .map(|i| (f32::from(i) / 1000.0).exp() / 50.0)
            .collect();
        statistics.add(ValueKind::Amount, &densities, 1.0);
        Scale { domain, transform }.resolve(&statistics, ValueKind::Amount, 8)
    }

    #[test]
    fn the_json_says_what_a_client_needs() {
        let legend = Legend::new(
            &normalizer(Domain::Fixed(0.0, 40.0), Transform::Linear),
            &Ramp::parse("transparent, red").unwrap(),
        );
        let json: serde_json::Value =
            serde_json::from_str(&legend.in_unit("per km²").to_json()).unwrap();
        assert_eq!(json["domain"], serde_json::json!([0.0, 40.0]));
        assert_eq!(json["transform"], "linear");
        assert_eq!(json["unit"], "per km²");
        assert_eq!(json["title"], serde_json::Value::Null);
        assert_eq!(json["stops"].as_array().unwrap().len(), 33);
        assert_eq!(json["stops"][0]["color"], "#00000000");
        assert_eq!(json["stops"][16]["value"], 20.0);
        assert_eq!(json["stops"][32]["color"], "#ff0000");
        assert_eq!(
            json["ticks"][1],
            serde_json::json!({"value": 5.0, "position": 0.125, "label": "5"})
        );
    }

    #[test]
    fn every_stop_has_the_colour_a_tile_has_at_its_value() {
        let ramp = Ramp::parse("viridis").unwrap();
        for (_, transform) in Transform::ALL {
            let normalizer = normalizer(Domain::Auto, transform);
            for stop in Legend::new(&normalizer, &ramp).stops() {
                let index = normalizer.index(stop.value as f32);
                let near = [index.saturating_sub(1), index, index.saturating_add(1)];
                assert!(
                    near.iter().any(|&i| css(ramp.color(i)) == stop.color),
                    "{transform} {stop:?}"
                );
            }
        }
    }

    /// A normalizer for each combination of a transform, a kind of values, and a measured or given
    /// domain.
    pub(crate) fn every_scale() -> Vec<(ValueKind, Normalizer)> {
        let mut all = Vec::new();
        let transforms = Transform::ALL.map(|(_, transform)| transform);
        let powers = ["power:0.35", "power:3"].map(|text| text.parse().unwrap());
        for kind in [
            ValueKind::Amount,
            ValueKind::Level,
            ValueKind::Signed,
            ValueKind::Ratio,
        ] {
            let number = |i: u16| {
                let v = (f32::from(i) / 700.0).exp() / 50.0;
                match kind {
                    ValueKind::Level | ValueKind::Signed if i.is_multiple_of(3) => -v,
                    ValueKind::Ratio if i.is_multiple_of(3) => v.recip(),
                    _ => v,
                }
            };
            let numbers: Vec<f32> = (1..=6000).map(number).collect();
            let mut statistics = Statistics::default();
            statistics.add(kind, &numbers, 1.0);
            for transform in transforms.into_iter().chain(powers) {
                for domain in ["auto", "p90", "-3,7", "0.2,5", "0,1000"] {
                    let domain = domain.parse().unwrap();
                    let scale = Scale { domain, transform };
                    all.push((kind, scale.resolve(&statistics, kind, 8)));
                }
            }
        }
        all
    }

    #[test]
    fn ticks_and_borders_of_every_scale_invert_it_within_one_index() {
        for (kind, normalizer) in every_scale() {
            let style = |steps: &str| {
                let mut style = Style::default();
                style.set("steps", steps).unwrap();
                style
            };
            for steps in ["none", "2", "5", "64"] {
                let legend = Legend::for_style(&normalizer, &style(steps));
                let ticks = legend.ticks();
                assert!(ticks.len() >= 2, "{kind:?} {normalizer:?}");
                for tick in ticks {
                    // At the ends of the scale, and in flat parts of a histogram, many densities
                    // have the position of one tick.
                    let index = i32::from(normalizer.index(tick.value as f32));
                    let wanted = (tick.position * 255.0).round() as i32;
                    assert!(
                        (index - wanted).abs() <= 1,
                        "{kind:?} {steps} {tick:?} {index}"
                    );
                }
                assert!(ticks.is_sorted_by(|a, b| a.position <= b.position));
                if let Some(middle) = normalizer.middle().filter(|_| steps == "none") {
                    let has_middle = ticks.iter().any(|t| t.value == middle && t.position == 0.5);
                    assert!(has_middle, "{kind:?} {ticks:?}");
                }
            }
        }
    }

    #[test]
    fn classes_are_boxes_of_the_colours_that_tiles_have() {
        let mut style = Style::default();
        style.set("steps", "5").unwrap();
        style.set("ramp", "viridis").unwrap();
        for (_, normalizer) in every_scale() {
            let legend = Legend::for_style(&normalizer, &style);
            let classes = legend.classes();
            assert_eq!(classes.len(), 5);
            for class in classes {
                let (from, to) = class.place;
                for share in [0.1, 0.5, 0.9] {
                    let index = ((from + (to - from) * share) * 255.0).round() as u8;
                    assert_eq!(css(style.ramp().color(index.max(1))), class.color);
                }
            }
            assert!(classes.windows(2).all(|pair| pair[0].to == pair[1].from));
            let json: serde_json::Value = serde_json::from_str(&legend.to_json()).unwrap();
            assert_eq!(json["classes"].as_array().unwrap().len(), 5);
            let svg = legend.to_svg(&LegendTheme::default());
            assert!(classes.iter().all(|class| svg.contains(&class.color)));
        }
    }

    #[test]
    fn percentiles_are_those_of_the_zoom() {
        let numbers: Vec<f32> = (1..=1000_u16).map(f32::from).collect();
        let mut statistics = Statistics::default();
        statistics.add(ValueKind::Amount, &numbers, 1.0);
        let scale = Scale {
            domain: Domain::Fixed(0.0, 1000.0),
            transform: Transform::Linear,
        };
        let normalizer = scale.resolve(&statistics, ValueKind::Amount, 8);
        let legend = Legend::new(&normalizer, &Ramp::parse("viridis").unwrap());
        let legend = legend.measured(&statistics, ValueKind::Amount, &normalizer);
        for tick in legend.ticks() {
            let percentile = tick.percentile.unwrap();
            assert!((percentile - tick.value / 10.0).abs() < 0.5, "{tick:?}");
        }
        let json: serde_json::Value = serde_json::from_str(&legend.to_json()).unwrap();
        let median = json["percentiles"][2]["value"].as_f64().unwrap();
        assert!((median - 500.0).abs() < 5.0, "{median}");
    }

    #[test]
    fn colours_of_a_neighbourhood_have_shares_and_no_numbers() {
        let normalizer = normalizer(Domain::Auto, Transform::Local);
        let legend = Legend::new(&normalizer, &Ramp::parse("viridis").unwrap());
        let legend = legend.of_neighbourhoods().in_unit("points");
        let labels: Vec<_> = legend.ticks().iter().map(|t| t.label.as_str()).collect();
        assert_eq!(labels, ["0%", "25%", "50%", "75%", "100%"]);
        assert_eq!(
            legend.unit.as_deref(),
            Some("percentile of the neighbourhood")
        );
    }
}
