//! Time that a request spent on its picture, for `Server-Timing` and `/metrics`.

use heatsplat_render::Timings;
use std::fmt;
use std::time::Duration;

/// Time that one picture took.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RequestTiming {
    /// Waiting in the render queue.
    pub(crate) queued: Duration,
    /// Each stage of rendering.
    pub(crate) stages: Timings,
}

/// The value of a `Server-Timing` header: names and milliseconds.
impl fmt::Display for RequestTiming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "queue;dur={:.3}", self.queued.as_secs_f64() * 1e3)?;
        for (stage, took) in self.stages.iter() {
            write!(f, ", {};dur={:.3}", stage.name(), took.as_secs_f64() * 1e3)?;
        }
        Ok(())
    }
}
