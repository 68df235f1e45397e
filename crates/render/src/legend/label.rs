//! Labels: numbers in short form, for example `0.25`, `12`, `1.5k`, `24M` or `3e-7`.

/// The number of digits after the decimal point that every label stays below, since an f64 has only
/// about 15 digits in all.
const MOST_DIGITS: usize = 15;

/// Returns the shortest label for a value. Read as a number, the label differs from the value by at
/// most `tolerance`.
pub(super) fn label(value: f64, tolerance: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return "0".to_owned();
    }
    let (factor, suffix) = suffix(value.abs());
    let mut text = String::new();
    for digits in 0..MOST_DIGITS {
        text = if suffix == Suffix::Exponent {
            format!("{value:.digits$e}")
        } else {
            format!("{:.digits$}", value / factor)
        };
        let read: f64 = text.parse().unwrap_or(f64::NAN);
        if (read * factor - value).abs() <= tolerance {
            break;
        }
    }
    if let Suffix::Letter(letter) = suffix {
        text.push_str(letter);
    }
    text
}

#[derive(PartialEq)]
enum Suffix {
    Letter(&'static str),
    Exponent,
}

/// Returns the number by which numbers of the size `size` are divided in a label, and the suffix
/// that stands for this number: 1000 and `k`, for example.
fn suffix(size: f64) -> (f64, Suffix) {
    match size {
        s if !(1e-3..1e15).contains(&s) => (1.0, Suffix::Exponent),
        s if s >= 1e12 => (1e12, Suffix::Letter("T")),
        s if s >= 1e9 => (1e9, Suffix::Letter("G")),
        s if s >= 1e6 => (1e6, Suffix::Letter("M")),
        s if s >= 1e3 => (1e3, Suffix::Letter("k")),
        _ => (1.0, Suffix::Letter("")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_as_short_as_their_neighbours_allow() {
        for (value, tolerance, expected) in [
            (0.0, 0.1, "0"),
            (0.25, 1e-6, "0.25"),
            (12.0, 1e-6, "12"),
            (1500.0, 1e-6, "1.5k"),
            (24e6, 1.0, "24M"),
            (2e9, 1.0, "2G"),
            (3e-7, 1e-13, "3e-7"),
            (-2.5e20, 1.0, "-2.5e20"),
            (1234.5, 0.01, "1.2345k"),
            (0.1 + 0.2, 1e-9, "0.3"),
            (f64::NAN, 1.0, "0"),
        ] {
            assert_eq!(label(value, tolerance), expected);
        }
    }
}
