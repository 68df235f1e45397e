//! Kinds of values. The kind decides where a scale begins and ends, and which pixels are empty.

/// The kind of a picture's values: amounts, levels, signed numbers or ratios. It decides where a
/// scale begins and ends, and if a pixel of value 0 is empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ValueKind {
    /// Sums and counts: numbers from 0 upwards, so scales begin at 0. A pixel of value 0 is empty.
    Amount,
    /// Means: any numbers, so scales lie between two percentiles. A pixel of value 0 is not empty;
    /// only one of value NaN is.
    Level,
    /// Differences, and sums of weights of both signs: numbers on both sides of 0, which is the
    /// middle of scales. A pixel of value 0 is empty.
    Signed,
    /// Quotients: positive numbers on both sides of 1, which is the middle of scales; ½ and 2 lie
    /// equally far from it. A pixel of value NaN is empty.
    Ratio,
}

impl ValueKind {
    /// True if a pixel of value 0 is empty. A pixel of value NaN is empty with every kind.
    pub fn zero_is_nothing(self) -> bool {
        matches!(self, Self::Amount | Self::Signed)
    }

    /// The value of empty pixels: 0 for amounts and signed values, otherwise NaN.
    pub fn nothing(self) -> f32 {
        if self.zero_is_nothing() {
            0.0
        } else {
            f32::NAN
        }
    }
}
