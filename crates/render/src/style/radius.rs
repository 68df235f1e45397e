//! Radii of kernels, in pixels or in metres. A radius is one length for all zooms, or a table of
//! lengths by zoom.

use crate::scale::parse_error::ParseStyleError;
use crate::style::kernel::Kernel;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// A length on the screen or on the ground.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Length {
    /// A length on the screen in CSS pixels.
    Pixels(f64),
    /// A length on the ground in metres.
    Metres(f64),
}

impl Length {
    const MIN_METRES: f64 = 0.01;
    const MAX_METRES: f64 = 5e6;

    fn amount(self) -> f64 {
        match self {
            Self::Pixels(n) | Self::Metres(n) => n,
        }
    }

    /// The length, rounded to one of a small number of lengths. Scales are measured with rounded
    /// lengths. So styles with nearly equal radii share a scale, and requests with ever new radii
    /// don't cause ever new measurements.
    ///
    /// Pixels are rounded to 5 significant binary digits. All whole numbers up to 32 and all powers
    /// of two are such numbers, and no length changes by more than 3.2 %. Metres are rounded to a
    /// multiple of a twentieth of the greatest number of the series 1, 2, 5, 10, 20, 50 … that is
    /// not greater than the length. So 25 m, 750 m and 2.5 km stay as they are, and no length
    /// changes by more than 2.5 %.
    pub(crate) fn rounded(self) -> Self {
        match self {
            Self::Pixels(n) => Self::Pixels(rounded_bits(n)),
            Self::Metres(n) => Self::Metres(rounded_metres(n)),
        }
    }

    fn is_legal(self) -> bool {
        match self {
            Self::Pixels(n) => (Kernel::MIN_RADIUS..=Kernel::MAX_RADIUS / 2.0).contains(&n),
            Self::Metres(n) => (Self::MIN_METRES..=Self::MAX_METRES).contains(&n),
        }
    }
}

/// The nearest number with 5 significant binary digits: the leading one, and 4 of the 52 that
/// follow it in an f64.
fn rounded_bits(n: f64) -> f64 {
    const DROPPED: u32 = 52 - 4;
    f64::from_bits((n.to_bits() + (1 << (DROPPED - 1))) >> DROPPED << DROPPED)
}

/// The nearest multiple of a twentieth of the greatest of the numbers 1, 2, 5, 10, 20, 50 … that is
/// not greater than `n`. It is computed by whole numbers, so round numbers stay the same to the
/// last bit.
fn rounded_metres(n: f64) -> f64 {
    const PARTS: f64 = 20.0;
    const DECADES: [f64; 9] = [1e6, 1e5, 1e4, 1e3, 100.0, 10.0, 1.0, 0.1, 0.01];
    let decade = DECADES.into_iter().find(|decade| n >= *decade);
    let decade = decade.unwrap_or(Length::MIN_METRES);
    let below = [5.0, 2.0].into_iter().find(|digit| n >= digit * decade);
    let below = below.unwrap_or(1.0) * decade;
    if decade >= 10.0 {
        let step = below / PARTS;
        return (n / step).round() * step;
    }
    let steps_per_metre = (PARTS / below).round();
    (n * steps_per_metre).round() / steps_per_metre
}

impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Pixels(n) => write!(f, "{n}px"),
            Self::Metres(n) if n >= 1000.0 => write!(f, "{}km", n / 1000.0),
            Self::Metres(n) => write!(f, "{n}m"),
        }
    }
}

impl Length {
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim().trim_matches('"');
        let number = |t: &str| t.trim().parse::<f64>().ok();
        let length = if let Some(n) = text.strip_suffix("px") {
            Self::Pixels(number(n)?)
        } else if let Some(n) = text.strip_suffix("km") {
            Self::Metres(number(n)? * 1000.0)
        } else if let Some(n) = text.strip_suffix('m') {
            Self::Metres(number(n)?)
        } else {
            Self::Pixels(number(text)?)
        };
        length.is_legal().then_some(length)
    }
}

impl FromStr for Length {
    type Err = ParseStyleError;

    fn from_str(text: &str) -> Result<Self, ParseStyleError> {
        Self::parse(text).ok_or(ParseStyleError::new(
            "expected pixels from 0.5 to 128 like 16px, or metres like 500m or 2.5km",
        ))
    }
}

/// A kernel's radius: one length for all zooms, or a table of zooms and lengths. Between two zooms
/// of the table, the length is interpolated linearly.
///
/// In text, one length is written as `16px`, `500m` or `2.5km`, and a table of zooms and lengths as
/// `6:8px,12:30px`. A table is also read in the form that config files have: `{6 = "8px", 12 =
/// "30px"}`.
#[derive(Clone, Debug, PartialEq)]
pub struct Radius(Arc<[(f64, Length)]>);

impl Radius {
    const MAX_STOPS: usize = 32;

    /// Makes a radius in CSS pixels. Returns `None` if it is not from 0.5 to 128. The radius of a
    /// [`Kernel`], which is in pixels of the picture, is twice as large in a picture of twice the
    /// resolution.
    pub fn pixels(pixels: f64) -> Option<Self> {
        Self::from_zooms(vec![(0.0, Length::Pixels(pixels))])
    }

    /// Makes a radius in metres on the ground. Returns `None` if it is not from 1 cm to 5,000 km.
    pub fn metres(metres: f64) -> Option<Self> {
        Self::from_zooms(vec![(0.0, Length::Metres(metres))])
    }

    /// Makes a radius from a table of (zoom, length) with rising zooms. Between two zooms the
    /// length is interpolated linearly.
    ///
    /// Returns `None` if
    ///
    /// * the table is empty or has more than 32 rows,
    /// * its zooms don't rise, or are not from 0 to 30,
    /// * it mixes pixels and metres, or
    /// * a length is out of the range of [`pixels`](Self::pixels) or [`metres`](Self::metres).
    pub fn from_zooms(table: Vec<(f64, Length)>) -> Option<Self> {
        let alike = |w: &[(f64, Length)]| {
            matches!(w, [(a, Length::Pixels(_)), (b, Length::Pixels(_))]
                | [(a, Length::Metres(_)), (b, Length::Metres(_))] if a < b)
        };
        let legal = !table.is_empty()
            && table.len() <= Self::MAX_STOPS
            && table.windows(2).all(alike)
            && table
                .iter()
                .all(|(zoom, length)| (0.0..=30.0).contains(zoom) && length.is_legal());
        legal.then(|| Self(table.into()))
    }

    /// The radius that is `length` at all zooms. The length must be in the range of
    /// [`pixels`](Self::pixels) or [`metres`](Self::metres); it isn't checked here.
    pub(crate) fn from_length(length: Length) -> Self {
        Self(Arc::new([(0.0, length)]))
    }

    /// Returns the length at a zoom. The zoom is counted for tiles of 256 CSS pixels, and needn't
    /// be a whole number. Below the first zoom of a table the length is that of the first zoom, and
    /// above the last zoom that of the last.
    pub fn at_zoom(&self, zoom: f64) -> Length {
        let after = self.0.partition_point(|(z, _)| *z <= zoom);
        let before = after.checked_sub(1).and_then(|i| self.0.get(i));
        match (before, self.0.get(after)) {
            (Some(&(z0, a)), Some(&(z1, b))) => {
                let share = (zoom - z0) / (z1 - z0);
                let between = a.amount() + (b.amount() - a.amount()) * share;
                match a {
                    Length::Pixels(_) => Length::Pixels(between),
                    Length::Metres(_) => Length::Metres(between),
                }
            }
            (Some(&(_, length)), None) | (None, Some(&(_, length))) => length,
            (None, None) => Length::Pixels(Kernel::MIN_RADIUS),
        }
    }
}

impl Default for Radius {
    /// A radius of 16 CSS pixels.
    fn default() -> Self {
        Self(Arc::new([(0.0, Length::Pixels(16.0))]))
    }
}

impl fmt::Display for Radius {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [(_, only)] = *self.0 {
            return write!(f, "{only}");
        }
        for (i, (zoom, length)) in self.0.iter().enumerate() {
            write!(f, "{}{zoom}:{length}", if i == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

impl Radius {
    fn parse(text: &str) -> Option<Self> {
        let table = text.trim();
        let table = table
            .strip_prefix('{')
            .and_then(|t| t.strip_suffix('}'))
            .unwrap_or(table);
        if !table.contains([':', '=']) {
            return Self::from_zooms(vec![(0.0, Length::parse(table)?)]);
        }
        let stop = |stop: &str| {
            let (zoom, length) = stop.split_once([':', '='])?;
            let zoom = zoom.trim().trim_matches('"').parse().ok()?;
            Some((zoom, Length::parse(length)?))
        };
        let stops: Option<Vec<_>> = table.split(',').map(stop).collect();
        Self::from_zooms(stops?)
    }
}

impl FromStr for Radius {
    type Err = ParseStyleError;

    fn from_str(text: &str) -> Result<Self, ParseStyleError> {
        Self::parse(text).ok_or(ParseStyleError::new(
            "expected pixels from 0.5 to 128 like 16px, metres like \
            500m or 2.5km, or a table of them by zoom like 6:8px,12:30px",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn radii_are_read_and_written() {
        for text in [
            "16px",
            "0.5px",
            "500m",
            "2.5km",
            "6:8px,12:30px",
            "0:1km,10.5:50m",
        ] {
            let radius: Radius = text.parse().unwrap();
            assert_eq!(radius.to_string(), text);
        }
        let config: Radius = r#"{6 = "8px", 12 = "30px"}"#.parse().unwrap();
        assert_eq!(config.to_string(), "6:8px,12:30px");
        assert_eq!(
            "16".parse::<Radius>().unwrap(),
            Radius::pixels(16.0).unwrap()
        );
        for text in [
            "",
            "px",
            "0px",
            "129px",
            "NaN",
            "-1m",
            "9000km",
            "6:8px,12:30m",
            "6:8px,6:9px",
            "9:8px,6:9px",
            "6:8px,",
            "x:8px",
            "{}",
            "31:2px",
            "infm",
        ] {
            assert!(text.parse::<Radius>().is_err(), "{text}");
        }
    }

    #[test]
    fn rounded_lengths_are_few_and_near_and_usual_ones_stay() {
        let mut usual: Vec<Length> = (1..=32).map(|n| Length::Pixels(f64::from(n))).collect();
        let halves = (1..32).map(|n| Length::Pixels(f64::from(n) / 2.0));
        usual.extend(halves.chain([48.0, 64.0, 128.0].map(Length::Pixels)));
        for text in [
            "1cm", "5cm", "25cm", "50cm", "1m", "1.5m", "2m", "7.5m", "10m", "15m", "25m", "30m",
            "50m", "75m", "100m", "150m", "200m", "250m", "300m", "400m", "500m", "750m", "1km",
            "1.2km", "1.5km", "2.5km", "3km", "5km", "10km", "25km", "100km", "250km", "5000km",
        ] {
            let text = match text.strip_suffix("cm") {
                Some(n) => format!("{}m", n.parse::<f64>().unwrap() / 100.0),
                None => text.to_owned(),
            };
            usual.push(text.parse().unwrap());
        }
        for length in usual {
            assert_eq!(length.rounded(), length);
        }
        let mut seen = [Vec::new(), Vec::new()];
        for i in 0..=100_000 {
            let share = f64::from(i) / 1e5;
            let pixels = Length::Pixels(0.5 * 256f64.powf(share));
            let metres = Length::Metres((0.01 * 5e8f64.powf(share)).clamp(0.01, 5e6));
            for ((length, most), seen) in [(pixels, 0.0320), (metres, 0.0251)].iter().zip(&mut seen)
            {
                let rounded = length.rounded();
                let ratio = rounded.amount() / length.amount();
                assert!((ratio - 1.0).abs() < *most, "{length} {rounded}");
                assert!(
                    rounded.is_legal() && rounded.rounded() == rounded,
                    "{length} {rounded}"
                );
                seen.push(rounded.amount());
            }
        }
        for (seen, most) in seen.iter_mut().zip([130, 620]) {
            assert!(
                seen.is_sorted(),
                "a greater length is never rounded to a smaller one"
            );
            seen.dedup();
            assert!(seen.len() < most, "{}", seen.len());
        }
    }

    #[test]
    fn between_zooms_the_line_is_straight() {
        let radius: Radius = "6:8px,12:30px".parse().unwrap();
        for (zoom, pixels) in [
            (0.0, 8.0),
            (6.0, 8.0),
            (9.0, 19.0),
            (12.0, 30.0),
            (20.0, 30.0),
        ] {
            assert_eq!(radius.at_zoom(zoom), Length::Pixels(pixels));
        }
    }
}
