//! What the colours of a map mean: ticks with numbers beside the ramp.
//!
//! A legend is made of the same normalizer and ramp as the tiles, so it holds for
//! every tile of a zoom, with any transform, histogram equalisation too.

mod label;
mod layout;
mod png;
mod svg;
mod ticks;

use serde::Serialize;

use crate::encode::EncodeError;
use crate::ramp::Ramp;
use crate::scale::Normalizer;

pub use layout::Look;
pub use ticks::Tick;

/// Intervals between the sampled colours.
const SAMPLES: u32 = 32;

/// A legend: colours, numbers and what they count. Serialises as
/// `{"title", "unit", "transform", "domain", "stops", "ticks"}`.
#[derive(Debug, Clone, Serialize)]
pub struct Legend {
    /// What is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What the numbers count, such as `points per km²`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    transform: String,
    domain: [f64; 2],
    stops: Vec<LegendStop>,
    ticks: Vec<Tick>,
    #[serde(skip)]
    ramp: Ramp,
}

/// A colour of the ramp with the density it stands for.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LegendStop {
    /// The density, in the legend's unit.
    pub value: f64,
    /// Where on the ramp, 0 to 1.
    pub position: f64,
    /// `#rrggbb`, or `#rrggbbaa` where the ramp is translucent.
    pub color: String,
}

impl Legend {
    /// The legend of a normalizer and a ramp, without title and unit.
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
            transform: normalizer.transform().to_string(),
            domain: [low, high],
            stops: stops.collect(),
            ticks: ticks::ticks(normalizer),
            ramp: ramp.clone(),
        }
    }

    /// With a title above it.
    #[must_use]
    pub fn titled(mut self, title: impl Into<String>) -> Self {
        self.title = Some(title.into());
        self
    }

    /// With the name of what the numbers count.
    #[must_use]
    pub fn in_unit(mut self, unit: impl Into<String>) -> Self {
        self.unit = Some(unit.into());
        self
    }

    /// Density at the ramp's start and at its end.
    pub fn domain(&self) -> (f64, f64) {
        (self.domain[0], self.domain[1])
    }

    /// The ticks, positions ascending.
    pub fn ticks(&self) -> &[Tick] {
        &self.ticks
    }

    /// Colours along the ramp, evenly from position 0 to 1.
    pub fn stops(&self) -> &[LegendStop] {
        &self.stops
    }

    /// The legend as JSON.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The legend as a drawing of its own.
    pub fn to_svg(&self, look: &Look) -> String {
        svg::draw(self, look)
    }

    /// The legend as a picture.
    ///
    /// # Errors
    /// What the PNG encoder refuses; nothing is known to.
    pub fn to_png(&self, look: &Look) -> Result<Vec<u8>, EncodeError> {
        png::draw(self, look)
    }

    /// Title and unit in one line.
    fn heading(&self) -> Option<String> {
        match (&self.title, &self.unit) {
            (Some(title), Some(unit)) => Some(format!("{title} ({unit})")),
            (Some(text), None) | (None, Some(text)) => Some(text.clone()),
            (None, None) => None,
        }
    }
}

/// A colour in CSS's hexadecimal form.
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
    use crate::measure::Nature;
    use crate::scale::{Domain, Scale, Transform};
    use crate::stats::Statistics;

    /// Densities that are spread like a real map's: many small, few large.
    pub(crate) fn normalizer(domain: Domain, transform: Transform) -> Normalizer {
        let mut statistics = Statistics::default();
        let densities: Vec<f32> = (1..=9000_u16)
            .map(|i| (f32::from(i) / 1000.0).exp() / 50.0)
            .collect();
        statistics.add(Nature::Amount, &densities, 1.0);
        Scale { domain, transform }.resolve(&statistics, Nature::Amount, 8)
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
}
