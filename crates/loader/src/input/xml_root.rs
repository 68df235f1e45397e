//! The root element of an XML document, which decides its format.

/// The name of a document's root element, without its namespace: `kml` for `<k:kml …>`. `None` for
/// text that is no XML. `sample` is the beginning of the document.
pub(crate) fn xml_root(sample: &[u8]) -> Option<&str> {
    let mut text = sample.trim_ascii_start();
    loop {
        let rest = text.strip_prefix(b"<")?;
        let end: &[u8] = match rest {
            [b'!', b'-', b'-', ..] => b"-->",
            [b'?', ..] => b"?>",
            [b'!', ..] => b">",
            _ => {
                let is_end = |b: &u8| b.is_ascii_whitespace() || matches!(b, b'>' | b'/' | b'<');
                let end = rest.iter().position(is_end).unwrap_or(rest.len());
                let name = std::str::from_utf8(rest.get(..end)?).ok()?;
                let local = name.rsplit_once(':').map_or(name, |(_, local)| local);
                return Some(local).filter(|name| !name.is_empty());
            }
        };
        let at = memchr::memmem::find(rest, end)?;
        text = rest.get(at + end.len()..)?.trim_ascii_start();
    }
}

#[cfg(test)]
mod tests {
    use super::xml_root;

    #[test]
    fn roots_of_documents() {
        for (text, name) in [
            ("<gpx", Some("gpx")),
            (
                "<?xml version='1.0'?>\n<!-- <gpx> -->\n<k:kml a='b'>",
                Some("kml"),
            ),
            ("<!DOCTYPE html>\n<html>", Some("html")),
            ("<a/>", Some("a")),
            ("<?xml ", None),
            ("lon,lat", None),
            ("<", None),
        ] {
            assert_eq!(xml_root(text.as_bytes()), name, "{text}");
        }
    }
}
