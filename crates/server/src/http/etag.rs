//! Entity tags that are known before anything is drawn, and what follows from them.

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use heatsplat_points::Points;

/// 64 bits that follow from everything an answer is made of.
///
/// A tag is only ever compared with older tags of the same address, so 64 bits are plenty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Fingerprint(u64);

impl Fingerprint {
    /// The beginning: the version of the program, since another may draw differently.
    pub(crate) fn new() -> Self {
        Self(0x9e37_79b9_7f4a_7c15).text(env!("CARGO_PKG_VERSION"))
    }

    pub(crate) fn number(self, number: u64) -> Self {
        // The two halves of a long product: each bit of the input reaches all of the output.
        let product = u128::from(self.0 ^ number) * 0xa076_1d64_78bd_642f;
        Self((product as u64) ^ ((product >> 64) as u64) ^ 0xe703_7ed1_a0b4_28db)
    }

    pub(crate) fn text(self, text: &str) -> Self {
        self.bytes(text.as_bytes())
    }

    /// Bytes: for layers whose data change without a word, those that were drawn.
    pub(crate) fn bytes(self, bytes: &[u8]) -> Self {
        // Seven bytes and a mark, then the length: different texts are different numbers.
        let part = |bytes: &[u8]| bytes.iter().fold(1u64, |word, &b| word << 8 | u64::from(b));
        let words = bytes.chunks(7).map(part);
        words.fold(self, Self::number).number(bytes.len() as u64)
    }

    /// All points, so that any change of the data is another tag, in a restarted server too.
    pub(crate) fn points(self, points: &Points) -> Self {
        let add = |hash: Self, p: &heatsplat_points::Point| {
            let at = u64::from(p.x) << 32 | u64::from(p.y);
            hash.number(at).number(u64::from(p.weight.to_bits()))
        };
        points
            .as_slice()
            .iter()
            .fold(self, add)
            .number(points.as_slice().len() as u64)
    }

    pub(crate) fn then(self, other: Self) -> Self {
        self.number(other.0)
    }
}

/// The validator of an answer, and how long the answer may be kept.
#[derive(Clone, Debug)]
pub(crate) struct Caching {
    etag: HeaderValue,
    control: HeaderValue,
}

impl Caching {
    pub(crate) fn new(fingerprint: Fingerprint, control: &HeaderValue) -> Self {
        let etag = HeaderValue::try_from(format!("\"{:016x}\"", fingerprint.0));
        Self {
            etag: etag.unwrap_or(HeaderValue::from_static("\"\"")),
            control: control.clone(),
        }
    }

    /// "You have it already", if the client does.
    pub(crate) fn not_modified(&self, request: &HeaderMap) -> Option<Response> {
        if !self.is_known_to(request) {
            return None;
        }
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        Some(self.label(response))
    }

    /// Adds the headers.
    pub(crate) fn label(&self, mut response: Response) -> Response {
        let headers = response.headers_mut();
        headers.insert(ETAG, self.etag.clone());
        headers.insert(CACHE_CONTROL, self.control.clone());
        response
    }

    /// `If-None-Match`: a list of tags, weak ones as good as strong ones, or `*`.
    fn is_known_to(&self, request: &HeaderMap) -> bool {
        let Ok(ours) = self.etag.to_str() else {
            return false;
        };
        request
            .get_all(IF_NONE_MATCH)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .any(|list| {
                let mut tags = list.split(',').map(str::trim);
                tags.any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == ours)
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_stars_and_weak_tags_match() {
        let control = HeaderValue::from_static("no-cache");
        let caching = Caching::new(Fingerprint::new().number(1), &control);
        let ours = caching.etag.to_str().unwrap().to_owned();
        let known = |list: &str| {
            let mut request = HeaderMap::new();
            request.insert(IF_NONE_MATCH, list.parse().unwrap());
            caching.not_modified(&request).is_some()
        };
        assert!(known(&ours) && known(&format!("W/{ours}")) && known("*"));
        assert!(known(&format!("\"x\" , {ours},\"y\"")));
        assert!(!known("\"x\"") && !known(ours.trim_matches('"')) && !known(""));
        assert!(caching.not_modified(&HeaderMap::new()).is_none());
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
