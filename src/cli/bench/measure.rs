//! Measures how long pictures take: drawn one after the other, and drawn by many threads at the
//! same time.

use super::device_work::{CounterValues, DeviceWork};
use super::picture::{BenchFormat, BenchPicture, draw};
use cpu_time::ProcessTime;
use heatsplat::Layer;
use heatsplat::render::{Phase, Timings};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// The measurements of one kind of pictures, like `4 dense`: the dense tiles of zoom 4.
pub(super) struct BenchTiming {
    pub(super) kind: String,
    /// The number of different pictures of this kind. They are drawn again and again in the same
    /// order.
    pub(super) pictures: usize,
    /// The number of drawings that were timed while no other picture was drawn. Each picture may
    /// have been drawn several times.
    pub(super) turns: usize,
    /// The milliseconds that a picture takes by the clock, while no other is drawn.
    pub(super) wall: Quartiles,
    /// The milliseconds of CPU time that a picture takes while no other is drawn.
    pub(super) cpu: Quartiles,
    /// The mean milliseconds that each stage of drawing takes for a picture, while no other is
    /// drawn. Stages that take no time are left out.
    pub(super) stages: Vec<(Phase, f64)>,
    /// The mean size in bytes of an encoded picture.
    pub(super) bytes: usize,
    /// The number of pictures a second that all threads draw together.
    pub(super) rate: f64,
    /// The mean milliseconds of CPU time that a picture takes while all threads draw.
    pub(super) rate_cpu: f64,
    /// The work of the device while all threads draw; `None` for the CPU.
    pub(super) together_work: Option<DeviceWork>,
    /// The number of pictures that the CPU drew instead of the device, by reason: of the pictures
    /// drawn one after the other and of those drawn by all threads.
    pub(super) fallbacks: BTreeMap<&'static str, u64>,
    /// False if the device drew none of the pictures. True for the CPU.
    pub(super) has_drawn: bool,
}

/// The lower quartile, the median and the upper quartile of measurements.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Quartiles {
    pub(super) low: f64,
    pub(super) median: f64,
    pub(super) high: f64,
}

impl Quartiles {
    fn from_values(mut all: Vec<f64>) -> Self {
        all.sort_by(f64::total_cmp);
        let at = |share: usize| all.get(all.len() * share / 4).copied().unwrap_or(0.0);
        Self {
            low: at(1),
            median: at(2),
            high: at(3),
        }
    }
}

impl BenchTiming {
    /// A note for the table of results on the pictures that the CPU drew instead of the device:
    /// their number by reason. `None` if there were none.
    pub(super) fn who_drew(&self) -> Option<String> {
        if self.fallbacks.is_empty() {
            return None;
        }
        let reasons = self.fallbacks.iter();
        let reasons: Vec<_> = reasons.map(|(why, n)| format!("{why} {n}")).collect();
        let who = match self.has_drawn {
            true => "partly drawn by the CPU",
            false => "DRAWN BY THE CPU",
        };
        Some(format!("{who}: {}", reasons.join(", ")))
    }
}

/// Measures the drawing of `pictures`. First they are drawn one after the other for the duration
/// `time`, then by `threads` threads at once for as long.
pub(super) fn pictures(
    layer: &Layer,
    (kind, pictures): (String, &[BenchPicture]),
    format: BenchFormat,
    time: Duration,
    threads: usize,
) -> BenchTiming {
    let draw = |turn: usize| {
        let picture = pictures.get(turn % pictures.len().max(1));
        let drawn = picture.and_then(|picture| draw(layer, picture, format).ok());
        drawn.unwrap_or(0)
    };
    let counters = || CounterValues::of(&**layer.backend());
    // A few are drawn before the measurement, since the first ones take longer: scales are
    // measured, shaders are compiled, and points are sent to the device.
    let warm = pictures.len().min(8);
    (0..warm).for_each(|turn| {
        draw(turn);
    });
    let before_all = counters();
    let (mut wall, mut cpu) = (Vec::new(), Vec::new());
    let mut spent = [0.0; Phase::ALL.len()];
    let mut bytes = 0;
    let start = Instant::now();
    while wall.is_empty() || start.elapsed() < time {
        let (before, begin) = (ProcessTime::now(), Instant::now());
        let (length, stages) = Timings::measure(|| draw(wall.len()));
        wall.push(begin.elapsed().as_secs_f64() * 1e3);
        cpu.push(before.elapsed().as_secs_f64() * 1e3);
        for (sum, (_, took)) in spent.iter_mut().zip(stages.all()) {
            *sum += took.as_secs_f64() * 1e3;
        }
        bytes += length;
    }
    let turns = wall.len();
    let before_together = counters();
    let Together {
        drawn,
        rate,
        cpu: rate_cpu,
    } = together(time, threads, draw);
    let (work, all) = {
        let now = counters();
        (now.since(&before_together), now.since(&before_all))
    };
    let each = Phase::ALL.into_iter().zip(spent);
    let all_work = DeviceWork::new(all.clone(), turns + drawn);
    BenchTiming {
        kind,
        pictures: pictures.len(),
        turns,
        wall: Quartiles::from_values(wall),
        cpu: Quartiles::from_values(cpu),
        stages: each
            .filter(|(_, sum)| *sum > 0.0)
            .map(|(stage, sum)| (stage, sum / turns as f64))
            .collect(),
        bytes: bytes / turns,
        rate,
        rate_cpu,
        together_work: DeviceWork::new(work, drawn),
        fallbacks: all.fallbacks(),
        has_drawn: all_work.is_none_or(|work| work.drawn() > 0),
    }
}

/// The measurements of pictures that several threads have drawn at the same time.
struct Together {
    drawn: usize,
    /// The number of pictures a second that all threads draw together.
    rate: f64,
    /// The mean CPU time of a picture in milliseconds.
    cpu: f64,
}

/// Lets `threads` threads call `draw` for the duration `time`. Each call draws one picture; its
/// argument is the number of calls before it.
fn together(time: Duration, threads: usize, draw: impl Fn(usize) -> usize + Sync) -> Together {
    let done = AtomicUsize::new(0);
    let (cpu, start) = (ProcessTime::now(), Instant::now());
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while start.elapsed() < time {
                    draw(done.fetch_add(1, Ordering::Relaxed));
                }
            });
        }
    });
    let (wall, cpu) = (start.elapsed().as_secs_f64(), cpu.elapsed().as_secs_f64());
    let drawn = done.into_inner();
    let done = drawn.max(1) as f64;
    Together {
        drawn,
        rate: done / wall,
        cpu: cpu * 1e3 / done,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spread_is_the_middle_half() {
        let spread = Quartiles::from_values((0..100).rev().map(f64::from).collect());
        assert_eq!((spread.low, spread.median, spread.high), (25.0, 50.0, 75.0));
        assert_eq!(Quartiles::from_values(vec![3.0]).median, 3.0);
    }
}
