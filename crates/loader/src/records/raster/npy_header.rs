//! The header of an array of NumPy (`.npy`, NEP 1): the type of its numbers, their order and the
//! size of the array.

use crate::records::word;

/// The bytes at the beginning of every `.npy` file.
pub(crate) const MAGIC: &[u8] = b"\x93NUMPY";

/// The longest header that is read, in bytes, a choice: 64 KiB. Headers of rasters have some 120
/// bytes.
const LONGEST: usize = 64 << 10;

/// The header of an array: the type of its numbers, their order and the array's shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NpyHeader {
    pub(super) kind: NumberKind,
    pub(super) is_big_endian: bool,
    /// True if the array is stored column by column, as in Fortran: the first index changes
    /// fastest.
    pub(super) is_by_columns: bool,
    pub(super) shape: Vec<u64>,
    /// The offset in the file, in bytes, at which the array's numbers begin.
    pub(super) length: usize,
}

/// The type of an array's numbers. The field is the size of a number in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NumberKind {
    /// A signed whole number.
    Signed(usize),
    /// An unsigned whole number, or a Boolean.
    Unsigned(usize),
    /// A floating-point number.
    Float(usize),
}

impl NumberKind {
    pub(super) fn bytes(self) -> usize {
        match self {
            Self::Signed(bytes) | Self::Unsigned(bytes) | Self::Float(bytes) => bytes,
        }
    }

    /// The number that `bytes` encode. Their count must be the size of this type.
    pub(super) fn read(self, bytes: &[u8], is_big_endian: bool) -> f64 {
        let word = word::unsigned(bytes, is_big_endian);
        match self {
            Self::Unsigned(_) => word as f64,
            Self::Signed(size) => word::signed(word, size) as f64,
            Self::Float(2) => f64::from(half::f16::from_bits(word as u16)),
            Self::Float(4) => f64::from(f32::from_bits(word as u32)),
            Self::Float(_) => f64::from_bits(word),
        }
    }
}

impl NpyHeader {
    /// Parses the header at the beginning of a file.
    ///
    /// # Errors
    /// A message about a damaged header, or about a type of numbers that can't be read.
    pub(super) fn parse(file: &[u8]) -> Result<Self, String> {
        let damaged = || "the header is damaged".to_owned();
        let rest = file.strip_prefix(MAGIC).ok_or_else(damaged)?;
        let (version, rest) = rest.split_first_chunk::<2>().ok_or_else(damaged)?;
        let (length, text) = match version {
            [1, _] => {
                let (length, text) = rest.split_first_chunk::<2>().ok_or_else(damaged)?;
                (usize::from(u16::from_le_bytes(*length)), text)
            }
            [2 | 3, _] => {
                let (length, text) = rest.split_first_chunk::<4>().ok_or_else(damaged)?;
                (u32::from_le_bytes(*length) as usize, text)
            }
            [version, _] => return Err(format!("version {version} of the format is not known")),
        };
        if length > LONGEST {
            return Err(format!("the header has over {LONGEST} bytes"));
        }
        let before = file.len() - text.len();
        let text = text.get(..length).ok_or_else(damaged)?;
        let text = std::str::from_utf8(text).map_err(|_| damaged())?;
        let kind = field(text, "descr").ok_or_else(damaged)?;
        let order = field(text, "fortran_order").ok_or_else(damaged)?;
        let (kind, is_big_endian) = number_kind(kind)?;
        Ok(Self {
            kind,
            is_big_endian,
            is_by_columns: match order {
                order if order.starts_with("True") => true,
                order if order.starts_with("False") => false,
                _ => return Err(damaged()),
            },
            shape: shape(field(text, "shape").ok_or_else(damaged)?).ok_or_else(damaged)?,
            length: before + length,
        })
    }
}

/// The text after the key `name` and its colon in `text`, a Python dictionary; `None` if it doesn't
/// have the key.
fn field<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let quoted = [format!("'{name}'"), format!("\"{name}\"")];
    let mut found = quoted.iter().filter_map(|name| text.split_once(&**name));
    let (_, after) = found.next()?;
    Some(after.trim_start().strip_prefix(':')?.trim_start())
}

/// The type of numbers that a text such as `'<f4'` names, and true if their highest byte comes
/// first. The error is a message about a type that can't be read.
fn number_kind(text: &str) -> Result<(NumberKind, bool), String> {
    let quote = text.chars().next().unwrap_or_default();
    if quote == '[' {
        return Err("each element has several fields; save one of them: \
                    np.save('one.npy', array['name'])"
            .to_owned());
    }
    let name = text.trim_start_matches(['\'', '"']);
    let name = name.split(quote).next().unwrap_or_default();
    let is_big_endian = name.starts_with('>');
    let kind = match name.trim_start_matches(['<', '>', '|', '=']) {
        "b1" | "u1" => NumberKind::Unsigned(1),
        "u2" => NumberKind::Unsigned(2),
        "u4" => NumberKind::Unsigned(4),
        "u8" => NumberKind::Unsigned(8),
        "i1" => NumberKind::Signed(1),
        "i2" => NumberKind::Signed(2),
        "i4" => NumberKind::Signed(4),
        "i8" => NumberKind::Signed(8),
        "f2" => NumberKind::Float(2),
        "f4" => NumberKind::Float(4),
        "f8" => NumberKind::Float(8),
        _ => {
            let name = crate::messages::shown(name.as_bytes());
            return Err(format!(
                "its elements are of the type {name}; save numbers: \
                 np.save('numbers.npy', array.astype('f8'))"
            ));
        }
    };
    Ok((kind, is_big_endian))
}

/// The numbers of a Python tuple such as `(3, 4)`; `None` if `text` is no tuple of whole numbers.
fn shape(text: &str) -> Option<Vec<u64>> {
    let (inner, _) = text.strip_prefix('(')?.split_once(')')?;
    let parts = inner
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty());
    parts.map(|part| part.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(dictionary: &str) -> Vec<u8> {
        let length = (dictionary.len() as u16).to_le_bytes();
        [MAGIC, &[1, 0], &length, dictionary.as_bytes()].concat()
    }

    #[test]
    fn headers() {
        let text = "{'descr': '>i2', 'fortran_order': True, 'shape': (3, 40), }   \n";
        let parsed = NpyHeader::parse(&header(text)).unwrap();
        assert_eq!(parsed.kind, NumberKind::Signed(2));
        assert!(parsed.is_big_endian && parsed.is_by_columns);
        assert_eq!(parsed.shape, [3, 40]);
        assert_eq!(parsed.length, 10 + text.len());
        for (text, says) in [
            ("{'fortran_order': False, 'shape': (3,)}", "damaged"),
            (
                "{'descr': '<f4', 'fortran_order': 1, 'shape': (3,)}",
                "damaged",
            ),
            (
                "{'descr': '<f4', 'fortran_order': False, 'shape': (x,)}",
                "damaged",
            ),
            (
                "{'descr': '<c8', 'fortran_order': False, 'shape': (3,)}",
                "\"<c8\"",
            ),
            (
                "{'descr': [('x', '<f8')], 'fortran_order': False, 'shape': (3,)}",
                "several fields",
            ),
        ] {
            let error = NpyHeader::parse(&header(text)).unwrap_err();
            assert!(error.contains(says), "{text}: {error}");
        }
        assert!(NpyHeader::parse(&header(text)[..40]).is_err());
    }

    #[test]
    fn numbers_of_all_types() {
        let kinds = [
            (NumberKind::Unsigned(1), vec![200], 200.0),
            (NumberKind::Signed(1), vec![200], -56.0),
            (NumberKind::Signed(4), (-7_i32).to_le_bytes().to_vec(), -7.0),
            (NumberKind::Signed(8), (-7_i64).to_le_bytes().to_vec(), -7.0),
            (NumberKind::Float(2), vec![0x00, 0xc1], -2.5),
            (NumberKind::Float(4), 2.5_f32.to_le_bytes().to_vec(), 2.5),
            (NumberKind::Float(8), 0.1_f64.to_le_bytes().to_vec(), 0.1),
        ];
        for (kind, mut bytes, expected) in kinds {
            assert_eq!(kind.read(&bytes, false), expected, "{kind:?}");
            bytes.reverse();
            assert_eq!(kind.read(&bytes, true), expected, "{kind:?}");
        }
    }
}
