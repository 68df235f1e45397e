//! An entry of the list of GPUs.

use serde_json::Value;

/// The entry of one GPU adapter in the list of backends, as text and as JSON.
pub(in crate::cli) struct AdapterListing {
    /// The adapter's place in the list, from 0.
    pub(in crate::cli) number: usize,
    pub(in crate::cli) name: String,
    /// True for a GPU; false for a driver that draws in software on the processor.
    pub(in crate::cli) real: bool,
    pub(super) text: String,
    pub(in crate::cli) json: Value,
}
