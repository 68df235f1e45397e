//! The collection: the ramps that can be chosen by name.

pub mod check;
mod maps;
mod perceptual;

use std::fmt;

use crate::ramp::opacity::OpacityCurve;
use crate::ramp::{ColorStop, Interpolation};

/// The purpose of a ramp, by which the collection is grouped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Group {
    /// Ramps whose steps look equal from end to end. They are usual in science.
    Perceptual,
    /// Ramps that go from transparent to light colours, for dark base maps.
    DarkMap,
    /// Ramps that go from transparent to dark colours, for light base maps.
    LightMap,
    /// Diverging ramps, for differences and quotients: transparent in the middle, with a different
    /// hue on each side.
    Diverging,
}

impl Group {
    /// The name of the group: `perceptual`, `dark map`, `light map` or `diverging`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Perceptual => "perceptual",
            Self::DarkMap => "dark map",
            Self::LightMap => "light map",
            Self::Diverging => "diverging",
        }
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// An entry of the collection. [`Ramp::from_collection`](crate::ramp::Ramp::from_collection) makes
/// a ramp from it.
#[derive(Debug)]
#[non_exhaustive]
pub struct NamedRamp {
    /// The name by which the ramp is chosen.
    pub name: &'static str,
    /// The purpose of the ramp. Lists of ramps are grouped by it.
    pub group: Group,
    /// A description of the ramp's colours in a few words.
    pub about: &'static str,
    colors: Colors,
    fade: Fade,
}

#[derive(Debug)]
enum Colors {
    Table(&'static perceptual::OpaqueTable),
    Stops(maps::Stops),
}

/// The stops of an opacity curve in ascending order, each as (position, opacity), both 0 to 1.
type Fade = &'static [(f32, f32)];

/// An opacity curve that reaches 1 already at the position 0.22, so that low values are easy to
/// see.
const SOON: Fade = &[
    (0.0, 0.0),
    (0.04, 0.22),
    (0.1, 0.6),
    (0.16, 0.86),
    (0.22, 1.0),
];

/// An opacity curve that rises slowly, so that the map shows through the colours of the ramp's
/// lower half.
const SLOW: Fade = &[
    (0.0, 0.0),
    (0.05, 0.2),
    (0.15, 0.52),
    (0.3, 0.78),
    (0.5, 0.94),
    (0.7, 1.0),
];

/// An opacity curve that is 0 in the middle, where there is no difference, and 1 at both ends.
const APART: Fade = &[
    (0.0, 1.0),
    (0.3, 0.92),
    (0.42, 0.62),
    (0.5, 0.0),
    (0.58, 0.62),
    (0.7, 0.92),
    (1.0, 1.0),
];

impl NamedRamp {
    /// The curve by which the opacity of the ramp rises, so that heat has no hard edge on the map:
    /// from 0 at the low end, or, in a diverging ramp, from 0 in the middle towards both ends.
    /// `None` for a ramp that is opaque everywhere.
    pub fn opacity(&self) -> Option<OpacityCurve> {
        OpacityCurve::new(self.fade.to_vec()).ok()
    }

    /// The ramp's colours as opaque stops, before the opacity curve is applied.
    pub fn stops(&self) -> Vec<ColorStop> {
        match self.colors {
            Colors::Table(table) => table
                .iter()
                .enumerate()
                .map(|(index, &color)| ColorStop {
                    position: index as f32 / 255.0,
                    color: rgb(color),
                })
                .collect(),
            Colors::Stops(stops) => stops
                .iter()
                .map(|&(position, color)| ColorStop {
                    position,
                    color: rgb(color),
                })
                .collect(),
        }
    }

    /// The colour space in which colours between the stops are mixed.
    pub fn interpolation(&self) -> Interpolation {
        match self.colors {
            Colors::Table(_) => Interpolation::Srgb,
            Colors::Stops(_) => Interpolation::Oklab,
        }
    }
}

/// Turns the colour `0xRRGGBB` into opaque RGBA with channels from 0 to 1.
fn rgb(color: u32) -> [f32; 4] {
    let [_, r, g, b] = color.to_be_bytes();
    [r, g, b, 255].map(|c| f32::from(c) / 255.0)
}

/// All entries of the collection, ordered by group.
pub fn all() -> &'static [NamedRamp] {
    ALL
}

const fn known(
    name: &'static str,
    about: &'static str,
    table: &'static perceptual::OpaqueTable,
) -> NamedRamp {
    let colors = Colors::Table(table);
    NamedRamp {
        name,
        group: Group::Perceptual,
        about,
        colors,
        fade: SOON,
    }
}

const fn ours(
    group: Group,
    name: &'static str,
    about: &'static str,
    stops: maps::Stops,
) -> NamedRamp {
    NamedRamp {
        name,
        group,
        about,
        colors: Colors::Stops(stops),
        fade: match group {
            Group::Diverging => APART,
            _ => SLOW,
        },
    }
}

static ALL: &[NamedRamp] = &[
    known(
        "inferno",
        "black, purple, red, yellow",
        &perceptual::INFERNO,
    ),
    known("magma", "black, purple, pink, cream", &perceptual::MAGMA),
    known(
        "plasma",
        "blue, magenta, orange, yellow",
        &perceptual::PLASMA,
    ),
    known(
        "viridis",
        "purple, teal, green, yellow",
        &perceptual::VIRIDIS,
    ),
    known(
        "cividis",
        "blue, grey, yellow; for every colour vision",
        &perceptual::CIVIDIS,
    ),
    known("turbo", "the rainbow, made smooth", &perceptual::TURBO),
    ours(
        Group::DarkMap,
        "ember",
        "maroon, red, orange, flame",
        maps::EMBER,
    ),
    ours(
        Group::DarkMap,
        "aurora",
        "night blue, teal, green, lime",
        maps::AURORA,
    ),
    ours(Group::DarkMap, "ice", "deep blue, sky, snow", maps::ICE),
    ours(
        Group::DarkMap,
        "nebula",
        "violet, magenta, peach",
        maps::NEBULA,
    ),
    ours(
        Group::DarkMap,
        "beacon",
        "blue to gold; for every colour vision",
        maps::BEACON,
    ),
    ours(
        Group::LightMap,
        "dusk",
        "peach, coral, magenta, night",
        maps::DUSK,
    ),
    ours(Group::LightMap, "ink", "pale to deep blue", maps::INK),
    ours(Group::LightMap, "rose", "blush, rose, burgundy", maps::ROSE),
    ours(
        Group::LightMap,
        "moss",
        "young green to deep forest",
        maps::MOSS,
    ),
    ours(
        Group::LightMap,
        "tide",
        "sand, lagoon, deep sea; for every colour vision",
        maps::TIDE,
    ),
    ours(
        Group::Diverging,
        "balance",
        "blue, grey, red; for every colour vision",
        maps::BALANCE,
    ),
    ours(
        Group::Diverging,
        "delta",
        "teal, grey, brown; for every colour vision",
        maps::DELTA,
    ),
    ours(
        Group::Diverging,
        "harvest",
        "violet, grey, green",
        maps::HARVEST,
    ),
    ours(
        Group::Diverging,
        "polar",
        "light blue, night, flame: for dark base maps",
        maps::POLAR,
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ramp::Ramp;

    #[test]
    fn every_ramp_fades_in_without_an_edge_and_ends_opaque() {
        for named in all().iter().filter(|n| n.group != Group::Diverging) {
            let ramp = Ramp::from_name(named.name).unwrap();
            assert_eq!(ramp.color(0), [0; 4]);
            assert_eq!(ramp.color(255)[3], 255, "{}", named.name);
            for pair in ramp.colors().windows(2) {
                let step = i16::from(pair[1][3]) - i16::from(pair[0][3]);
                assert!((0..=8).contains(&step), "{}: {pair:?}", named.name);
            }
        }
    }

    #[test]
    fn diverging_ramps_are_nothing_in_the_middle_and_the_same_to_both_sides() {
        for named in all().iter().filter(|n| n.group == Group::Diverging) {
            let ramp = Ramp::from_name(named.name).unwrap();
            let alpha = |i: u8| ramp.color(i)[3];
            assert_eq!(
                (alpha(0), alpha(1), alpha(255)),
                (0, 255, 255),
                "{}",
                named.name
            );
            assert!(alpha(127) < 8 && alpha(128) < 8, "{}", named.name);
            for i in 1..=127u8 {
                assert!(alpha(i).abs_diff(alpha(255 - i)) <= 4, "{} {i}", named.name);
                assert!(alpha(i) >= alpha(i + 1) || i == 127, "{} {i}", named.name);
            }
        }
    }

    #[test]
    fn known_ramps_have_the_colours_their_authors_gave_them() {
        for (name, middle, end) in [
            ("inferno", [0xbc, 0x37, 0x54], [0xfc, 0xff, 0xa4]),
            ("viridis", [0x21, 0x91, 0x8c], [0xfd, 0xe7, 0x25]),
        ] {
            let ramp = Ramp::from_name(name).unwrap();
            assert_eq!(ramp.color(128)[..3], middle, "{name}");
            assert_eq!(ramp.color(255)[..3], end, "{name}");
        }
    }
}
