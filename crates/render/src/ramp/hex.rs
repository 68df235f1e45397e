//! Ramps as hexadecimal digits: eight digits for each of the colours 1 to 255. This text describes
//! any ramp exactly.

use super::stops::RampError;
use std::fmt::Write as _;

/// The text that comes before the hexadecimal digits of a ramp's colours.
pub(super) const PREFIX: &str = "table:";

const DIGITS: usize = 255 * 8;

/// Parses the hexadecimal digits that follow [`PREFIX`] in the text of a ramp.
pub(super) fn read(digits: &str) -> Result<[[u8; 4]; 256], RampError> {
    let legal = digits.len() == DIGITS && digits.bytes().all(|b| b.is_ascii_hexdigit());
    if !legal {
        return Err(RampError::Table);
    }
    let mut table = [[0; 4]; 256];
    for (color, digits) in table.iter_mut().skip(1).zip(digits.as_bytes().chunks(8)) {
        let number = std::str::from_utf8(digits).ok();
        let number = number.and_then(|d| u32::from_str_radix(d, 16).ok());
        *color = number.ok_or(RampError::Table)?.to_be_bytes();
    }
    Ok(table)
}

/// Writes a table of colours as text that begins with [`PREFIX`].
pub(super) fn write(table: &[[u8; 4]; 256]) -> String {
    let mut text = String::with_capacity(PREFIX.len() + DIGITS);
    text.push_str(PREFIX);
    for color in table.iter().skip(1) {
        let _ = write!(text, "{:08x}", u32::from_be_bytes(*color));
    }
    text
}

#[cfg(test)]
mod tests {
    use crate::ramp::Ramp;

    #[test]
    fn a_table_survives_its_own_text() {
        let mut table = [[0; 4]; 256];
        for (i, color) in table.iter_mut().enumerate().skip(1) {
            *color = [i as u8, 255 - i as u8, (i * 7) as u8, (i * 13) as u8];
        }
        let ramp = Ramp::from_table(&table);
        let again = Ramp::parse(&ramp.to_text()).unwrap();
        assert_eq!(again.colors(), &table);
    }

    #[test]
    fn half_a_table_is_refused() {
        let whole = Ramp::from_name("inferno").unwrap().to_text();
        for bad in [
            "table:",
            "table:zz",
            &whole[..whole.len() - 1],
            &format!("{whole}0"),
            &whole.replace('f', "é"),
        ] {
            assert!(Ramp::parse(bad).unwrap_err().to_string().contains("table:"));
        }
    }
}
