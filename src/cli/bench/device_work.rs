//! The work of a device between two moments, from the counters of its backend.

use heatsplat::Backend;
use std::collections::BTreeMap;

/// The prefix of the names of the counters that count pictures which the CPU drew in place of a
/// device. The rest of the name is the reason.
const FAILED: &str = "failed_";

/// The values of a backend's counters, under the counters' names: at one moment, or their increase
/// between two moments. Empty for a backend without counters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct CounterValues(pub(super) BTreeMap<&'static str, u64>);

/// The work of a device during a measurement.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct DeviceWork {
    /// The number of pictures that the backend was asked for during the measurement.
    pub(super) pictures: u64,
    counted: CounterValues,
}

impl CounterValues {
    pub(super) fn of(backend: &dyn Backend) -> Self {
        Self(backend.counters().into_iter().collect())
    }

    /// The increase of each counter since `before`, an earlier reading of the same counters.
    pub(super) fn since(&self, before: &Self) -> Self {
        let grown = |(name, n): (&&'static str, &u64)| {
            let from = before.0.get(name).copied().unwrap_or(0);
            (*name, n.saturating_sub(from))
        };
        Self(self.0.iter().map(grown).collect())
    }

    fn get(&self, name: &str) -> u64 {
        self.0.get(name).copied().unwrap_or(0)
    }

    /// The number of pictures that the CPU drew instead of a device, by reason.
    pub(super) fn fallbacks(&self) -> BTreeMap<&'static str, u64> {
        let failed = self.0.iter().filter_map(|(name, n)| {
            let reason = name.strip_prefix(FAILED)?;
            (*n > 0).then_some((reason, *n))
        });
        failed.collect()
    }
}

impl DeviceWork {
    /// Makes the work for `pictures` pictures from `counted`, the increase of the backend's
    /// counters while they were drawn. `None` for a backend without a device.
    pub(super) fn new(counted: CounterValues, pictures: usize) -> Option<Self> {
        (!counted.0.is_empty()).then_some(Self {
            pictures: pictures as u64,
            counted,
        })
    }

    /// The number of blocks of pictures that the device drew: a tile is one block, a large picture
    /// has several.
    pub(super) fn drawn(&self) -> u64 {
        self.counted.get("drawn")
    }

    /// The mean number of blocks of pictures that the device draws in one batch. A tile is one
    /// block.
    pub(super) fn batch(&self) -> f64 {
        self.drawn() as f64 / self.counted.get("batches").max(1) as f64
    }

    /// The mean number of submissions to the GPU for each picture.
    pub(super) fn submissions(&self) -> f64 {
        self.each("submissions")
    }

    /// The mean number of bytes that are sent to the device for a picture.
    pub(super) fn sent_bytes(&self) -> f64 {
        self.each("staged_bytes")
    }

    /// The mean CPU time, in microseconds, that the thread that owns the device takes for a
    /// picture.
    pub(super) fn worker_us(&self) -> f64 {
        self.each("worker_ns") / 1e3
    }

    /// The mean CPU time, in microseconds, that a thread takes to ask for a picture and to receive
    /// it. Encoding is not part of it.
    pub(super) fn asker_us(&self) -> f64 {
        self.each("caller_ns") / 1e3
    }

    fn each(&self, name: &str) -> f64 {
        self.counted.get(name) as f64 / self.pictures.max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_the_difference_of_counters() {
        let counters = |drawn, batches, ns, lost| {
            let all = [
                ("drawn", drawn),
                ("batches", batches),
                ("worker_ns", ns),
                ("failed_lost", lost),
                ("failed_beyond", 5),
            ];
            CounterValues(all.into())
        };
        let before = counters(10, 1, 1000, 0);
        let grown = counters(50, 3, 81_000, 2).since(&before);
        assert_eq!(grown.fallbacks(), [("lost", 2)].into());
        let work = DeviceWork::new(grown, 40).unwrap();
        assert_eq!(
            (work.drawn(), work.batch(), work.worker_us()),
            (40, 20.0, 2.0)
        );
        assert_eq!(DeviceWork::new(CounterValues::default(), 40), None);
    }
}
