//! Time as a dimension of a layer: buckets of the calendar, windows of time, and the points in
//! them.
//!
//! A *bucket* is a step of the calendar, for example an hour or a day in a time zone. [`Buckets`]
//! divides the range of a layer's times into at most [`MOST_BUCKETS`] of them. A [`TimeQuery`] is a
//! window of time in the notation of ISO 8601, `2019-01/2019-06` or `P7D/latest`; resolved on
//! buckets it is a [`TimeWindow`]: some buckets in a row. A [`Timeline`] finds the points of a
//! window.
//!
//! All times are microseconds since 1970 in UTC, without leap seconds.
//!
//! ```
//! use heatsplat_time::{Buckets, TimeQuery, Zone};
//!
//! // The first and the last time of 2019, in microseconds since 1970.
//! let range = 1_546_300_800_000_000..=1_577_836_799_000_000;
//! let buckets = Buckets::new(range, None, &Zone::UTC)?;
//! assert_eq!(buckets.step().to_string(), "PT15M");
//!
//! let query: TimeQuery = "2019-06".parse()?;
//! let window = query.resolve(&buckets)?;
//! assert_eq!(window.to_string(), "2019-06-01T00:00:00Z/2019-07-01T00:00:00Z");
//! assert_eq!(window.span().len(), 30 * 24 * 4);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! This crate does no I/O, except that the rules of a named time zone are read from the system's
//! database.
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic
    )
)]

mod buckets;
mod chunks;
mod histogram;
mod instant;
mod length_class;
mod positions;
mod query;
mod step;
mod timeline;
mod window;
mod words;
mod zone;

pub use buckets::{Buckets, BucketsError, MOST_BUCKETS};
pub use histogram::TimeHistogram;
pub use instant::{instant_text, is_representable};
pub use length_class::LengthClass;
pub use query::{TimeQuery, TimeQueryError};
pub use step::{Step, StepError};
pub use timeline::{EXACT_BELOW, Timeline, TimelineError};
pub use window::{Span, TimeWindow};
pub use words::TimeWords;
pub use zone::{Zone, ZoneError};
