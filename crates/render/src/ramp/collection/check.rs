//! Measurements of a ramp: whether lightness rises steadily, whether steps look equal, and whether
//! the colours are distinguishable. Distances between colours are measured in the colour space
//! Oklab (Björn Ottosson, 2020), where 0.02 is about the least difference that an eye sees between
//! two colours side by side.

use crate::ramp::Ramp;
use csscolorparser::Color;
use std::fmt;

/// The number of colours of a ramp that are compared: those of the indices 15, 30, 45 … 255.
pub const SAMPLES: usize = 17;

/// The distance in Oklab above which two of the compared colours count as distinguishable: a
/// choice. Colours that are neighbours in the list of compared ones needn't be distinguishable.
pub const DISTINGUISHABLE: f32 = 0.045;

/// A kind of colour vision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vision {
    /// Common vision: with all three kinds of cones.
    Common,
    /// Red-blind vision: without the cones for long waves.
    Protanope,
    /// Green-blind vision: without the cones for middle waves.
    Deuteranope,
    /// Blue-blind vision: without the cones for short waves.
    Tritanope,
}

impl Vision {
    /// All kinds of colour vision.
    pub const ALL: [Self; 4] = [
        Self::Common,
        Self::Protanope,
        Self::Deuteranope,
        Self::Tritanope,
    ];

    /// The matrix that turns a colour in linear sRGB into the colour that is perceived with this
    /// vision. The source is Machado, Oliveira & Fernandes 2009, with the severity 1: the cones are
    /// missing completely.
    fn matrix(self) -> [[f32; 3]; 3] {
        match self {
            Self::Common => [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
            Self::Protanope => [
                [0.152286, 1.052583, -0.204868],
                [0.114503, 0.786281, 0.099216],
                [-0.003882, -0.048116, 1.051998],
            ],
            Self::Deuteranope => [
                [0.367322, 0.860646, -0.227968],
                [0.280085, 0.672501, 0.047413],
                [-0.011820, 0.042940, 0.968881],
            ],
            Self::Tritanope => [
                [1.255528, -0.076749, -0.178779],
                [-0.078411, 0.930809, 0.147602],
                [0.004733, 0.691367, 0.303900],
            ],
        }
    }
}

/// The way in which lightness changes along a ramp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lightness {
    /// Lightness that rises: each colour is lighter than the one before.
    Rises,
    /// Lightness that falls: each colour is darker than the one before.
    Falls,
    /// Lightness that turns: it rises up to the middle of the ramp and falls after it, or the other
    /// way round, as in a diverging ramp.
    Turns,
    /// Lightness that changes its direction more than once, or not in the middle of the ramp. Then
    /// two different densities may look alike.
    Wavers,
}

impl fmt::Display for Lightness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Rises => "rises",
            Self::Falls => "falls",
            Self::Turns => "turns",
            Self::Wavers => "wavers",
        })
    }
}

/// The results of the measurements of a ramp.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct RampCheck {
    /// The way in which lightness changes along the ramp.
    pub lightness: Lightness,
    /// The lightness of the ramp's darkest and lightest colour in Oklab, where 0 is black and 1 is
    /// white.
    pub reach: (f32, f32),
    /// The least and the greatest distance in Oklab between two compared colours that follow each
    /// other.
    pub steps: (f32, f32),
    /// For each kind of vision, in the order of [`Vision::ALL`], the least distance in Oklab
    /// between two of the compared colours that don't follow each other.
    pub apart: [f32; 4],
}

impl RampCheck {
    /// Measures the colours of a ramp. Their opacity is ignored.
    pub fn new(ramp: &Ramp) -> Self {
        let colors = colors(ramp, Vision::Common);
        let lights = colors.map(|[lightness, ..]| lightness);
        let pairs = || colors.iter().zip(colors.iter().skip(1));
        let steps = pairs().map(|(a, b)| distance(*a, *b));
        let lightness = lightness(&lights);
        // Near the middle of a diverging ramp, the colours of both sides are nearly one grey. So on
        // a diverging ramp only colours that are at least three samples apart are compared.
        let next = if lightness == Lightness::Turns { 3 } else { 2 };
        Self {
            lightness,
            reach: ends(lights.into_iter()),
            steps: ends(steps),
            apart: Vision::ALL.map(|vision| nearest(&self::colors(ramp, vision), next)),
        }
    }

    /// Returns, for each kind of vision in the order of [`Vision::ALL`], true if all compared
    /// colours that don't follow each other are distinguishable.
    pub fn is_distinguishable(&self) -> [bool; 4] {
        self.apart.map(|least| least > DISTINGUISHABLE)
    }
}

/// The colours of a ramp that are compared, in Oklab, as they are perceived with a kind of vision.
fn colors(ramp: &Ramp, vision: Vision) -> [[f32; 3]; SAMPLES] {
    let matrix = vision.matrix();
    std::array::from_fn(|i| {
        let [r, g, b, _] = ramp.color((15 + 15 * i).min(255) as u8);
        let [r, g, b, _] = Color::from_rgba8(r, g, b, 255).to_linear_rgba();
        let [r, g, b] = matrix.map(|[x, y, z]| (x * r + y * g + z * b).clamp(0.0, 1.0));
        let [l, a, b, _] = Color::from_linear_rgba(r, g, b, 1.0).to_oklaba();
        [l, a, b]
    })
}

fn lightness(lights: &[f32; SAMPLES]) -> Lightness {
    let rises = |part: &[f32]| part.is_sorted_by(|a, b| a < b);
    let falls = |part: &[f32]| part.is_sorted_by(|a, b| a > b);
    let middle = SAMPLES / 2;
    let (before, after) = (lights.get(..=middle), lights.get(middle..));
    match (before.unwrap_or_default(), after.unwrap_or_default()) {
        _ if rises(lights) => Lightness::Rises,
        _ if falls(lights) => Lightness::Falls,
        (a, b) if (rises(a) && falls(b)) || (falls(a) && rises(b)) => Lightness::Turns,
        _ => Lightness::Wavers,
    }
}

/// The least distance in Oklab between two of the colours in `colors` whose indices there differ by
/// `next` or more.
fn nearest(colors: &[[f32; 3]; SAMPLES], next: usize) -> f32 {
    let others = |i: usize| colors.iter().skip(i + next);
    let pairs = colors.iter().enumerate();
    pairs
        .flat_map(|(i, a)| others(i).map(|b| distance(*a, *b)))
        .fold(f32::INFINITY, f32::min)
}

fn distance(a: [f32; 3], b: [f32; 3]) -> f32 {
    let squares = a.iter().zip(b).map(|(a, b)| (a - b).powi(2));
    squares.sum::<f32>().sqrt()
}

fn ends(numbers: impl Iterator<Item = f32>) -> (f32, f32) {
    numbers.fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), n| {
        (low.min(n), high.max(n))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ramp::collection::{Group, NamedRamp, all};

    fn check(named: &NamedRamp) -> RampCheck {
        RampCheck::new(&Ramp::from_collection(named))
    }

    #[test]
    fn our_ramps_go_one_way_in_lightness_and_every_step_shows() {
        for named in all() {
            let wanted = match named.group {
                Group::DarkMap => Lightness::Rises,
                Group::LightMap => Lightness::Falls,
                _ => continue,
            };
            let check = check(named);
            assert_eq!(check.lightness, wanted, "{}", named.name);
            let (least, most) = check.steps;
            assert!(least >= 0.02 && most < 0.12, "{} {check:?}", named.name);
            let (dark, light) = check.reach;
            assert!(light - dark > 0.55, "{} {check:?}", named.name);
        }
    }

    #[test]
    fn ramps_for_every_colour_vision_are_told_apart_by_all() {
        let mut promised = 0;
        for named in all() {
            if named.about.contains("every colour vision") {
                promised += 1;
                let check = check(named);
                assert_eq!(
                    check.is_distinguishable(),
                    [true; 4],
                    "{} {check:?}",
                    named.name
                );
            }
        }
        assert!(promised >= 2);
    }

    #[test]
    fn what_is_wrong_with_a_ramp_is_seen() {
        let of = |text: &str| RampCheck::new(&Ramp::parse(text).unwrap());
        assert_eq!(of("black, white").lightness, Lightness::Rises);
        assert_eq!(of("white, black").lightness, Lightness::Falls);
        assert_eq!(of("navy, white, maroon").lightness, Lightness::Turns);
        assert_eq!(
            of("blue, cyan, lime, yellow, red").lightness,
            Lightness::Wavers
        );
        // With two kinds of vision, red and green of equal lightness look alike.
        let [common, protanope, deuteranope, _] = of("#c8553d, #808000, #2e8b57").apart;
        assert!(
            common > 2.0 * deuteranope.min(protanope),
            "{common} {deuteranope}"
        );
        assert!(!of("#777, #787878").is_distinguishable()[0]);
    }
}
