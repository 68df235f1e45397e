//! The building of the parts, each a quad with its pyramid: the quad's points are read from all
//! runs and merged, and the pyramid over them is built.

use super::cut::Plot;
use super::row_run::{in_order, sorted_order};
use super::run::SortedPoints;
use crate::counts_writer::ones;
use heatsplat_points::{DeepPart, Part, PartNode, Point, PyramidOfParts};
use rayon::prelude::*;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::mem;
use std::ops::Range;

/// A receiver of everything that a file gets: all points in Z-order, and the nodes of the pyramid,
/// of each depth in Z-order.
pub(super) trait PackSink: Send {
    /// The error of writing.
    type Error: Send;

    /// Receives the next points, in Z-order.
    fn points(&mut self, points: &[Point]) -> Result<(), Self::Error>;

    /// Receives the values of the points that [`points`](Self::points) has just received: a list of
    /// values for each column.
    fn columns(&mut self, values: &[Vec<u64>]) -> Result<(), Self::Error>;

    /// Receives the next node of its depth.
    fn node(&mut self, node: PartNode<'_>) -> Result<(), Self::Error>;

    /// Receives the next node of its depth in the counting index: the pyramid over the points that
    /// have a weight, each with the weight 1.
    fn counted_node(&mut self, node: PartNode<'_>) -> Result<(), Self::Error>;
}

/// The error of a run, with the number of the run, counted from 0; or the error of the sink.
#[derive(Debug)]
pub(super) enum BuildError<E> {
    Run(usize, io::Error),
    Sink(E),
}

/// The number of a run, counted from 0, and the error of reading it.
type RunError = (usize, io::Error);

/// The limits on the points that are in memory while pyramids are built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limits {
    /// The greatest number of points in a part.
    pub(super) part: u64,
    /// The greatest number of points in a wave: in all parts that are built at the same time.
    pub(super) wave: u64,
}

/// The greatest value of [`Limits::part`]: a choice, since larger parts bring no gain.
const LARGEST_PART: u64 = 1 << 22;

/// The least value of [`Limits::part`]: a choice. Two neighbouring parts share a block (4,096
/// points) of each run, which is read for both; with smaller parts more blocks would be read twice.
const LEAST_PART: u64 = 1 << 14;

/// The bytes of memory for each point of a wave, without columns and counting index: the point
/// itself, the buffer of the sort, the point's share of the cells, and a point of the wave before,
/// which is being written.
const BYTES_A_POINT: u64 = 56;

/// The further bytes of memory for each point of a wave if there is a counting index: the point
/// with the weight 1, and its share of the cells.
const COUNTED_BYTES: u64 = 28;

/// The further bytes of memory for each point of a wave if there are columns: the order of equal
/// points.
const ORDER_BYTES: u64 = 20;
/// The further bytes of memory for each value of a column: the value in both orders, and a value of
/// the wave before.
const VALUE_BYTES: u64 = 24;

/// The kind of the pyramids that are built.
#[derive(Clone, Copy, Debug)]
pub(super) struct PyramidKind {
    /// True if any point has a negative weight.
    pub(super) signed: bool,
    /// True if a counting index is built too: a second pyramid, over the points that have a weight,
    /// each with the weight 1.
    pub(super) counts: bool,
    /// The number of columns beside the points.
    pub(super) columns: usize,
}

impl Limits {
    /// Returns the limits with which about `memory` bytes are used.
    pub(super) fn for_memory(memory: u64, kind: PyramidKind) -> Self {
        let threads = rayon::current_num_threads().max(1) as u64;
        let counted = if kind.counts { COUNTED_BYTES } else { 0 };
        let columns = match kind.columns as u64 {
            0 => 0,
            columns => ORDER_BYTES + VALUE_BYTES * columns,
        };
        let bytes = BYTES_A_POINT + counted + columns;
        let wave = (memory / bytes).min(threads * LARGEST_PART);
        let part = (wave / threads).clamp(LEAST_PART, LARGEST_PART);
        Self {
            part,
            wave: wave.max(part),
        }
    }
}

/// A plot, built or not, on its way to the file.
enum PendingPlot {
    /// A part: its points in order, their values as a list for each column, and the pyramids over
    /// the points.
    Part(Vec<Point>, Vec<Vec<u64>>, Box<Pair<Part>>),
    /// A quad with more points than a part may have. Its pyramid is built only while it is written.
    Crowd(Plot),
}

/// Two values of one kind: `own` for the pyramid over all points, and `counted` for the counting
/// index. `counted` is `None` if no counting index is built.
struct Pair<T> {
    own: T,
    counted: Option<T>,
}

/// Builds all parts and writes them to the sink. After each part, `progress` is called with the
/// number of points that are written so far.
pub(super) fn build_all<S: PackSink>(
    runs: &[&dyn SortedPoints],
    plots: &[Plot],
    kind: PyramidKind,
    limits: Limits,
    sink: &mut S,
    progress: &mut (dyn FnMut(u64) + Send),
) -> Result<(), BuildError<S::Error>> {
    let mut pyramids = Pair {
        own: PyramidOfParts::new(kind.signed),
        counted: kind.counts.then(|| PyramidOfParts::new(false)),
    };
    let mut built = Vec::new();
    // The parts of a wave are built while those before are written.
    for wave in waves(plots, limits).into_iter().chain([&[][..]]) {
        let (written, next) = rayon::join(
            || {
                for part in mem::take(&mut built) {
                    write(runs, part, kind, &mut pyramids, sink)?;
                    progress(pyramids.own.points());
                }
                Ok(())
            },
            || {
                let build = |plot: &Plot| build(runs, plot, kind, limits);
                wave.par_iter()
                    .map(build)
                    .collect::<Result<Vec<PendingPlot>, _>>()
            },
        );
        written?;
        built = next.map_err(|(number, error)| BuildError::Run(number, error))?;
    }
    let finished = pyramids.own.finish(&mut |node| sink.node(node));
    finished.map_err(BuildError::Sink)?;
    match pyramids.counted {
        Some(counted) => counted.finish(&mut |node| sink.counted_node(node)),
        None => Ok(()),
    }
    .map_err(BuildError::Sink)
}

/// Divides plots into waves: groups of plots whose parts are built at the same time.
fn waves(plots: &[Plot], limits: Limits) -> Vec<&[Plot]> {
    let mut waves = Vec::new();
    let (mut rest, mut number, mut points) = (plots, 0, 0);
    let most = rayon::current_num_threads().max(1);
    for plot in plots {
        // A crowd is not held in memory.
        let more = plot.points().min(limits.part);
        if number == most || (number > 0 && points + more > limits.wave) {
            let (wave, later) = rest.split_at(number);
            waves.push(wave);
            (rest, number, points) = (later, 0, 0);
        }
        number += 1;
        points += more;
    }
    waves.push(rest);
    waves
}

fn build(
    runs: &[&dyn SortedPoints],
    plot: &Plot,
    kind: PyramidKind,
    limits: Limits,
) -> Result<PendingPlot, RunError> {
    if plot.points() > limits.part {
        return Ok(PendingPlot::Crowd(plot.clone()));
    }
    let mut points = Vec::with_capacity(plot.points() as usize);
    let mut columns = vec![Vec::new(); kind.columns];
    let mut sources = 0;
    for (number, (run, range)) in runs.iter().zip(&plot.ranges).enumerate() {
        sources += usize::from(!range.is_empty());
        let read = run.read(range.clone(), &mut points);
        let read = read.and_then(|()| run.read_columns(range.clone(), &mut columns));
        read.map_err(|error| (number, error))?;
    }
    if kind.columns > 0 {
        let order = sorted_order(&points, &columns);
        points = in_order(&points, &order);
        for column in &mut columns {
            *column = in_order(column, &order);
        }
    } else if sources > 1 {
        // This sort finds the sorted stretches and merges them.
        points.sort_by(Point::z_order);
    }
    let part = |points: &[Point], signed| Part::new(plot.quad, points, signed);
    let counted = kind.counts.then(|| ones(&points));
    let pair = Pair {
        own: part(&points, kind.signed),
        counted: counted
            .filter(|ones| !ones.is_empty())
            .map(|ones| part(&ones, false)),
    };
    Ok(PendingPlot::Part(points, columns, Box::new(pair)))
}

fn write<S: PackSink>(
    runs: &[&dyn SortedPoints],
    built: PendingPlot,
    kind: PyramidKind,
    pyramids: &mut Pair<PyramidOfParts>,
    sink: &mut S,
) -> Result<(), BuildError<S::Error>> {
    let of_run = |(number, error): RunError| BuildError::Run(number, error);
    let part = match built {
        PendingPlot::Part(points, columns, part) => {
            sink.points(&points).map_err(BuildError::Sink)?;
            sink.columns(&columns).map_err(BuildError::Sink)?;
            *part
        }
        PendingPlot::Crowd(plot) => {
            let mut part = DeepPart::new(plot.quad, kind.signed);
            let mut counted: Option<DeepPart> = None;
            let mut merge = Merge::new(runs, &plot.ranges, kind.columns).map_err(of_run)?;
            let mut batch = Vec::with_capacity(BATCH);
            let mut columns = vec![Vec::new(); kind.columns];
            while merge.next_batch(&mut batch, &mut columns).map_err(of_run)? {
                part.push(&batch);
                let ones = if kind.counts {
                    ones(&batch)
                } else {
                    Vec::new()
                };
                if !ones.is_empty() {
                    let counted = counted.get_or_insert_with(|| DeepPart::new(plot.quad, false));
                    counted.push(&ones);
                }
                sink.points(&batch).map_err(BuildError::Sink)?;
                sink.columns(&columns).map_err(BuildError::Sink)?;
            }
            Pair {
                own: part.finish(),
                counted: counted.map(DeepPart::finish),
            }
        }
    };
    let pushed = pyramids.own.push(part.own, &mut |node| sink.node(node));
    pushed.map_err(BuildError::Sink)?;
    match (&mut pyramids.counted, part.counted) {
        (Some(pyramid), Some(part)) => pyramid.push(part, &mut |node| sink.counted_node(node)),
        _ => Ok(()),
    }
    .map_err(BuildError::Sink)
}

/// The number of points that a merge reads from a run at a time, and the number that it returns at
/// a time: a choice.
const BATCH: usize = 1 << 14;

/// The values of a point, one for each column.
type Row = Box<[u64]>;

/// A merge of stretches that together don't fit into memory. A stretch is the points of one quad in
/// one run.
struct Merge<'a> {
    stretches: Vec<RunStretch<'a>>,
    /// The next point of each stretch, as a number that sorts as points do; the point's values; and
    /// the index of the stretch in `stretches`.
    next: BinaryHeap<Reverse<(u128, Row, usize)>>,
}

/// A stretch, and how far it is merged: the points of one quad in one run.
struct RunStretch<'a> {
    run: &'a dyn SortedPoints,
    /// The number of the run, counted from 0.
    number: usize,
    /// The numbers in the run of the points that are still to be read.
    rest: Range<u64>,
    /// The points that were read and not yet merged. Their values are in `values`, column by
    /// column.
    buffer: std::vec::IntoIter<Point>,
    values: Vec<std::vec::IntoIter<u64>>,
}

impl<'a> Merge<'a> {
    fn new(
        runs: &'a [&'a dyn SortedPoints],
        ranges: &[Range<u64>],
        columns: usize,
    ) -> Result<Self, RunError> {
        let stretches = runs.iter().zip(ranges).enumerate();
        let stretches = stretches.map(|(number, (run, range))| RunStretch {
            run: *run,
            number,
            rest: range.clone(),
            buffer: Vec::new().into_iter(),
            values: vec![Vec::new().into_iter(); columns],
        });
        let mut merge = Self {
            stretches: stretches.collect(),
            next: BinaryHeap::new(),
        };
        for at in 0..merge.stretches.len() {
            merge.advance(at)?;
        }
        Ok(merge)
    }

    /// Reads the next point of the stretch with the index `at` in `stretches`, and puts it into
    /// `next`.
    fn advance(&mut self, at: usize) -> Result<(), RunError> {
        if let Some(stretch) = self.stretches.get_mut(at)
            && let Some((point, row)) = stretch.next()?
        {
            self.next.push(Reverse((point.z_number(), row, at)));
        }
        Ok(())
    }

    /// Replaces the points in `batch` by the next points in order, and the lists in `columns`, one
    /// for each column, by the values of these points. Returns false if no points were left.
    fn next_batch(
        &mut self,
        batch: &mut Vec<Point>,
        columns: &mut [Vec<u64>],
    ) -> Result<bool, RunError> {
        batch.clear();
        columns.iter_mut().for_each(Vec::clear);
        while batch.len() < BATCH
            && let Some(Reverse((number, row, at))) = self.next.pop()
        {
            batch.push(Point::from_z_number(number));
            for (column, value) in columns.iter_mut().zip(row) {
                column.push(value);
            }
            self.advance(at)?;
        }
        Ok(!batch.is_empty())
    }
}

impl RunStretch<'_> {
    fn next(&mut self) -> Result<Option<(Point, Row)>, RunError> {
        if self.buffer.len() == 0 {
            self.fill()?;
        }
        let row = self.values.iter_mut().map(|v| v.next().unwrap_or(0));
        let row = row.collect();
        Ok(self.buffer.next().map(|point| (point, row)))
    }

    fn fill(&mut self) -> Result<(), RunError> {
        let now = self.rest.start..self.rest.end.min(self.rest.start + BATCH as u64);
        self.rest.start = now.end;
        let (mut points, mut values) = (Vec::new(), vec![Vec::new(); self.values.len()]);
        let read = self.run.read(now.clone(), &mut points);
        let read = read.and_then(|()| self.run.read_columns(now, &mut values));
        read.map_err(|error| (self.number, error))?;
        self.buffer = points.into_iter();
        self.values = values.into_iter().map(Vec::into_iter).collect();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pack::cut;
    use crate::pack::run::{self, Run};
    use heatsplat_points::Quad;
    use proptest::prelude::*;
    use std::convert::Infallible;
    use std::fs;
    use std::path::PathBuf;
    use std::sync::atomic::{AtomicU32, Ordering};

    /// The quad of a node, its borders, the quarters that have nodes, and its cells with their
    /// counts.
    type StoredNode = (Quad, [u64; 5], [bool; 4], Vec<(u128, u32)>);

    /// A sink that stores everything in a form that can be compared bit by bit.
    #[derive(Debug, Default, PartialEq)]
    struct Stored {
        points: Vec<u128>,
        nodes: Vec<StoredNode>,
        counted: Vec<StoredNode>,
    }

    impl PackSink for Stored {
        type Error = Infallible;

        fn points(&mut self, points: &[Point]) -> Result<(), Infallible> {
            self.points.extend(points.iter().map(Point::z_number));
            Ok(())
        }

        fn columns(&mut self, _: &[Vec<u64>]) -> Result<(), Infallible> {
            Ok(())
        }

        fn counted_node(&mut self, node: PartNode<'_>) -> Result<(), Infallible> {
            let cells = node.cells.iter().map(Point::z_number);
            let cells = cells.zip(node.counts.iter().copied()).collect();
            let nodes = &mut self.counted;
            nodes.push((node.quad, node.borders, node.quarters, cells));
            Ok(())
        }

        fn node(&mut self, node: PartNode<'_>) -> Result<(), Infallible> {
            let cells = node.cells.iter().map(Point::z_number);
            let cells = cells.zip(node.counts.iter().copied()).collect();
            let nodes = &mut self.nodes;
            nodes.push((node.quad, node.borders, node.quarters, cells));
            Ok(())
        }
    }

    /// The folder that is removed at the end of a test.
    struct Folder(PathBuf);

    impl Folder {
        fn new() -> Self {
            static NUMBER: AtomicU32 = AtomicU32::new(0);
            let number = NUMBER.fetch_add(1, Ordering::Relaxed);
            let name = format!("heatsplat-build-{}-{number}", std::process::id());
            let folder = std::env::temp_dir().join(name);
            fs::create_dir_all(&folder).unwrap();
            Self(folder)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    /// Everything that is built of points in runs of at most `run` points and parts of at most
    /// `part` points.
    fn built(points: &[Point], run: usize, part: u64) -> Stored {
        let folder = Folder::new();
        let runs: Vec<Run> = points
            .chunks(run)
            .enumerate()
            .map(|(number, points)| {
                let mut sorted = points.to_vec();
                sorted.sort_by(Point::z_order);
                let path = folder.0.join(number.to_string());
                run::write(&path, &sorted).unwrap();
                Run::open(&path).unwrap()
            })
            .collect();
        let runs: Vec<&dyn SortedPoints> = runs.iter().map(|run| run as _).collect();
        let signed = points.iter().any(|p| p.weight < 0.0);
        let plots = cut::cut(&runs, part).unwrap();
        assert_eq!(
            plots.iter().map(Plot::points).sum::<u64>(),
            points.len() as u64
        );
        let few = plots
            .iter()
            .all(|p| p.points() <= part || p.quad.depth == DeepPart::DEPTH);
        assert!(few);
        let limits = Limits {
            part,
            wave: part.saturating_mul(3),
        };
        let (mut stored, mut last) = (Stored::default(), 0);
        let mut progress = |points| {
            assert!(points > last);
            last = points;
        };
        let kind = PyramidKind {
            signed,
            counts: true,
            columns: 0,
        };
        build_all(&runs, &plots, kind, limits, &mut stored, &mut progress).unwrap();
        assert_eq!(last, points.len() as u64);
        stored
    }

    fn clustered(seed: u64, number: usize, signed: bool) -> Vec<Point> {
        let mut state = seed;
        let mut random = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 33) as u32
        };
        let at = |_| {
            let (city, spread) = (random() % 5, random() % 31);
            Point {
                x: (city * 700_000_000).wrapping_add(random() >> spread),
                y: (city * 500_000_000).wrapping_add(random() >> spread),
                weight: match random() % 1000 {
                    0..300 if seed.is_multiple_of(3) => -0.0,
                    weight => weight as f32 / 100.0 - if signed { 3.0 } else { 0.0 },
                },
            }
        };
        (0..number).map(at).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]
        #[test]
        fn neither_runs_nor_parts_change_anything(
            seed: u64, number in 0usize..30_000, signed: bool, run in 500usize..9000, part in 20u64..5000,
        ) {
            let points = clustered(seed, number, signed);
            let whole = built(&points, usize::MAX, u64::MAX);
            let mut sorted = points.clone();
            sorted.sort_by(Point::z_order);
            prop_assert!(whole.points.iter().copied().eq(sorted.iter().map(Point::z_number)));
            let mut shuffled = points;
            shuffled.reverse();
            // The counts are the pyramid over the points that have a weight, each weighing 1.
            let counted = built(&crate::counts_writer::ones(&shuffled), usize::MAX, u64::MAX);
            prop_assert_eq!(&whole.counted, &counted.nodes);
            prop_assert_eq!(built(&shuffled, run, part), whole);
        }
    }

    #[test]
    fn more_points_at_one_place_than_in_a_part() {
        let mut points = clustered(7, 20_000, false);
        let place = points[0];
        let weight = |i: u32| (i.wrapping_mul(2_654_435_761) >> 20) as f32;
        points.extend((0..90_000).map(|i| Point {
            weight: weight(i),
            ..place
        }));
        points.extend((0..3_000).map(|i| Point {
            x: place.x ^ 1,
            weight: weight(i),
            ..place
        }));
        let whole = built(&points, usize::MAX, u64::MAX);
        assert_eq!(built(&points, 10_000, 1000), whole);
        assert!(
            whole
                .nodes
                .iter()
                .any(|node| node.0.depth == DeepPart::DEPTH)
        );
    }

    #[test]
    fn a_wave_has_as_many_points_as_memory_allows() {
        let threads = rayon::current_num_threads() as u64;
        for memory in [0, 1 << 20, 64 << 20, 1 << 30, 1 << 40] {
            let kind = PyramidKind {
                signed: false,
                counts: false,
                columns: 0,
            };
            let limits = Limits::for_memory(memory, kind);
            assert!(
                (LEAST_PART..=LARGEST_PART).contains(&limits.part),
                "{limits:?}"
            );
            assert!(limits.wave <= threads * LARGEST_PART, "{limits:?}");
            let least = memory >= threads * LEAST_PART * BYTES_A_POINT;
            assert!(
                !least || limits.wave * BYTES_A_POINT <= memory,
                "{limits:?}"
            );
        }
    }
}
