//! `heatsplat pack --shard`: a part of the rows, so that several machines pack them all.

use heatsplat::Point;
use heatsplat::points::PointSink;
use heatsplat_loader::{Columns, LoadError, LoadProgress, Report, Source, TableBuilder};
use std::fmt;
use std::str::FromStr;

/// The number, 2⁶⁴ divided by the golden ratio, by which keys of positions are multiplied so that
/// neighbours come into different shards.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// One of several parts of all rows, written as `2/4`: the second of four. The position of a row
/// alone, in the squares of 9.3 mm, decides to which part it belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shard {
    /// The number of the shard, counted from 1.
    number: u32,
    /// The number of all shards.
    all: u32,
}

impl Shard {
    /// Tests whether a point belongs to the shard. Its key along the Z-order curve is multiplied by
    /// [`GOLDEN`], modulo 2⁶⁴; the upper 32 bits of the product, as a fraction of 2³², are the
    /// place of the shard among all.
    fn has(self, point: &Point) -> bool {
        let upper = point.z_key().wrapping_mul(GOLDEN) >> 32;
        (upper * u64::from(self.all)) >> 32 == u64::from(self.number - 1)
    }
}

impl FromStr for Shard {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let expected = "expected a shard and their number, from 1/4 to 4/4 for four";
        let (number, all) = text.split_once('/').ok_or(expected)?;
        let parse = |digits: &str| digits.parse().map_err(|_| expected);
        match (parse(number)?, parse(all)?) {
            (number, all) if number >= 1 && number <= all => Ok(Self { number, all }),
            _ => Err(expected),
        }
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.all)
    }
}

/// The rows of a source that belong to a shard.
pub(super) struct ShardSource {
    source: Box<dyn Source>,
    shard: Shard,
    kept: TableBuilder,
    /// The report on the source, in which the rows of other shards count as filtered.
    report: Report,
    /// The number of rows of other shards so far.
    others: u64,
    /// The number of those among them whose weight is missing.
    others_missing: u64,
}

impl ShardSource {
    pub(super) fn new(source: Box<dyn Source>, shard: Shard) -> Self {
        Self {
            report: source.report().clone(),
            source,
            shard,
            kept: TableBuilder::default(),
            others: 0,
            others_missing: 0,
        }
    }
}

impl Source for ShardSource {
    fn name(&self) -> &str {
        self.source.name()
    }

    fn columns(&self) -> &Columns {
        self.source.columns()
    }

    fn next_batch(&mut self, sink: &mut dyn PointSink) -> Result<bool, LoadError> {
        let mut points: Vec<Point> = Vec::new();
        let more = self.source.next_batch(&mut points)?;
        let kept = self.source.take_kept();
        let (mut rows, mut some) = (Vec::new(), Vec::new());
        for (row, point) in points.iter().enumerate() {
            if self.shard.has(point) {
                rows.push(row);
                some.push(*point);
            } else {
                self.others += 1;
                self.others_missing += u64::from(!point.has_weight());
            }
        }
        self.kept.add(kept.of_rows(&rows));
        sink.push(&some);
        self.report.clone_from(self.source.report());
        self.report.rows = self.report.rows.saturating_sub(self.others);
        self.report.kept = self.report.kept.saturating_sub(self.others);
        self.report.weights_missing -= self.others_missing.min(self.report.weights_missing);
        self.report.filtered += self.others;
        Ok(more)
    }

    fn take_kept(&mut self) -> TableBuilder {
        std::mem::take(&mut self.kept)
    }

    fn report(&self) -> &Report {
        &self.report
    }

    fn progress(&self) -> LoadProgress {
        self.source.progress()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_point_is_in_one_shard_and_shards_are_alike() {
        for all in [1, 2, 3, 7, 64] {
            let shards: Vec<Shard> = (1..=all).map(|number| Shard { number, all }).collect();
            let mut counts = vec![0u32; shards.len()];
            // A grid of points, and points on a line.
            let grid = (0..1u32 << 16).map(|i| (i % 256 * 1024, i / 256 * 1024));
            let line = (0..1u32 << 14).map(|i| (1 << 31, i * 200_000));
            for (x, y) in grid.chain(line) {
                let point = Point { x, y, weight: 1.0 };
                let of: Vec<usize> = (0..shards.len())
                    .filter(|at| shards[*at].has(&point))
                    .collect();
                assert_eq!(of.len(), 1);
                counts[of[0]] += 1;
            }
            let equal = ((1 << 16) + (1 << 14)) / all;
            let alike = |count: &u32| (equal * 3 / 4..=equal * 5 / 4).contains(count);
            assert!(counts.iter().all(alike), "{all}: {counts:?}");
        }
    }

    #[test]
    fn shards_are_read_from_text() {
        assert_eq!("2/4".parse(), Ok(Shard { number: 2, all: 4 }));
        for text in ["0/4", "5/4", "2", "2/", "/4", "-1/4", "a/b", "1/0", ""] {
            assert!(text.parse::<Shard>().is_err(), "{text}");
        }
        assert_eq!(
            "3/7".parse::<Shard>().map(|s| s.to_string()),
            Ok("3/7".into())
        );
    }
}
