//! Kinds of values, which decide how a scale lies over them.

/// The kind of a field's values, which decides how a scale lies over them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ValueKind {
    /// From 0 upwards, where 0 stands for nothing: sums and counts.
    Amount,
    /// Any number, 0 like any other; NaN stands for nothing: means.
    Level,
    /// To both sides of 0, which stands for nothing: differences, and sums of weights of both
    /// signs.
    Signed,
    /// To both sides of 1, by factors; NaN stands for nothing: quotients.
    Ratio,
}

impl ValueKind {
    /// True where 0 stands for nothing, as NaN does for every kind.
    pub fn zero_is_nothing(self) -> bool {
        matches!(self, Self::Amount | Self::Signed)
    }

    /// The value that stands for nothing: 0, or NaN where 0 is a value like others.
    pub fn nothing(self) -> f32 {
        if self.zero_is_nothing() {
            0.0
        } else {
            f32::NAN
        }
    }
}
