//! ETags, which are computed before anything is drawn, and conditional requests, which are answered
//! by 304 if the client's ETag is still current.

use axum::http::header::IF_NONE_MATCH;
use axum::http::{HeaderMap, HeaderValue};
use heatsplat_points::Points;

/// A 64-bit hash of everything that an answer depends on. ETags are made of it.
///
/// A client compares an ETag only with earlier ETags of the same URL, so 64 bits suffice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Fingerprint(u64);

impl Fingerprint {
    /// Starts a hash with the version of the program, since another version may draw differently.
    pub(crate) fn new() -> Self {
        Self(0x9e37_79b9_7f4a_7c15).text(env!("CARGO_PKG_VERSION"))
    }

    /// Mixes a number into the hash.
    pub(crate) fn number(self, number: u64) -> Self {
        // The two halves of a 128-bit product are folded into one number, so that each bit of the
        // input reaches all bits of the output.
        let product = u128::from(self.0 ^ number) * 0xa076_1d64_78bd_642f;
        Self((product as u64) ^ ((product >> 64) as u64) ^ 0xe703_7ed1_a0b4_28db)
    }

    /// Mixes a text into the hash.
    pub(crate) fn text(self, text: &str) -> Self {
        self.bytes(text.as_bytes())
    }

    /// Mixes bytes into the hash. For a live layer these are the whole body of the answer.
    pub(crate) fn bytes(self, bytes: &[u8]) -> Self {
        // The bytes are split into words. Each word has a marker bit and at most seven bytes, and
        // the length follows the last word, so that different texts have different words.
        let part = |bytes: &[u8]| bytes.iter().fold(1u64, |word, &b| word << 8 | u64::from(b));
        let words = bytes.chunks(7).map(part);
        words.fold(self, Self::number).number(bytes.len() as u64)
    }

    /// Mixes all points into the hash, so that any change of the data gives another ETag, even if
    /// the server was restarted in between. For points that stay in a file it is a digest of their
    /// content that is in the file.
    pub(crate) fn points(self, points: &Points) -> Self {
        let all = match points.paged() {
            Some(index) => return self.bytes(&index.content_identity()),
            None => points.as_slice().unwrap_or_default(),
        };
        let add = |hash: Self, p: &heatsplat_points::Point| {
            let at = u64::from(p.x) << 32 | u64::from(p.y);
            hash.number(at).number(u64::from(p.weight.to_bits()))
        };
        all.iter().fold(self, add).number(all.len() as u64)
    }

    /// Mixes another fingerprint into the hash.
    pub(crate) fn then(self, other: Self) -> Self {
        self.number(other.0)
    }
}

/// The values of the headers `ETag` and `Cache-Control` of an answer, and of the header that states
/// its window of time.
#[derive(Clone, Debug)]
pub(crate) struct CacheHeaders {
    pub(crate) etag: HeaderValue,
    pub(crate) control: HeaderValue,
    /// The window of time that the answer shows; `None` if it shows all times.
    pub(crate) window: Option<HeaderValue>,
}

impl CacheHeaders {
    pub(crate) fn new(fingerprint: Fingerprint, control: &HeaderValue) -> Self {
        let etag = HeaderValue::try_from(format!("\"{:016x}\"", fingerprint.0));
        Self {
            etag: etag.unwrap_or(HeaderValue::from_static("\"\"")),
            control: control.clone(),
            window: None,
        }
    }

    /// Adds the window of time that the answer shows; `None` if it shows all times.
    pub(crate) fn in_window(mut self, window: Option<HeaderValue>) -> Self {
        self.window = window;
        self
    }

    /// Returns true if the request's header `If-None-Match` has this ETag, so that the client's
    /// copy of the answer is current.
    pub(crate) fn matches(&self, request: &HeaderMap) -> bool {
        self.etag
            .to_str()
            .is_ok_and(|etag| if_none_match(request, etag))
    }
}

/// Returns true if the header `If-None-Match` lists `etag`, or is `*`. A weak ETag (`W/"…"`) counts
/// as equal to the strong one with the same text.
pub(crate) fn if_none_match(request: &HeaderMap, etag: &str) -> bool {
    let values = request.get_all(IF_NONE_MATCH).iter();
    let mut lists = values.filter_map(|value| value.to_str().ok());
    lists.any(|list| {
        let mut tags = list.split(',').map(str::trim);
        tags.any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_stars_and_weak_tags_match() {
        let control = HeaderValue::from_static("no-cache");
        let headers = CacheHeaders::new(Fingerprint::new().number(1), &control);
        let ours = headers.etag.to_str().unwrap().to_owned();
        let known = |list: &str| {
            let mut request = HeaderMap::new();
            request.insert(IF_NONE_MATCH, list.parse().unwrap());
            headers.matches(&request)
        };
        assert!(known(&ours) && known(&format!("W/{ours}")) && known("*"));
        assert!(known(&format!("\"x\" , {ours},\"y\"")));
        assert!(!known("\"x\"") && !known(ours.trim_matches('"')) && !known(""));
        assert!(!headers.matches(&HeaderMap::new()));
    }

    #[test]
    fn every_part_changes_the_fingerprint() {
        let base = Fingerprint::new();
        let all = [
            base,
            base.number(0),
            base.number(1),
            base.number(0).number(0),
            base.text("\0"),
            base.text("a"),
            base.text("abcdefg"),
            base.text("abcdefg").text(""),
            base.text("abcdefgh"),
        ];
        for (i, a) in all.iter().enumerate() {
            assert!(all.iter().skip(i + 1).all(|b| a != b), "{i}");
        }
        let points = |lon| Points::from_lon_lat([(lon, 1.0, 1.0), (5.0, 2.0, 2.0)]).unwrap();
        assert_ne!(base.points(&points(3.0)), base.points(&points(3.000_001)));
        assert_eq!(base.points(&points(3.0)), base.points(&points(3.0)));
    }
}
