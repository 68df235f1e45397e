//! Words in which standards describe the times of a layer.

use crate::buckets::Buckets;
use crate::window::TimeWindow;

/// The dimension `time` of a layer, as WMS 1.3.0 and 1.1.1 (annexes C and D) list it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeWords {
    /// The range that is shown if a request names none: all times, as `start/end`.
    pub default: String,
    /// The windows that there are, as `start/end/step`.
    pub extent: String,
}

impl Buckets {
    /// The words of standards for these buckets.
    pub fn words(&self) -> TimeWords {
        let default = TimeWindow::from_span(self.all(), self).to_string();
        TimeWords {
            extent: format!("{default}/{}", self.step()),
            default,
        }
    }
}
