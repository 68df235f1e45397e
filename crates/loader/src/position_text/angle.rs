//! Angles as people write them: `41°25'01"N`, `41 25 01 S`, `W002 10.43`, `33.9 S` or `4807.038N`.
//!
//! Degrees, minutes and seconds are separated by their marks, by blanks or by colons. A hemisphere
//! is a letter or a word before or after them. The letter `O` is no hemisphere, since it means east
//! in German and west in French, Spanish and Italian. Four or five digits before the point, with a
//! letter, are degrees and minutes as GPS units write them.

use crate::number::format::NumberFormat;

/// An angle in degrees. Its axis is `None` unless a letter or a word names a hemisphere.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Angle {
    pub(crate) degrees: f64,
    pub(crate) axis: Option<AngleAxis>,
}

/// The axis of a hemisphere: east and west, or north and south.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AngleAxis {
    EastWest,
    NorthSouth,
}

/// The most bytes that the text of an angle may have.
const LONGEST: usize = 64;

/// A hemisphere: its axis, and the sign of its angles, which is 1 or −1.
type Hemisphere = (AngleAxis, f64);

const HEMISPHERES: [(&str, Hemisphere); 27] = [
    ("n", (AngleAxis::NorthSouth, 1.0)),
    ("north", (AngleAxis::NorthSouth, 1.0)),
    ("nord", (AngleAxis::NorthSouth, 1.0)),
    ("norte", (AngleAxis::NorthSouth, 1.0)),
    ("noord", (AngleAxis::NorthSouth, 1.0)),
    ("北緯", (AngleAxis::NorthSouth, 1.0)),
    ("北纬", (AngleAxis::NorthSouth, 1.0)),
    ("s", (AngleAxis::NorthSouth, -1.0)),
    ("south", (AngleAxis::NorthSouth, -1.0)),
    ("süd", (AngleAxis::NorthSouth, -1.0)),
    ("sud", (AngleAxis::NorthSouth, -1.0)),
    ("sur", (AngleAxis::NorthSouth, -1.0)),
    ("zuid", (AngleAxis::NorthSouth, -1.0)),
    ("南緯", (AngleAxis::NorthSouth, -1.0)),
    ("e", (AngleAxis::EastWest, 1.0)),
    ("east", (AngleAxis::EastWest, 1.0)),
    ("ost", (AngleAxis::EastWest, 1.0)),
    ("est", (AngleAxis::EastWest, 1.0)),
    ("este", (AngleAxis::EastWest, 1.0)),
    ("東経", (AngleAxis::EastWest, 1.0)),
    ("东经", (AngleAxis::EastWest, 1.0)),
    ("w", (AngleAxis::EastWest, -1.0)),
    ("west", (AngleAxis::EastWest, -1.0)),
    ("ouest", (AngleAxis::EastWest, -1.0)),
    ("oeste", (AngleAxis::EastWest, -1.0)),
    ("ovest", (AngleAxis::EastWest, -1.0)),
    ("西経", (AngleAxis::EastWest, -1.0)),
];

/// The hemisphere that a word or a letter names; `None` for any other text.
pub(crate) fn hemisphere(text: &str) -> Option<Hemisphere> {
    let word = text.trim().to_lowercase();
    let mut known = HEMISPHERES.iter();
    known.find(|(name, _)| *name == word).map(|(_, of)| *of)
}

/// The parts of an angle that were read so far: its numbers (degrees, then minutes, then seconds),
/// sign, marks and hemisphere.
#[derive(Default)]
struct Parts {
    /// The numbers read so far, each with the count of its digits before the decimal mark.
    all: Vec<(f64, usize)>,
    /// True if a mark or a word for degrees, minutes or seconds was read, such as `°`, `:` or
    /// `min`.
    has_marks: bool,
    /// True if the hemisphere was read after the numbers, so that the text must end there.
    ended: bool,
    negative: bool,
    hemisphere: Option<Hemisphere>,
}

/// Parses an angle. `format` is the notation of the numbers in its column. `None` for a plain
/// number, and for any text that is no angle.
pub(crate) fn parse(text: &str, format: NumberFormat) -> Option<Angle> {
    let text = text.trim();
    if text.len() > LONGEST {
        return None;
    }
    let mut parts = Parts::default();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        rest = match c {
            // An angle is on one line: a quote that is out of place may join two rows.
            '\n' | '\r' => return None,
            _ if c.is_whitespace() => rest.get(c.len_utf8()..)?,
            '-' | '−' | '+' if parts.all.is_empty() && !parts.negative => {
                parts.negative = c != '+';
                rest.get(c.len_utf8()..)?
            }
            '0'..='9' | '.' => parts.number(rest, format)?,
            _ if c.is_alphabetic() => parts.word(rest)?,
            _ => parts.mark(rest)?,
        };
    }
    parts.angle()
}

impl Parts {
    /// Reads a number at the beginning of `text`, and returns the text after it. `None` if an angle
    /// can't have a number there.
    fn number<'a>(&mut self, text: &'a str, format: NumberFormat) -> Option<&'a str> {
        let is_digit = |c: char| c.is_ascii_digit() || c == '.' || (c == ',' && format.has_comma());
        let end = text.find(|c| !is_digit(c)).unwrap_or(text.len());
        let (number, rest) = text.split_at_checked(end)?;
        let format = match number.contains(',') {
            true => NumberFormat::Comma,
            false => NumberFormat::Point,
        };
        let digits = number.find(['.', ',']).unwrap_or(number.len());
        let whole_before = self.all.iter().all(|(before, _)| before.fract() == 0.0);
        if self.ended || self.all.len() == 3 || !whole_before {
            return None;
        }
        self.all.push((format.parse(number.as_bytes())?, digits));
        Some(rest)
    }

    /// Reads a unit or a hemisphere, as a word or letter, at the beginning of `text`. Returns the
    /// text after it; `None` if an angle can't have it there.
    fn word<'a>(&mut self, text: &'a str) -> Option<&'a str> {
        let end = text.find(|c: char| !c.is_alphabetic());
        let (word, rest) = text.split_at_checked(end.unwrap_or(text.len()))?;
        let count = self.all.len();
        let is_unit = match word {
            "d" | "D" | "deg" | "Deg" => count == 1,
            "m" | "min" | "Min" => count == 2,
            "s" | "sec" | "Sec" => count == 3,
            // The ordinal indicator is a letter, and is often typed for the mark of degrees.
            "º" | "度" => count == 1,
            "分" => count == 2,
            "秒" => count == 3,
            _ => false,
        };
        if is_unit && (word != "s" || self.has_marks) {
            self.has_marks = true;
            return Some(rest);
        }
        if self.hemisphere.is_some() {
            return None;
        }
        self.hemisphere = Some(hemisphere(word)?);
        self.ended = count > 0;
        Some(rest.strip_prefix('.').unwrap_or(rest))
    }

    /// Reads a mark of degrees, minutes or seconds at the beginning of `text`, and returns the rest
    /// of the text. `None` if there is no such mark.
    fn mark<'a>(&mut self, text: &'a str) -> Option<&'a str> {
        let marks: &[&str] = match self.all.len() {
            1 => &["°", "˚", "º", ":"],
            2 => &["''", "'", "′", "’", "‘", "´", "`", ":"],
            3 => &["\"", "''", "′′", "’’", "´´", "″", "”", "“"],
            _ => return None,
        };
        let rest = marks.iter().find_map(|mark| text.strip_prefix(mark))?;
        // Two marks of minutes mean seconds, which need minutes before them.
        if self.all.len() == 2 && text.starts_with("''") {
            return None;
        }
        self.has_marks = true;
        Some(rest)
    }

    fn angle(&self) -> Option<Angle> {
        let sign = match (self.negative, self.hemisphere) {
            (true, None) => -1.0,
            (false, hemisphere) => hemisphere.map_or(1.0, |(_, sign)| sign),
            // A sign and a hemisphere may contradict each other.
            (true, Some(_)) => return None,
        };
        let axis = self.hemisphere.map(|(axis, _)| axis);
        let size = match *self.all.as_slice() {
            [(degrees, digits)] => match axis {
                Some(axis) => grouped(degrees, digits, axis)?,
                None if self.has_marks => degrees,
                None => return None,
            },
            [(degrees, _), (minutes, _)] if minutes < 60.0 => degrees + minutes / 60.0,
            [(degrees, _), (minutes, _), (seconds, _)] if minutes < 60.0 && seconds < 60.0 => {
                degrees + minutes / 60.0 + seconds / 3600.0
            }
            _ => return None,
        };
        Some(Angle {
            degrees: sign * size,
            axis,
        })
    }
}

/// The degrees of an angle that is a single number with the letter of a hemisphere. `digits`, the
/// number of its digits before the point, decides how it is written:
///
/// - Up to 2 for latitudes, up to 3 for longitudes: degrees. A latitude of up to 90° may have 3
///   digits too: `045.5N`.
/// - 4 for latitudes (`ddmm.mmmm`), 5 for longitudes (`dddmm.mmmm`): degrees and minutes.
/// - 6 for latitudes (`ddmmss`), 7 for longitudes (`dddmmss`): degrees, minutes and seconds.
///
/// `None` for any other count of digits, such as the 4 of the longitude `0230.0W`, which may mean
/// 2°30′ or 23°.
fn grouped(number: f64, digits: usize, axis: AngleAxis) -> Option<f64> {
    let of_degrees = match axis {
        AngleAxis::NorthSouth => 2,
        AngleAxis::EastWest => 3,
    };
    match digits.checked_sub(of_degrees) {
        None | Some(0) => Some(number),
        // Latitudes may have as many digits as longitudes: `045.5N`.
        Some(1) if axis == AngleAxis::NorthSouth && number <= 90.0 => Some(number),
        Some(2) => degrees_and_minutes(number),
        Some(4) => {
            let (degrees, rest) = ((number / 1e4).floor(), number % 1e4);
            let (minutes, seconds) = ((rest / 100.0).floor(), rest % 100.0);
            let is_angle = minutes < 60.0 && seconds < 60.0;
            is_angle.then_some(degrees + minutes / 60.0 + seconds / 3600.0)
        }
        _ => None,
    }
}

/// The degrees of a number whose last two digits before the point are minutes: 4807.038 is
/// 48°07.038′. `None` if these two digits are 60 or more.
pub(crate) fn degrees_and_minutes(number: f64) -> Option<f64> {
    let size = number.abs();
    let minutes = size % 100.0;
    let degrees = (size / 100.0).floor() + minutes / 60.0;
    (minutes < 60.0).then_some(degrees.copysign(number))
}

#[cfg(test)]
mod tests {
    use super::AngleAxis::{EastWest, NorthSouth};
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn angles_as_people_write_them() {
        for (text, degrees, axis) in [
            ("41°25'01\"N", 41.416_944, Some(NorthSouth)),
            ("2°10'26\"E", 2.173_889, Some(EastWest)),
            ("41 25 01S", -41.416_944, Some(NorthSouth)),
            ("002 10 26W", -2.173_889, Some(EastWest)),
            ("S41 25.117", -41.418_617, Some(NorthSouth)),
            ("W002 10.43", -2.173_833, Some(EastWest)),
            ("N 41° 25.117′", 41.418_617, Some(NorthSouth)),
            ("33.9S", -33.9, Some(NorthSouth)),
            ("74.0 W", -74.0, Some(EastWest)),
            ("51.5°", 51.5, None),
            ("-0.12°", -0.12, None),
            ("-0° 7' 12\"", -0.12, None),
            ("41:25:01", 41.416_944, None),
            ("41d25m01s", 41.416_944, None),
            ("41º25´01´´ N", 41.416_944, Some(NorthSouth)),
            ("41°25’01” Nord", 41.416_944, Some(NorthSouth)),
            ("2°10′26″ Ouest", -2.173_889, Some(EastWest)),
            ("2° 10' Ost", 2.166_667, Some(EastWest)),
            ("41 25 01", 41.416_944, None),
            ("北緯35度41分22秒", 35.689_444, Some(NorthSouth)),
            ("東経139度", 139.0, Some(EastWest)),
            ("4807.038N", 48.1173, Some(NorthSouth)),
            ("01131.000E", 11.516_667, Some(EastWest)),
            ("412501N", 41.416_944, Some(NorthSouth)),
            ("0021026W", -2.173_889, Some(EastWest)),
            ("074.5W", -74.5, Some(EastWest)),
            ("045.5N", 45.5, Some(NorthSouth)),
        ] {
            let found = parse(text, NumberFormat::Point);
            let found = found.unwrap_or_else(|| panic!("{text}"));
            assert!((found.degrees - degrees).abs() < 1e-6, "{text}: {found:?}");
            assert_eq!(found.axis, axis, "{text}");
        }
        let comma = parse("41°25,117' N", NumberFormat::Comma).unwrap();
        assert!((comma.degrees - 41.418_617).abs() < 1e-6);
    }

    #[test]
    fn what_is_no_angle() {
        for text in [
            "",
            "41.4",
            "-41.4",
            "N",
            "41°75'",
            "41°25'61\"",
            "41.5 25",
            "41°25'01\"O",
            "-33.9S",
            "41N 2E",
            "1 2 3 4",
            "12 km",
            "41''",
            "nan",
            "1e5N",
            "°",
            "5%",
            "0\n0",
            "41 25,1",
            "2024-01-01",
            "4875.0N",
            "417090N",
            "416000N",
            "01175.0E",
            "0026026W",
            "0230.0W",
            "230.0N",
            "12345.0N",
            "123456E",
        ] {
            assert_eq!(parse(text, NumberFormat::Point), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_gives_a_finite_angle_or_none(text in "[-0-9.,°'\"NSEWdms: ]{0,16}") {
            let found = parse(&text, NumberFormat::Comma);
            prop_assert!(found.is_none_or(|angle| angle.degrees.is_finite()));
        }

        #[test]
        fn minutes_and_seconds_come_back(d in 0u32..90, m in 0u32..60, s in 0u32..60) {
            let text = format!("{d}°{m:02}'{s:02}\"S");
            let angle = parse(&text, NumberFormat::Point).unwrap().degrees;
            let expected = -(f64::from(d) + f64::from(m) / 60.0 + f64::from(s) / 3600.0);
            prop_assert!((angle - expected).abs() < 1e-12);
        }
    }
}
