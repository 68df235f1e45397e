//! The ground of a static map: the colour behind the heat, or none.

use heatsplat::Ramp;

/// A CSS colour as red, green, blue and alpha, 0 to 255 each. The first three are not multiplied by
/// alpha.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct CssColor(pub(super) [u8; 4]);

impl CssColor {
    /// Parses one CSS colour. Several colours, which would make a ramp, are an error.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        let ramp = Ramp::parse(text).map_err(|_| "expected a CSS colour, like #111820 or white")?;
        let [_, first, rest @ ..] = ramp.colors();
        if rest.iter().all(|color| color == first) {
            Ok(Self(*first))
        } else {
            Err("expected one CSS colour, not a ramp")
        }
    }
}

/// The kinds of ground of a map, by which the colours of coastline and captions are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ground {
    Dark,
    Light,
    /// No ground: the map is mostly transparent and may be shown on pages of any colour.
    None,
}

impl Ground {
    /// The ground of a map with this background colour: `Ground::None` if there is no colour or it
    /// is mostly transparent.
    pub(super) fn of(background: Option<CssColor>) -> Self {
        match background {
            Some(CssColor([r, g, b, a])) if a > 127 => {
                // The weights are those of brightness, in tenths.
                if u32::from(r) * 3 + u32::from(g) * 6 + u32::from(b) < 1280 {
                    Self::Dark
                } else {
                    Self::Light
                }
            }
            _ => Self::None,
        }
    }
}

/// Blends a translucent colour over a ground (Porter-Duff *over*). Each colour is red, green, blue
/// and alpha, and the first three are not multiplied by alpha.
pub(super) fn over(
    [r, g, b, a]: [u8; 4],
    [ground_r, ground_g, ground_b, ground_a]: [u8; 4],
) -> [u8; 4] {
    let (alpha, ground_alpha) = (f32::from(a) / 255.0, f32::from(ground_a) / 255.0);
    let behind = ground_alpha * (1.0 - alpha);
    let whole = alpha + behind;
    let mix = |c: u8, ground: u8| {
        let sum = f32::from(c) * alpha + f32::from(ground) * behind;
        if whole > 0.0 {
            (sum / whole).round() as u8
        } else {
            0
        }
    };
    [
        mix(r, ground_r),
        mix(g, ground_g),
        mix(b, ground_b),
        (whole * 255.0).round() as u8,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colors() {
        let color = CssColor::parse;
        assert_eq!(color("#111820"), Ok(CssColor([0x11, 0x18, 0x20, 255])));
        assert_eq!(color("rgb(255 0 0 / 50%)"), Ok(CssColor([255, 0, 0, 128])));
        assert!(color("inferno").is_err() && color("red, blue").is_err() && color("?").is_err());
    }

    #[test]
    fn grounds_by_their_brightness() {
        let ground = |text| Ground::of(Some(CssColor::parse(text).unwrap()));
        for dark in ["black", "#0b0e14", "navy"] {
            assert_eq!(ground(dark), Ground::Dark, "{dark}");
        }
        for light in ["white", "#eee", "yellow"] {
            assert_eq!(ground(light), Ground::Light, "{light}");
        }
        assert_eq!(ground("rgb(255 255 255 / 20%)"), Ground::None);
        assert_eq!(Ground::of(None), Ground::None);
    }

    #[test]
    fn heat_over_a_ground() {
        let ground = [10, 20, 30, 255];
        assert_eq!(over([200, 100, 50, 0], ground), ground);
        assert_eq!(over([200, 100, 50, 255], ground), [200, 100, 50, 255]);
        assert_eq!(
            over([255, 255, 255, 128], [0, 0, 0, 255]),
            [128, 128, 128, 255]
        );
        assert_eq!(over([9, 9, 9, 0], [0, 0, 0, 0]), [0, 0, 0, 0]);
    }
}
