//! Ticks: the numbers beside a legend's ramp.

use serde::Serialize;

use super::LegendStop;
use super::label::label;
use crate::scale::normalizer::Normalizer;
use crate::scale::transform::Transform;

/// The least distance between two ticks, as a fraction of the ramp's length: a choice.
const APART: f64 = 0.12;

/// The greatest distance from an end of the ramp to the nearest tick, as a fraction of the ramp's
/// length: a choice. If the distance is greater, a tick is added near the end.
const NEAR_END: f64 = 0.15;

/// The greatest distance between two neighbouring ticks, as a fraction of the ramp's length: a
/// choice. If the distance is greater, ticks are added between them.
const WIDE: f64 = 0.4;

/// The number of powers of ten, below the greatest one in the domain, for which ticks are tried: a
/// choice.
const DECADES: i32 = 12;

/// A number beside a legend's ramp, with its position.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Tick {
    /// The density that the tick marks, in the legend's unit.
    pub value: f64,
    /// The position of the tick on the ramp, 0 to 1.
    pub position: f64,
    /// The text at the tick: the density in short form, like `1.5k`, or, on a local scale, a
    /// percentage like `25%`.
    pub label: String,
    /// The percentage, 0 to 100, of the zoom's non-empty pixels whose density is lower than the
    /// tick's; `None` if it is unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub percentile: Option<f64>,
}

/// Chooses the ticks for a normalizer. They are in ascending order of position, with distances of
/// at least [`APART`].
///
/// A linear scale gets ticks at the multiples of 1, 2 or 5 × 10ⁿ for one n. Other scales get ticks
/// at powers of ten and then, where there is room, at 5 × 10ⁿ and at 2 × 10ⁿ for all n. Each end of
/// the ramp gets a tick at or near it.
pub(super) fn ticks(normalizer: &Normalizer) -> Vec<Tick> {
    let mut chosen = TickSet {
        normalizer,
        ticks: Vec::new(),
    };
    let (low, high) = normalizer.domain();
    let middle = normalizer.middle();
    // A scale with two sides gets a tick in its middle, where the colours of the two sides meet.
    middle.into_iter().for_each(|middle| chosen.take(middle));
    if normalizer.transform() == Transform::Linear && middle != Some(1.0) {
        chosen.even_steps(low, high);
    } else {
        chosen.end(0.0, 0.06, false);
        chosen.end(0.92, 1.0, true);
        for digit in [1.0, 5.0, 2.0] {
            chosen.series(digit, low, high);
        }
    }
    chosen.fill_ends();
    chosen.fill_gaps();
    chosen.labelled()
}

/// Makes the ticks of a ramp in classes: one at each end of the ramp, and one at each border
/// between two classes.
pub(super) fn borders(normalizer: &Normalizer, classes: u8) -> Vec<Tick> {
    let classes = u32::from(classes.max(1));
    let border = |class: u32| {
        let position = match class {
            0 => 0.0,
            c if c == classes => 1.0,
            // A border lies halfway between the last colour index of a class and the first index of
            // the next class.
            c => (f64::from((c * 256).div_ceil(classes)) - 0.5) / 255.0,
        };
        let value = normalizer.value_at(position);
        Tick {
            value,
            position,
            label: label(value, value.abs() * 5e-3),
            percentile: None,
        }
    };
    (0..=classes).map(border).collect()
}

/// Makes the ticks of a local scale, at 0, ¼, ½, ¾ and 1 of the ramp. Their labels are these
/// positions as percentages.
pub(super) fn quarters(stops: &[LegendStop]) -> Vec<Tick> {
    let quarter = |stop: &LegendStop| Tick {
        value: stop.value,
        position: stop.position,
        label: percent(stop.position),
        percentile: None,
    };
    let is_quarter = |stop: &&LegendStop| (stop.position * 4.0).fract() == 0.0;
    stops.iter().filter(is_quarter).map(quarter).collect()
}

pub(super) fn percent(share: f64) -> String {
    format!("{:.0}%", share * 100.0)
}

struct TickSet<'a> {
    normalizer: &'a Normalizer,
    /// The chosen ticks as (position, value), in ascending order of position.
    ticks: Vec<(f64, f64)>,
}

impl TickSet<'_> {
    /// Adds a tick for a value if the value lies in the domain, and if the tick's position is at
    /// least [`APART`] away from all other ticks.
    fn take(&mut self, value: f64) {
        let (low, high) = self.normalizer.domain();
        // The slack allows for rounding errors: 3 × 0.1 is a little more than 0.3 in floating
        // point, but must count as the end of a domain from 0 to 0.3. The addition of 0 below turns
        // −0 into 0, so that its label has no sign.
        let slack = (high - low) * 1e-9;
        if !(low - slack..=high + slack).contains(&value) {
            return;
        }
        let value = value.clamp(low, high) + 0.0;
        let position = self.normalizer.position(value);
        let place = self.ticks.partition_point(|&(p, _)| p < position);
        let before = place.checked_sub(1).and_then(|i| self.ticks.get(i));
        let neighbours = [before, self.ticks.get(place)];
        // A rounding error must not reject a tick that is exactly as far away as it must be.
        let clear = |t: &(f64, f64)| (t.0 - position).abs() > APART - 1e-9;
        if neighbours.into_iter().flatten().all(clear) {
            self.ticks.insert(place, (position, value));
        }
    }

    fn even_steps(&mut self, low: f64, high: f64) {
        let least = (high - low) * APART;
        let step = [1.0, 2.0, 5.0, 10.0]
            .into_iter()
            .map(|digit| digit * decade(least));
        // `decade` rounds down to a power of ten, so ten times the result is always large enough.
        let Some(step) = step.into_iter().find(|&step| step >= least * (1.0 - 1e-9)) else {
            return;
        };
        let first = (low / step).ceil();
        for k in 0..=(1.0 / APART) as i32 + 1 {
            self.take((first + f64::from(k)) * step);
        }
    }

    /// Adds ticks at `±digit × 10ⁿ`, for all n, where such a number lies in the domain and its tick
    /// has room. `low` and `high` are the ends of the domain.
    fn series(&mut self, digit: f64, low: f64, high: f64) {
        let top = low.abs().max(high.abs()).log10().floor();
        if !top.is_finite() {
            return;
        }
        for down in 0..=DECADES {
            let value = digit * 10_f64.powf(top - f64::from(down));
            self.take(value);
            self.take(-value);
        }
    }

    /// Adds a tick at the value that has the fewest digits of all values between the positions
    /// `from` and `to`. If several values have equally few, it is the greatest of them with
    /// `upper`, otherwise the least.
    fn end(&mut self, from: f64, to: f64, upper: bool) {
        let (low, high) = self.normalizer.domain();
        let value = |position| match position {
            p if p <= 0.0 => low,
            p if p >= 1.0 => high,
            p => self.normalizer.value_at(p),
        };
        if let Some(value) = roundest(value(from), value(to), upper) {
            self.take(value);
        }
    }

    fn fill_ends(&mut self) {
        let first = self.ticks.first().map_or(1.0, |t| t.0);
        if first > NEAR_END {
            self.end(0.0, (first - APART).clamp(0.0, 0.1), false);
        }
        let last = self.ticks.last().map_or(0.0, |t| t.0);
        if last < 1.0 - NEAR_END {
            self.end((last + APART).clamp(0.9, 1.0), 1.0, true);
        }
    }

    /// Adds ticks at round numbers in gaps wider than [`WIDE`]. Such gaps occur if the data has few
    /// different values, since most round numbers then have nearly equal positions.
    fn fill_gaps(&mut self) {
        for _ in 0..(1.0 / APART) as usize {
            let gap = self.ticks.windows(2).find_map(|pair| match pair {
                [(from, _), (to, _)] if to - from > WIDE => Some((*from, *to)),
                _ => None,
            });
            let Some((from, to)) = gap else { return };
            let before = self.ticks.len();
            let middle = (from + to) / 2.0;
            let reach = (to - from) / 2.0 - APART;
            self.end(middle - reach / 2.0, middle + reach / 2.0, false);
            if self.ticks.len() == before {
                return;
            }
        }
    }

    fn labelled(self) -> Vec<Tick> {
        let gaps = self.ticks.windows(2).filter_map(|pair| match pair {
            [(_, a), (_, b)] => Some(b - a),
            _ => None,
        });
        let size = self
            .ticks
            .iter()
            .fold(0.0_f64, |size, (_, value)| size.max(value.abs()));
        let finest = gaps.fold(size, f64::min) * 1e-3;
        let mut ticks: Vec<Tick> = Vec::with_capacity(self.ticks.len());
        for (position, value) in self.ticks {
            let label = label(value, finest.min(value.abs() * 1e-3));
            if ticks.last().is_none_or(|last| last.label != label) {
                ticks.push(Tick {
                    value,
                    position,
                    label,
                    percentile: None,
                });
            }
        }
        ticks
    }
}

/// Returns the greatest power of ten that is not greater than a positive number.
fn decade(number: f64) -> f64 {
    10_f64.powf(number.log10().floor())
}

/// Returns the number with the fewest digits of all numbers from `from` to `to`:
///
/// * 0, if it lies in this range.
/// * Otherwise a multiple of a step of the form 10ⁿ, 5 × 10ⁿ or 2 × 10ⁿ, namely of the greatest
///   such step that has a multiple in the range. Of several multiples in the range it is the
///   greatest with `upper`, otherwise the least.
/// * `None` if no step has a multiple in the range. Steps with 16 values of n are tried.
fn roundest(from: f64, to: f64, upper: bool) -> Option<f64> {
    if from <= 0.0 && to >= 0.0 {
        return Some(0.0);
    }
    let top = from.abs().max(to.abs()).log10().floor();
    if !top.is_finite() {
        return None;
    }
    for down in 0..16 {
        for digit in [10.0, 5.0, 2.0] {
            let step = digit * 10_f64.powf(top - f64::from(down));
            let k = if upper {
                (to / step).floor()
            } else {
                (from / step).ceil()
            };
            let value = k * step;
            let slack = (to - from) * 1e-9;
            if (from - slack..=to + slack).contains(&value) {
                return Some(value.clamp(from, to));
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::tests::normalizer;
    use super::*;
    use crate::scale::domain::Domain;
    use proptest::prelude::*;

    fn labels(low: f64, high: f64, transform: Transform) -> String {
        let ticks = ticks(&normalizer(Domain::Fixed(low, high), transform));
        ticks
            .iter()
            .map(|tick| tick.label.as_str())
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn ticks_are_the_numbers_a_person_would_choose() {
        use Transform::{Cbrt, Linear, Log, Sqrt};
        for (low, high, transform, expected) in [
            (0.0, 40.0, Linear, "0 5 10 15 20 25 30 35 40"),
            (0.0, 1.0, Linear, "0 0.2 0.4 0.6 0.8 1"),
            (-50.0, 50.0, Linear, "-40 -20 0 20 40"),
            (0.0, 34.7, Linear, "0 5 10 15 20 25 30"),
            (0.0, 1.99, Linear, "0 0.5 1 1.5 1.8"),
            (0.0, 24e6, Linear, "0 5M 10M 15M 20M 24M"),
            (0.0, 1000.0, Log, "0 2 10 100 1k"),
            (0.0, 100.0, Sqrt, "0 2 10 20 50 100"),
            (0.0, 100.0, Cbrt, "0 1 10 20 50 100"),
            (0.0, 0.00035, Log, "0 1e-6 1e-5 1e-4 3e-4"),
        ] {
            assert_eq!(
                labels(low, high, transform),
                expected,
                "{low}..{high} {transform}"
            );
        }
    }

    proptest! {
        #[test]
        fn any_domain_gets_distinct_ticks_apart_from_each_other_and_near_both_ends(
            low in -20.0_f64..20.0, width in -12.0_f64..25.0, sign in -1_i8..=1, which in 0_usize..5,
        ) {
            let low = f64::from(sign) * 10_f64.powf(low);
            let high = low + 10_f64.powf(width).max(low.abs() * 1e-6);
            let normalizer = normalizer(Domain::Fixed(low, high), Transform::ALL[which].1);
            let ticks = ticks(&normalizer);
            prop_assert!((2..=10).contains(&ticks.len()), "{ticks:?}");
            for pair in ticks.windows(2) {
                prop_assert!(pair[1].position - pair[0].position > APART - 1e-6, "{ticks:?}");
                prop_assert!(pair[0].label != pair[1].label, "{ticks:?}");
            }
            for tick in &ticks {
                prop_assert!((low..=high).contains(&tick.value), "{ticks:?}");
                prop_assert!(tick.label.len() <= 18, "{ticks:?}");
            }
            if which != 4 {
                prop_assert!(ticks[0].position <= NEAR_END + 0.1, "{ticks:?}");
                prop_assert!(ticks[ticks.len() - 1].position >= 0.75, "{ticks:?}");
            }
        }

        #[test]
        fn the_roundest_number_is_inside(from in -1e9_f64..1e9, width in 1e-3_f64..1e9, upper: bool) {
            let value = roundest(from, from + width, upper);
            prop_assert!(value.is_some_and(|v| (from..=from + width).contains(&v)), "{value:?}");
        }
    }

    #[test]
    fn domains_that_cannot_be_told_apart_do_no_harm() {
        for (_, transform) in Transform::ALL {
            for (low, high) in [
                (1.0, 1.0 + f64::EPSILON),
                (0.0, 1e-308),
                (-1e29, 1e29),
                (1e-30, 2e-30),
            ] {
                let ticks = ticks(&normalizer(Domain::Fixed(low, high), transform));
                assert!(ticks.len() < 12, "{ticks:?}");
            }
        }
    }
}
