//! Words: the at most eight bytes of one number of a binary file, with the highest or the lowest
//! byte first.

/// The number whose bytes are `bytes`, at most eight, as an unsigned whole number. The highest byte
/// comes first if `is_big_endian`, and last otherwise.
pub(super) fn unsigned(bytes: &[u8], is_big_endian: bool) -> u64 {
    let add = |word: u64, byte: &u8| word << 8 | u64::from(*byte);
    match is_big_endian {
        true => bytes.iter().fold(0, add),
        false => bytes.iter().rev().fold(0, add),
    }
}

/// The signed whole number whose two's complement is in the lowest `size` bytes of `word`. `size`
/// is 1 to 8.
pub(super) fn signed(word: u64, size: usize) -> i64 {
    let unused = 64 - 8 * size.clamp(1, 8) as u32;
    ((word << unused) as i64) >> unused
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_orders_of_bytes() {
        assert_eq!(unsigned(&[1, 2, 3], true), 0x01_02_03);
        assert_eq!(unsigned(&[1, 2, 3], false), 0x03_02_01);
        assert_eq!(unsigned(&[], true), 0);
        assert_eq!(unsigned(&[0xff; 8], false), u64::MAX);
        assert_eq!(signed(0xff, 1), -1);
        assert_eq!(signed(0x7f, 1), 127);
        assert_eq!(signed(0xffff_fffe, 4), -2);
        assert_eq!(signed(u64::MAX, 8), -1);
    }
}
