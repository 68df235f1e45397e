//! Random damage: inputs of all fuzz targets that are changed at random. Where the variable
//! `HEATSPLAT_FUZZ_SECONDS` is set, each run has a new seed, which it prints, and lasts so many
//! seconds. `HEATSPLAT_FUZZ_SEED` repeats a run: the seed decides all inputs and their order.

use crate::Folder;
use crate::damage::ends;
use crate::robustness::{TARGETS, attempt};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

/// The longest input, in bytes: mutations may double one.
const LONGEST: usize = 64 << 10;

/// Texts that readers look for, or that are edges of their numbers.
const WORDS: [&[u8]; 24] = [
    b"-0",
    b"1e999",
    b"NaN",
    b"180.0",
    b"-180",
    b"90.00001",
    b"99999999999999999999",
    b"SRID=4326;",
    b"POINT(1 2)",
    b"POLYGON((0 0,4 0,4 4,0 0))",
    b"{\"type\":\"Polygon\",\"coordinates\":[[[0,0],[4,0],[4,4],[0,0]]]}",
    b"u4pruyd",
    b"8928308280fffff",
    b"8FVC9G8F+6X",
    b"33UXP0500444996",
    b"32U 461344 5481745",
    b"48\xc2\xb051'N 2\xc2\xb021'E",
    b"geo:48.1,11.5",
    b"geohash",
    b"h3",
    b"\xef\xbb\xbf",
    b"\0\0\0\0",
    b"\xff\xff\xff\xff",
    b"\xff\xff\xff\x7f",
];

/// A generator of numbers (SplitMix64), by which a seed decides all that is random.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, or 0 if `end` is 0.
    fn below(&mut self, end: usize) -> usize {
        self.next().checked_rem(end as u64).unwrap_or(0) as usize
    }

    /// A short range within `length` bytes.
    fn range(&mut self, length: usize) -> std::ops::Range<usize> {
        let start = self.below(length);
        let most = if self.below(4) == 0 { length } else { 24 };
        start..(start + 1 + self.below(most)).min(length)
    }
}

/// Changes an input at random, once to four times. `other` is another input of the same target.
fn mutate(bytes: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    for _ in 0..1 + random.below(4) {
        if bytes.is_empty() {
            bytes.extend_from_slice(other);
        }
        let range = random.range(bytes.len());
        match random.below(8) {
            0 => bytes[range.start] ^= 1 << random.below(8),
            1 => bytes[range.start] = [0, 1, 0x7f, 0x80, 0xff, b'0', b'-', b'"'][random.below(8)],
            2 => bytes.truncate(range.start),
            3 => drop(bytes.drain(range)),
            4 => {
                let copy = bytes[range.clone()].to_vec();
                bytes.splice(range.start..range.start, copy);
            }
            5 => {
                let from = random.range(other.len());
                bytes.splice(range, other.get(from).unwrap_or_default().to_vec());
            }
            6 => {
                let word = WORDS[random.below(WORDS.len())];
                bytes.splice(range.start..range.start, word.to_vec());
            }
            _ => {
                // Sizes and counts of binary files.
                let number = [0, 1, u32::MAX, 1 << 31, random.next() as u32][random.below(5)];
                for (byte, new) in bytes[range.start..].iter_mut().zip(number.to_le_bytes()) {
                    *byte = new;
                }
            }
        }
        bytes.truncate(LONGEST);
    }
}

/// The inputs of a target in the corpus of the fuzz targets, in the order of their names.
fn inputs(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    let files = std::fs::read_dir(folder.join(target)).unwrap();
    let mut paths: Vec<_> = files.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let all = paths.iter().map(|path| std::fs::read(path).unwrap());
    all.filter(|bytes| bytes.len() <= LONGEST).collect()
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{variable} is no number")),
    )
}

#[test]
fn random_inputs_are_survived() {
    let seconds = number("HEATSPLAT_FUZZ_SECONDS");
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_nanos() as u64;
    let seed = number("HEATSPLAT_FUZZ_SEED").unwrap_or(if seconds.is_some() { now } else { 1 });
    println!("HEATSPLAT_FUZZ_SEED={seed} repeats these inputs, in the same order");
    let all: Vec<(&str, Vec<Vec<u8>>)> = TARGETS.map(|target| (target, inputs(target))).into();
    ends(format!("random inputs of seed {seed}"), move || {
        let folder = Folder::new("random");
        let (begin, mut count) = (Instant::now(), 0_u64);
        let goes_on = |round: u64| match seconds {
            Some(seconds) => begin.elapsed() < Duration::from_secs(seconds),
            None => round < 8,
        };
        let mut random = Random(seed);
        'rounds: for round in 0.. {
            for (target, inputs) in &all {
                if !goes_on(round) {
                    break 'rounds;
                }
                let mut bytes = inputs[random.below(inputs.len())].clone();
                let other = &inputs[random.below(inputs.len())];
                mutate(&mut bytes, other, &mut random);
                let survived = catch_unwind(AssertUnwindSafe(|| {
                    let _ = attempt(&folder.0, target, &bytes);
                }));
                if let Err(panic) = survived {
                    let kept = std::env::temp_dir().join(format!("heatsplat-{target}-{seed}"));
                    std::fs::write(&kept, &bytes).unwrap();
                    eprintln!(
                        "HEATSPLAT_FUZZ_SEED={seed}: round {round} of {target}; put its input, {}, \
                         into fuzz/corpus/{target}",
                        kept.display()
                    );
                    resume_unwind(panic);
                }
                count += 1;
            }
        }
        println!("{count} random inputs were survived");
        assert!(count >= TARGETS.len() as u64);
    });
}

#[test]
fn a_seed_decides_all_inputs() {
    let run = |seed| {
        let mut random = Random(seed);
        let mut bytes = b"lon,lat\n1,2\n3,4\n".to_vec();
        (0..50).for_each(|_| mutate(&mut bytes, b"a,b\n5,6\n", &mut random));
        bytes
    };
    assert_eq!(run(7), run(7));
    assert_ne!(run(7), run(8));
}
