//! Macros that implement traits for enums whose variants have names in text.

/// Implements `Display` for an enum with a table `ALL` of (name, variant), so that it writes a
/// variant's name.
macro_rules! display_by_name {
    ($choice:ty) => {
        impl std::fmt::Display for $choice {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                let named = Self::ALL.iter().find(|(_, choice)| choice == self);
                f.write_str(named.map_or("", |(name, _)| name))
            }
        }
    };
}

/// Implements `Display` and `FromStr` for an enum with a table `ALL` of (name, variant), so that
/// variants are written and parsed by their names.
macro_rules! named_choice {
    ($choice:ty) => {
        $crate::style::names::display_by_name!($choice);

        impl std::str::FromStr for $choice {
            type Err = $crate::ParseStyleError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let named = Self::ALL.iter().find(|(name, _)| *name == text);
                named
                    .map(|(_, choice)| *choice)
                    .ok_or_else(|| $crate::ParseStyleError::one_of(&Self::ALL))
            }
        }
    };
}

pub(crate) use display_by_name;
pub(crate) use named_choice;
