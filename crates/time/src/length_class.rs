//! Classes of windows by their length, so that all windows of about one length share a scale.

use crate::instant::{DAY, SECOND};

/// The distance by which the borders between classes are shifted from a day, in doublings of the
/// length. With it no border lies among the lengths of months, of quarters or of years, which
/// differ by days, nor among the lengths of days, which differ by an hour where clocks change.
const SHIFT: f64 = 0.18;

/// A class of windows of time of about one length. There are two classes for each doubling of the
/// length. All months are in one class, and so are all quarters, all years, and all days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LengthClass(i32);

impl LengthClass {
    /// The class of a length in microseconds. Lengths under a second are in the class of a second.
    pub fn new(micros: i64) -> Self {
        let days = micros.max(SECOND) as f64 / DAY as f64;
        Self((2.0 * (days.log2() - SHIFT)).ceil() as i32)
    }

    /// The length, in microseconds, in the middle of the class: the geometric mean of its shortest
    /// and longest length.
    pub fn middle(self) -> i64 {
        let exponent = (f64::from(self.0) - 0.5) / 2.0 + SHIFT;
        (exponent.exp2() * DAY as f64).round() as i64
    }

    /// The number of the class; it rises with the length, and may be negative.
    pub fn number(self) -> i32 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_one_unit_are_in_one_class() {
        let class = |hours: i64| LengthClass::new(hours * DAY / 24);
        let days = |days: i64| class(24 * days);
        for (shortest, longest) in [(28, 31), (89, 92), (181, 184), (365, 366)] {
            assert_eq!(days(shortest), days(longest), "{shortest}");
            assert_eq!(
                class(24 * shortest - 1),
                class(24 * longest + 1),
                "{shortest}"
            );
        }
        assert_eq!(class(23), class(25));
        assert_eq!(class(167), class(169));
        assert!(days(7) < days(14) && days(14) < days(30) && days(30) < days(90));
        assert_eq!(LengthClass::new(0), LengthClass::new(SECOND));
    }

    #[test]
    fn the_middle_of_a_class_is_in_it() {
        for number in -33..40 {
            let class = LengthClass(number);
            assert_eq!(LengthClass::new(class.middle()), class);
        }
        let month = LengthClass::new(30 * DAY).middle() as f64 / DAY as f64;
        assert!((30.0..31.0).contains(&month), "{month}");
    }
}
