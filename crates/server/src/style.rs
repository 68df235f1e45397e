//! Styles of requests, prepared for drawing.

use crate::http::etag::Fingerprint;
use heatsplat_render::Style;
use std::collections::BTreeMap;
use std::sync::Mutex;

/// A layer's style with a request's changes. The colors of its ramp are mixed already.
#[derive(Debug)]
pub(crate) struct ResolvedStyle {
    pub(crate) style: Style,
    /// All parameters of the style as text.
    pub(crate) text: String,
    /// The hash of `text`.
    pub(crate) fingerprint: Fingerprint,
    /// True if the style's splats differ from those of the layer's own style.
    pub(crate) has_other_splats: bool,
    /// Estimated nanoseconds to measure the scale, by level.
    pub(crate) scale_costs: Mutex<BTreeMap<u8, f64>>,
}

impl ResolvedStyle {
    pub(crate) fn new(style: Style, has_other_splats: bool) -> Self {
        let text = style.to_string();
        let fingerprint = Fingerprint::new().text(&text);
        Self {
            style,
            text,
            fingerprint,
            has_other_splats,
            scale_costs: Mutex::default(),
        }
    }
}
