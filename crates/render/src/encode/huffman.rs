//! Huffman codes whose lengths have a limit.

/// The greatest length of a code in bits: a choice. In a deflate file each code length is itself a
/// symbol. With this limit there are sixteen such symbols, for the lengths 0 to 13 and for two
/// kinds of runs of zeros, so four bits are enough for each.
pub(super) const LONGEST: usize = 13;

/// Returns the length in bits of each symbol's code, for symbols that occur as often as `counts`
/// says. A symbol that does not occur has the length 0.
///
/// The lengths are the depths of the symbols in Huffman's tree. Codes longer than [`LONGEST`] are
/// shortened to it. Then other codes are lengthened until codes of these lengths exist, that is,
/// until Kraft's sum (of 2^−length over all symbols) is 1.
///
/// At least two symbols must occur in the data.
pub(super) fn lengths<const N: usize>(counts: &[u32; N]) -> [u8; N] {
    let mut symbols: Vec<(u32, usize)> = counts
        .iter()
        .enumerate()
        .filter(|&(_, &count)| count > 0)
        .map(|(symbol, &count)| (count, symbol))
        .collect();
    symbols.sort_unstable();
    let mut per_length = tally(&depths(&symbols));
    fit(&mut per_length);
    // The rarest symbols get the longest codes.
    let mut lengths = [0; N];
    let longest_first = (1..=LONGEST).rev();
    let mut ordered = longest_first.flat_map(|bits| {
        std::iter::repeat_n(bits as u8, per_length.get(bits).copied().unwrap_or(0))
    });
    for (_, symbol) in symbols {
        if let (Some(length), Some(bits)) = (lengths.get_mut(symbol), ordered.next()) {
            *length = bits;
        }
    }
    lengths
}

/// Returns the depth of each symbol in Huffman's tree. `symbols` are pairs of a count and a symbol,
/// and must be in ascending order of counts.
fn depths(symbols: &[(u32, usize)]) -> Vec<usize> {
    let leaves = symbols.len();
    let total = (2 * leaves).saturating_sub(1);
    let mut weights: Vec<u64> = symbols.iter().map(|&(count, _)| u64::from(count)).collect();
    let mut parents = vec![0; total];
    let (mut leaf, mut inner) = (0, leaves);
    for node in leaves..total {
        let mut weight = 0;
        for _ in 0..2 {
            // The leaves are in ascending order of weight. So are the inner nodes, in the order in
            // which they are made. So the lightest node without a parent is the next leaf or the
            // next inner node.
            let left = weights.get(leaf).filter(|_| leaf < leaves).copied();
            let right = weights.get(inner).copied();
            let lighter = if right.is_none_or(|r| left.is_some_and(|l| l <= r)) {
                &mut leaf
            } else {
                &mut inner
            };
            weight += weights.get(*lighter).copied().unwrap_or(0);
            if let Some(parent) = parents.get_mut(*lighter) {
                *parent = node;
            }
            *lighter += 1;
        }
        weights.push(weight);
    }
    let mut depths = vec![0; total];
    for node in (0..total.saturating_sub(1)).rev() {
        let above = parents
            .get(node)
            .and_then(|&parent: &usize| depths.get(parent))
            .copied();
        if let (Some(depth), Some(above)) = (depths.get_mut(node), above) {
            *depth = above + 1;
        }
    }
    depths.truncate(leaves);
    depths
}

/// Counts, for each code length from 0 bits on, the symbols that have it. Depths over [`LONGEST`]
/// count as [`LONGEST`].
fn tally(depths: &[usize]) -> [usize; LONGEST + 1] {
    let mut per_length = [0; LONGEST + 1];
    for &depth in depths {
        if let Some(number) = per_length.get_mut(depth.min(LONGEST)) {
            *number += 1;
        }
    }
    per_length
}

/// Lengthens codes until there are codes for all symbols. In each step, the longest of the codes
/// that are shorter than [`LONGEST`] becomes one bit longer. This makes room for a second code of
/// the new length, which goes to a symbol that had none.
fn fit(per_length: &mut [usize; LONGEST + 1]) {
    let mut used: usize = per_length
        .iter()
        .enumerate()
        .map(|(length, number)| number << (LONGEST - length))
        .sum();
    while used > 1 << LONGEST {
        per_length[LONGEST] -= 1;
        let has_codes = |length: &usize| per_length.get(*length).is_some_and(|codes| *codes > 0);
        let shorter = (1..LONGEST).rev().find(has_codes);
        let both = shorter.and_then(|length| per_length.get_mut(length..=length + 1));
        if let Some([shorter, longer]) = both {
            *shorter -= 1;
            *longer += 2;
        }
        used -= 1;
    }
}

/// Returns the canonical codes for these lengths (RFC 1951, 3.2.2). The bits of each code are in
/// reverse order, as deflate writes them.
pub(super) fn codes<const N: usize>(lengths: &[u8; N]) -> [u16; N] {
    let mut codes = [0; N];
    let mut next = 0_u16;
    for bits in 1..=LONGEST as u8 {
        next <<= 1;
        for (code, _) in codes
            .iter_mut()
            .zip(lengths)
            .filter(|&(_, &length)| length == bits)
        {
            *code = next.reverse_bits() >> (16 - u32::from(bits));
            next += 1;
        }
    }
    codes
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn kraft(lengths: &[u8]) -> usize {
        lengths
            .iter()
            .filter(|&&bits| bits > 0)
            .map(|&bits| 1 << (LONGEST - usize::from(bits)))
            .sum()
    }

    #[test]
    fn the_textbook_example_comes_out() {
        assert_eq!(lengths(&[45, 13, 12, 16, 9, 5]), [1, 3, 3, 3, 4, 4]);
        assert_eq!(lengths(&[0, 1, 0, 9]), [0, 1, 0, 1]);
        // RFC 1951 has this example of canonical codes.
        let codes = codes(&[3, 3, 3, 3, 3, 2, 4, 4]);
        let plain = [0b010, 0b011, 0b100, 0b101, 0b110, 0b00, 0b1110, 0b1111_u16];
        let bits = [3, 3, 3, 3, 3, 2, 4, 4];
        for ((code, plain), bits) in codes.into_iter().zip(plain).zip(bits) {
            assert_eq!(code, plain.reverse_bits() >> (16 - bits));
        }
    }

    #[test]
    fn counts_like_fibonacci_numbers_are_cut_to_the_longest_code() {
        let mut counts = [1_u32; 40];
        for i in 2..40 {
            counts[i] = counts[i - 1] + counts[i - 2];
        }
        let lengths = lengths(&counts);
        assert_eq!(kraft(&lengths), 1 << LONGEST);
        assert_eq!(usize::from(*lengths.iter().max().unwrap()), LONGEST);
        assert!(lengths.is_sorted_by(|a, b| a >= b));
    }

    proptest! {
        #[test]
        fn every_code_is_complete(counts in prop::array::uniform32(0_u32..90_000), shift in 0_u32..17) {
            let mut counts = counts.map(|count| count >> shift);
            counts[3] += 1;
            counts[7] += 1;
            let lengths = lengths(&counts);
            prop_assert_eq!(kraft(&lengths), 1 << LONGEST);
            for (length, count) in lengths.iter().zip(counts) {
                prop_assert_eq!(*length > 0, count > 0);
            }
        }
    }
}
