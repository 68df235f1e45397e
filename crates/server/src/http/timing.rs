//! The time that a request spent on its picture, for `Server-Timing` and `/metrics`.

use heatsplat_render::Timings;
use std::fmt;
use std::time::Duration;

/// The time that one picture took.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RequestTiming {
    /// The time of waiting in the render queue.
    pub(crate) queued: Duration,
    /// The time of each stage of rendering.
    pub(crate) stages: Timings,
}

/// Writes the value of a `Server-Timing` header: names of stages and milliseconds.
impl fmt::Display for RequestTiming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "queue;dur={:.3}", self.queued.as_secs_f64() * 1e3)?;
        for (stage, took) in self.stages.iter() {
            write!(f, ", {};dur={:.3}", stage.name(), took.as_secs_f64() * 1e3)?;
        }
        Ok(())
    }
}
