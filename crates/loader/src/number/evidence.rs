//! Counts of commas and points in a column's first values, from which follows whether its numbers
//! have a decimal comma or a decimal point.

use super::format::NumberFormat;
use super::mark::DecimalMark;
use super::parse;

/// Counts of the values of one column, by the meaning that their commas and points can have.
#[derive(Clone, Debug, Default)]
pub(crate) struct DecimalEvidence {
    /// Counts values like `12,5`, in which a comma can only be a decimal mark.
    commas: Sightings,
    /// Counts values like `12.5`, in which a point can only be a decimal mark.
    points: Sightings,
    /// Counts values like `1,234`, in which a comma may be a decimal mark or separate thousands.
    either_comma: Sightings,
    /// Counts values like `1.234`, in which a point may be a decimal mark or separate thousands.
    either_point: Sightings,
    /// True if a value shows that commas separate thousands: `1,234.5` or `1,234,567`.
    parted_by_commas: bool,
    /// True if a value shows that points separate thousands: `1.234,5` or `1.234.567`.
    parted_by_points: bool,
}

/// The count of the values of one kind, and the first such value with the number of its line.
#[derive(Clone, Debug, Default)]
struct Sightings {
    count: u64,
    first: Option<DoubtfulNumber>,
}

/// A value to show in a message about a doubtful notation, with the number of its line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DoubtfulNumber {
    pub(crate) line: u64,
    pub(crate) text: String,
}

/// The reason why it is in doubt whether a column's numbers have a decimal comma or a decimal
/// point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NotationDoubt {
    /// The mark in this value, which is like `1,234` or `1.234`, may come before decimals or
    /// separate thousands, and no other value decides which.
    Thousands(DoubtfulNumber),
    /// Values contradict each other: the first field is a value with a decimal comma, the second
    /// one with a decimal point.
    Both(DoubtfulNumber, DoubtfulNumber),
}

/// The meaning of the commas and points in one value.
enum Marks {
    /// The byte, `,` or `.`, is the decimal mark. The flag is true if the other of these two marks
    /// separates thousands.
    Decimal(u8, bool),
    /// The byte, `,` or `.`, is the only such mark in the value. It may be the decimal mark or
    /// separate thousands.
    Either(u8),
}

impl Sightings {
    fn note(&mut self, line: impl FnOnce() -> u64, field: &[u8]) {
        self.count += 1;
        self.first.get_or_insert_with(|| DoubtfulNumber {
            line: line(),
            text: String::from_utf8_lossy(field).into_owned(),
        });
    }
}

impl DecimalEvidence {
    /// Counts a value of the column. `line` returns the number of the value's line.
    pub(crate) fn note(&mut self, field: &[u8], line: impl FnOnce() -> u64) {
        match marks(field.trim_ascii()) {
            Some(Marks::Decimal(b',', parted)) => {
                self.commas.note(line, field);
                self.parted_by_points |= parted;
            }
            Some(Marks::Decimal(_, parted)) => {
                self.points.note(line, field);
                self.parted_by_commas |= parted;
            }
            Some(Marks::Either(b',')) => self.either_comma.note(line, field),
            Some(Marks::Either(_)) => self.either_point.note(line, field),
            None => (),
        }
    }

    /// Chooses the notation of the column. `asked` is the decimal mark that an option names, and
    /// `None` if the values decide it. `degrees` is true for longitudes and latitudes, which have
    /// no thousands.
    pub(crate) fn format(
        mut self,
        asked: Option<DecimalMark>,
        degrees: bool,
    ) -> Result<NumberFormat, NotationDoubt> {
        if degrees {
            for (sure, either) in [
                (&mut self.commas, &mut self.either_comma),
                (&mut self.points, &mut self.either_point),
            ] {
                let Sightings { count, first } = std::mem::take(either);
                sure.count += count;
                sure.first = sure.first.take().or(first);
            }
        }
        let [commas, points, either_comma, either_point] = [
            self.commas.count,
            self.points.count,
            self.either_comma.count,
            self.either_point.count,
        ];
        match asked {
            // Another column of the file may need the option.
            Some(DecimalMark::Comma) if commas == 0 && points > 0 => Ok(NumberFormat::Point),
            Some(DecimalMark::Comma) => Ok(NumberFormat::GroupedComma),
            Some(DecimalMark::Point) if points == 0 && commas > 0 => Ok(NumberFormat::Comma),
            Some(DecimalMark::Point) => Ok(NumberFormat::GroupedPoint),
            None if commas == 0 && either_comma == 0 => Ok(match points + either_point {
                0 => NumberFormat::Whole,
                _ if self.parted_by_commas => NumberFormat::GroupedPoint,
                _ => NumberFormat::Point,
            }),
            None if commas == 0 => match self.either_comma.first {
                Some(doubtful) if points == 0 => Err(NotationDoubt::Thousands(doubtful)),
                _ => Ok(NumberFormat::GroupedPoint),
            },
            None if points > 0 => match (self.commas.first, self.points.first) {
                (Some(comma), Some(point)) if commas > points => {
                    Err(NotationDoubt::Both(comma, point))
                }
                _ => Ok(NumberFormat::Point),
            },
            None if self.parted_by_points => Ok(NumberFormat::GroupedComma),
            None => match self.either_point.first {
                Some(doubtful) => Err(NotationDoubt::Thousands(doubtful)),
                None => Ok(NumberFormat::Comma),
            },
        }
    }
}

/// The meaning of the commas and points in a value; `None` if the value has no comma and no point,
/// or is no number.
fn marks(field: &[u8]) -> Option<Marks> {
    let count = |mark| memchr::memchr_iter(mark, field).count();
    let (commas, points) = (count(b','), count(b'.'));
    if commas + points == 0 || !field.iter().any(u8::is_ascii_digit) {
        return None;
    }
    // Nearly all values are of this kind, so it comes first.
    let decimals = memchr::memchr(b'.', field).map_or(0, |at| field.len() - at - 1);
    if commas == 0 && points == 1 && decimals != 3 {
        return parse(field).map(|_| Marks::Decimal(b'.', false));
    }
    let is_number = |format: NumberFormat| format.parse(field).is_some();
    let decimal = |mark, parted| Some(Marks::Decimal(mark, parted));
    match (commas, points) {
        (1, 1..) if is_number(NumberFormat::GroupedComma) => decimal(b',', true),
        (1.., 1) if is_number(NumberFormat::GroupedPoint) => decimal(b'.', true),
        (1, 0) if is_number(NumberFormat::Comma) => {
            let is_parted = is_number(NumberFormat::GroupedPoint) && !is_zero_led(field);
            match is_parted {
                true => Some(Marks::Either(b',')),
                false => decimal(b',', false),
            }
        }
        (0, 1) if is_number(NumberFormat::Point) => {
            let is_parted = is_number(NumberFormat::GroupedComma) && !is_zero_led(field);
            match is_parted {
                true => Some(Marks::Either(b'.')),
                false => decimal(b'.', false),
            }
        }
        (2.., 0) if is_number(NumberFormat::GroupedPoint) => decimal(b'.', true),
        (0, 2..) if is_number(NumberFormat::GroupedComma) => decimal(b',', true),
        _ => None,
    }
}

/// Returns true if a number begins with a zero, which no number with marks between thousands does.
fn is_zero_led(field: &[u8]) -> bool {
    matches!(field, [b'0', ..] | [b'-' | b'+', b'0', ..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evidence(values: &[&str]) -> DecimalEvidence {
        let mut evidence = DecimalEvidence::default();
        for (line, value) in (2..).zip(values) {
            evidence.note(value.as_bytes(), || line);
        }
        evidence
    }

    fn doubtful(line: u64, text: &str) -> DoubtfulNumber {
        DoubtfulNumber {
            line,
            text: text.to_owned(),
        }
    }

    #[test]
    fn the_notation_follows_from_the_values() {
        use NumberFormat::{Comma, GroupedComma, GroupedPoint, Point, Whole};
        for (values, format) in [
            (&["1", "x", "", "-7"][..], Whole),
            (&["48.5", "1"], Point),
            (&["1.234"], Point),
            (&["48,85", "7"], Comma),
            (&["0,125"], Comma),
            (&["1.234,5", "1.234"], GroupedComma),
            (&["1,234.5", "1,234"], GroupedPoint),
            (&["0.5", "1,234"], GroupedPoint),
            (&["1,234,567", "3"], GroupedPoint),
            (&["1.234.567", "3,5"], GroupedComma),
            (&["1.5", "3,5"], Point),
        ] {
            assert_eq!(
                evidence(values).format(None, false),
                Ok(format),
                "{values:?}"
            );
        }
        assert_eq!(evidence(&["48,857"]).format(None, true), Ok(Comma));
    }

    #[test]
    fn doubts_are_errors_until_an_option_ends_them() {
        use NumberFormat::{Comma, GroupedComma, GroupedPoint, Point};
        let thousands = evidence(&["1,234", "12,345"]);
        let doubt = NotationDoubt::Thousands(doubtful(2, "1,234"));
        assert_eq!(thousands.clone().format(None, false), Err(doubt));
        let asked = |mark| thousands.clone().format(Some(mark), false);
        assert_eq!(asked(DecimalMark::Comma), Ok(GroupedComma));
        assert_eq!(asked(DecimalMark::Point), Ok(GroupedPoint));
        let doubt = NotationDoubt::Thousands(doubtful(3, "1.234"));
        assert_eq!(evidence(&["1,5", "1.234"]).format(None, false), Err(doubt));
        let both = evidence(&["1,5", "2.5", "1,5"]);
        let doubt = NotationDoubt::Both(doubtful(2, "1,5"), doubtful(3, "2.5"));
        assert_eq!(both.format(None, true), Err(doubt));
        // The option is for the columns whose values don't show another mark.
        let points = evidence(&["48.8"]).format(Some(DecimalMark::Comma), true);
        assert_eq!(points, Ok(Point));
        let commas = evidence(&["48,8"]).format(Some(DecimalMark::Point), true);
        assert_eq!(commas, Ok(Comma));
    }
}
