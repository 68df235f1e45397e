//! The bands of a GeoTIFF: the number that means "no value", and the scale and offset of values, as
//! GDAL writes them.

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};
use tiff::tags::Tag;

/// The tag of GDAL's metadata, an XML document.
pub(super) const GDAL_METADATA: Tag = Tag::Unknown(42112);

/// The scale and the offset of a band, which turn a stored number into a value: number · scale +
/// offset.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Band {
    scale: f64,
    offset: f64,
}

impl Band {
    /// The value of a pixel: the number `stored` after scale and offset. NaN if `stored` equals
    /// `no_value`, the number that means "no value". If `no_value` is `None`, every number is a
    /// value.
    pub(super) fn value(self, stored: f64, no_value: Option<f64>) -> f64 {
        match no_value {
            Some(none) if none == stored => f64::NAN,
            _ => stored * self.scale + self.offset,
        }
    }
}

/// The scales and offsets of the `count` bands of a file. `metadata` is GDAL's XML; a band that it
/// doesn't mention has scale 1 and offset 0.
pub(super) fn bands(count: usize, metadata: Option<&str>) -> Vec<Band> {
    let plain = Band {
        scale: 1.0,
        offset: 0.0,
    };
    let mut bands = vec![plain; count];
    let mut reader = Reader::from_str(metadata.unwrap_or_default());
    let mut item = None;
    loop {
        match reader.read_event() {
            Ok(Event::Start(start)) => item = role(&start),
            Ok(Event::Text(text)) => {
                let number = text.trim().parse::<f64>().ok();
                let number = number.filter(|number| number.is_finite());
                if let (Some((band, role)), Some(number)) = (item.take(), number) {
                    match (bands.get_mut(band), role) {
                        (Some(band), Role::Scale) => band.scale = number,
                        (Some(band), Role::Offset) => band.offset = number,
                        (None, _) => (),
                    }
                }
            }
            // Damaged metadata end here, and what was read counts.
            Ok(Event::Eof) | Err(_) => return bands,
            Ok(_) => (),
        }
    }
}

enum Role {
    Scale,
    Offset,
}

/// The index of the band and the role (scale or offset) that an item such as `<Item name="SCALE"
/// sample="0" role="scale">` states; `None` if it states another role.
fn role(item: &BytesStart<'_>) -> Option<(usize, Role)> {
    let text = |name: &str| {
        let found = item.try_get_attribute(name).ok().flatten()?;
        let text = found.normalized_value(XmlVersion::Implicit1_0).ok()?;
        Some(text.into_owned())
    };
    let role = match text("role")?.as_str() {
        "scale" => Role::Scale,
        "offset" => Role::Offset,
        _ => return None,
    };
    Some((text("sample")?.parse().ok()?, role))
}

/// The precision of a file's stored numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StoredNumber {
    /// Floating-point numbers of 16 bits.
    Half,
    /// Floating-point numbers of 32 bits.
    Single,
    /// Numbers of any other type. An f64 holds these numbers, and the number for "no value",
    /// without rounding.
    Other,
}

/// Parses `text`, in which the file states the number that means "no value". The result is rounded
/// to the precision of the file's stored numbers, so that it can be compared with them. `None` if
/// `text` is no number.
pub(super) fn no_value(text: &str, stored: StoredNumber) -> Option<f64> {
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\0');
    let number: f64 = text.parse().ok()?;
    Some(match stored {
        StoredNumber::Half => f64::from(half::f16::from_f64(number)),
        StoredNumber::Single => f64::from(number as f32),
        StoredNumber::Other => number,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_and_missing_values() {
        let xml = "<GDALMetadata>\n<Item name=\"a\">7</Item>\n\
                   <Item name=\"OFFSET\" sample=\"1\" role=\"offset\">-5</Item>\n\
                   <Item name=\"SCALE\" sample=\"1\" role=\"scale\">0.5</Item>\n\
                   <Item name=\"SCALE\" sample=\"9\" role=\"scale\">3</Item>\n</GDALMetadata>\n\0";
        let [first, second] = bands(2, Some(xml))[..] else {
            panic!("two bands");
        };
        assert_eq!(first.value(8.0, None), 8.0);
        assert_eq!(second.value(8.0, None), -1.0);
        assert!(second.value(8.0, Some(8.0)).is_nan());
        assert_eq!(bands(1, Some("<a><b"))[0], first);
        assert_eq!(no_value("-9999 \0", StoredNumber::Other), Some(-9999.0));
        assert_eq!(
            no_value("0.1", StoredNumber::Single),
            Some(f64::from(0.1_f32))
        );
        // The spacing of half-precision numbers is 8 there.
        assert_eq!(no_value("-9999", StoredNumber::Half), Some(-10_000.0));
        assert!(no_value("nan", StoredNumber::Half).is_some_and(f64::is_nan));
        assert_eq!(no_value("none", StoredNumber::Other), None);
    }
}
