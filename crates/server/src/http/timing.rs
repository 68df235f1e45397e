//! The time that drawing a request's picture took, for the header `Server-Timing` and for
//! `/metrics`.

use heatsplat_render::Timings;
use std::fmt;
use std::time::Duration;

/// The time that one picture took: in the queue, and in each stage of rendering.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RequestTiming {
    /// The time that the request waited in the render queue.
    pub(crate) queued: Duration,
    /// The time of drawing, divided by the number of turns of the render queue that the picture
    /// held at the same time.
    pub(crate) turn: Duration,
    /// The time of each stage of rendering, for example of convolving.
    pub(crate) stages: Timings,
}

/// Formats the value of a `Server-Timing` header: the name of each stage, and its time in
/// milliseconds, like `queue;dur=0.125`.
impl fmt::Display for RequestTiming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "queue;dur={:.3}", self.queued.as_secs_f64() * 1e3)?;
        for (stage, took) in self.stages.iter() {
            write!(f, ", {};dur={:.3}", stage.name(), took.as_secs_f64() * 1e3)?;
        }
        Ok(())
    }
}
