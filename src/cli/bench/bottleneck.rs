//! The bottleneck: the part of the machine that is busiest while many pictures are drawn.

use super::measure::BenchTiming;
use crate::cli::backend::bench_device::BenchPass;
use heatsplat::render::Phase;

/// The share of the time, from 0 to 1, from which on a part of the machine counts as busy. If no
/// part is busy for so much of the time, the pictures wait for something else. A choice.
const BUSY: f64 = 0.6;

/// The shares of the time in which the parts of a machine are busy while many pictures are drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Loads {
    /// The share of the time, from 0 to 1, in which the processor's cores are busy on average.
    pub(super) cores: f64,
    /// The share of the time, from 0 to 1, in which the thread that owns the device is busy; `None`
    /// without a device.
    pub(super) worker: Option<f64>,
    /// The share of the time, from 0 to 1, in which the device is busy by its own clock; `None`
    /// without a device or without timestamps.
    pub(super) device: Option<f64>,
}

/// A part of the machine that limits the number of pictures a second.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Bottleneck {
    /// One word for the part, for the JSON report.
    pub(super) name: &'static str,
    /// A sentence about the part and its load, for the table.
    pub(super) text: String,
}

impl Loads {
    /// Computes the loads from one kind of measured pictures, on a machine of `cores` cores.
    /// `passes` has the times of the GPU's passes for a batch of `batch` tiles. These are other
    /// pictures than the measured ones, so the device's load is an estimate.
    pub(super) fn new(
        timing: &BenchTiming,
        cores: usize,
        passes: &[BenchPass],
        batch: usize,
    ) -> Self {
        let seconds = |ms: f64| ms / 1e3 * timing.rate;
        let worker = timing.together_work.as_ref();
        let device: Option<f64> = passes.iter().map(|pass| pass.device).sum();
        let device = device.filter(|all| *all > 0.0);
        Self {
            cores: seconds(timing.rate_cpu) / cores.max(1) as f64,
            worker: worker.map(|work| seconds(work.worker_us() / 1e3)),
            device: device.map(|all| all / batch.max(1) as f64 * timing.rate),
        }
    }

    /// The mean of each load over several kinds of pictures. Kinds without a value for a load don't
    /// count in its mean.
    pub(super) fn mean(all: &[Self]) -> Self {
        let mean = |of: fn(&Self) -> Option<f64>| {
            let known: Vec<f64> = all.iter().filter_map(of).collect();
            (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64)
        };
        Self {
            cores: mean(|load| Some(load.cores)).unwrap_or(0.0),
            worker: mean(|load| load.worker),
            device: mean(|load| load.device),
        }
    }

    /// Finds the busiest part of the machine. The text names more than the part:
    ///
    /// * for the processor, the one of the `stages` of drawing that takes the most time;
    /// * for the device, the slowest of its `passes`.
    ///
    /// If no part is busy enough ([`BUSY`]), the bottleneck is waiting. `is_software` is true if
    /// the device is a driver that draws on the processor.
    pub(super) fn bottleneck(
        &self,
        stages: &[(Phase, f64)],
        passes: &[BenchPass],
        is_software: bool,
    ) -> Bottleneck {
        let percent = |share: f64| (share * 100.0).round().min(100.0);
        let of = |name: &'static str, text: String| Bottleneck { name, text };
        let (worker, device) = (self.worker.unwrap_or(0.0), self.device.unwrap_or(0.0));
        let busiest = self.cores.max(worker).max(device);
        // Without a device of its own, a backend can only wait for the processor, which other
        // programs may use too.
        if busiest < BUSY && self.worker.is_some() && !is_software {
            let text = format!(
                "waiting: nothing is busy over {} % of the time; try more --threads",
                percent(busiest)
            );
            return of("waiting", text);
        }
        let stage = stages.iter().max_by(|a, b| a.1.total_cmp(&b.1));
        let stage = stage.map_or(String::new(), |(stage, _)| {
            format!(", most with {}", stage.name())
        });
        if worker >= BUSY && worker >= self.cores && worker >= device {
            let text = format!(
                "the thread that owns the device, {} % busy",
                percent(worker)
            );
            return of("worker", text);
        }
        if device >= self.cores && !is_software {
            let time = |pass: &BenchPass| pass.device.unwrap_or(0.0);
            let pass = passes.iter().max_by(|a, b| time(a).total_cmp(&time(b)));
            let pass = pass.map_or(String::new(), |pass| format!(", most with {}", pass.name));
            return of(
                "device",
                format!("the device, about {} % busy{pass}", percent(device)),
            );
        }
        let shared = match is_software {
            true => "; it is the device too",
            false => "",
        };
        let text = format!(
            "the processor, {} % busy{stage}{shared}",
            percent(self.cores)
        );
        of("processor", text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_busiest_part_is_named() {
        let pass = |name, device| BenchPass {
            name,
            wall: 1.0,
            device: Some(device),
        };
        let passes = [pass("across", 0.1), pass("refine", 0.7), pass("down", 0.2)];
        let stages = [(Phase::Draw, 0.2), (Phase::Encode, 0.9)];
        let name = |cores, worker, device, is_software| {
            let loads = Loads {
                cores,
                worker,
                device,
            };
            let found = loads.bottleneck(&stages, &passes, is_software);
            (found.name, found.text)
        };
        let (part, text) = name(0.3, Some(0.98), Some(0.2), false);
        assert!(part == "worker" && text.contains("98 %"), "{text}");
        let (part, text) = name(0.3, Some(0.5), Some(0.9), false);
        assert!(part == "device" && text.contains("refine"), "{text}");
        let (part, text) = name(0.97, Some(0.5), Some(0.9), false);
        assert!(part == "processor" && text.contains("encode"), "{text}");
        assert_eq!(name(0.8, Some(0.5), Some(0.9), true).0, "processor");
        assert_eq!(name(0.4, Some(0.5), None, false).0, "waiting");
        // Other programs use the processor.
        assert_eq!(name(0.3, Some(0.4), Some(0.5), true).0, "processor");
        assert_eq!(name(0.3, None, None, false).0, "processor");
        assert_eq!(name(0.9, None, None, false).0, "processor");
    }

    #[test]
    fn means_leave_out_what_is_unknown() {
        let load = |cores, worker| Loads {
            cores,
            worker,
            device: None,
        };
        let mean = Loads::mean(&[load(0.5, None), load(1.0, Some(0.25))]);
        assert_eq!(mean, load(0.75, Some(0.25)));
    }
}
