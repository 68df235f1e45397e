//! Errors of queries for windows of time. Their messages say which queries are legal.

use crate::step::Step;

/// The error for a text that is no window of time, or that is none on the buckets of a layer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` {why}")]
pub struct TimeQueryError {
    text: String,
    why: String,
}

/// The legal queries, in words.
const LEGAL: &str = "expected a date (2019, 2019-06, 2019-W23, 2019-06-01, 2019-06-01T10), an interval of \
                     two (2019-01/2019-06), one with a duration (2019-06-01/P7D, P1M/2019-06), an open \
                     one (2019-06/.., ../2019), or latest and P7D/latest, the end of the data";

impl TimeQueryError {
    fn new(text: &str, why: String) -> Self {
        let text = text.chars().take(60).collect();
        Self { text, why }
    }

    pub(super) fn unreadable(text: &str) -> Self {
        Self::new(text, format!("is no window of time: {LEGAL}"))
    }

    /// The error for a text that can't be parsed. It names the mistake if this is a known one, such
    /// as a list of windows.
    pub(super) fn from_text(text: &str) -> Self {
        let has_word = |word: &str| {
            let mut parts = text.split('/');
            parts.any(|part| part.trim().eq_ignore_ascii_case(word))
        };
        let why = if text.contains(',') {
            "is a list, and a picture has one window of time: ask for each alone".to_owned()
        } else if text.matches('/').count() > 1 {
            "has a period, and a picture has one window of time: ask for start/end alone".to_owned()
        } else if has_word("present") || has_word("now") {
            "names the present, which the data may not reach: write latest for the end of the data"
                .to_owned()
        } else if text.starts_with(['P', 'p']) && !text.contains('/') {
            format!("is a length without a place in time: write {text}/latest or 2019-06-01/{text}")
        } else {
            return Self::unreadable(text);
        };
        Self::new(text, why)
    }

    pub(super) fn reversed(text: &str) -> Self {
        let why = "ends before it begins, or when it begins: expected start/end";
        Self::new(text, why.to_owned())
    }

    pub(super) fn finer(text: &str, step: Step) -> Self {
        let why = format!("is shorter than a step of the layer's times, which is {step}");
        Self::new(text, why)
    }
}
