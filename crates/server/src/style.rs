//! The styles of requests, prepared for drawing.

use crate::http::etag::Fingerprint;
use heatsplat_render::Style;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// A style that is prepared for drawing: a layer's own style, with the changes that a request asks
/// for.
#[derive(Debug)]
pub(crate) struct ResolvedStyle {
    pub(crate) style: Style,
    /// All parameters of the style as text. Two styles with the same text draw the same.
    pub(crate) text: Arc<str>,
    /// A hash of the style's text, for ETags and cache keys.
    pub(crate) fingerprint: Fingerprint,
    /// True if the style's overlap, kernel or radius differs from the layer's own style. Then the
    /// cost of a request is estimated.
    pub(crate) has_other_splats: bool,
    /// The estimated time in nanoseconds to measure the statistics of the style's scale, for each
    /// level. Levels are added when they are first needed.
    pub(crate) scale_costs: Mutex<BTreeMap<u8, f64>>,
}

/// The size in bytes of a style's colours: two tables of 256 RGBA colours, one as the style states
/// them and one as they are drawn.
const COLORS: usize = 2 * 256 * 4;

impl ResolvedStyle {
    /// The estimated size in bytes of the memory that the style takes outside of this struct: its
    /// text, the parsed values of its parameters, and its colours.
    pub(crate) fn heap_bytes(&self) -> usize {
        3 * self.text.len() + COLORS
    }

    pub(crate) fn new(style: Style, has_other_splats: bool) -> Self {
        let text = style.to_string();
        let fingerprint = Fingerprint::new().text(&text);
        Self {
            style,
            text: text.into(),
            fingerprint,
            has_other_splats,
            scale_costs: Mutex::default(),
        }
    }
}
