//! Names of the choices a style offers.

/// Writes a choice by its name in `ALL`, the list that also says what is legal.
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

pub(crate) use display_by_name;
