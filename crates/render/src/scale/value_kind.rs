//! Kinds of values, which decide how a scale is laid over them.

/// The kind of a picture's values, which decides how a scale is laid over them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ValueKind {
    /// Sums and counts: numbers from 0 upwards. A pixel of value 0 is empty.
    Amount,
    /// Means: any numbers, with 0 a value like others. A pixel of value NaN is empty.
    Level,
    /// Differences, and sums of weights of both signs: numbers on both sides of 0. A pixel of value
    /// 0 is empty.
    Signed,
    /// Quotients: positive numbers on both sides of 1, compared by factors. A pixel of value NaN is
    /// empty.
    Ratio,
}

impl ValueKind {
    /// True where a pixel of value 0 is empty. Pixels of value NaN are empty with every kind.
    pub fn zero_is_nothing(self) -> bool {
        matches!(self, Self::Amount | Self::Signed)
    }

    /// The value of empty pixels: 0, or NaN where 0 is a value like others.
    pub fn nothing(self) -> f32 {
        if self.zero_is_nothing() {
            0.0
        } else {
            f32::NAN
        }
    }
}
