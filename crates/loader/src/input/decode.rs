//! Detection of a text's encoding. The whole text is decoded to UTF-8 while it is read, or each
//! value is decoded later.
//!
//! * The whole text is decoded if an option names its encoding, if it is UTF-16, or if it is XML
//!   (GPX, KML, TCX), whose declaration may name its encoding. UTF-16 is recognised by its
//!   byte-order mark or by the zeros between letters.
//! * Any other text is treated as UTF-8. A value that isn't UTF-8 is then read as windows-1252,
//!   which contains ISO-8859-1. So UTF-8 needs no conversion, and no text in another encoding is
//!   dropped.

use super::Input;
use super::detect::by_content;
use super::transcode::Recoding;
use crate::encoding::Encoding;
use crate::error::LoadError;
use crate::messages::shown;
use crate::parameter::Parameter;
use encoding_rs::{UTF_16BE, UTF_16LE};

/// The largest number of byte pairs that are examined to recognise UTF-16 without a byte-order
/// mark. It is a choice.
const PAIRS: usize = 256;
/// The smallest number of byte pairs that are needed to recognise UTF-16 without a byte-order mark.
/// It is a choice.
const FEWEST: usize = 4;

/// The largest size of an XML declaration in bytes. It is a choice.
const DECLARATION: usize = 1024;

impl Input {
    /// Converts the input's text to UTF-8, if the option `asked` names an encoding or if the bytes
    /// show one. Binary content stays unchanged, and so does text that is treated as UTF-8.
    ///
    /// # Errors
    /// [`LoadError::BadOption`] if an XML declaration names an encoding that is not known.
    pub(crate) fn into_utf8(self, asked: Option<Encoding>) -> Result<Self, LoadError> {
        let format = by_content(&self.sample);
        if format.is_some_and(|format| !format.is_xml()) {
            return Ok(self);
        }
        if let Some(encoding) = asked {
            return self.recoded(Recoding::By(encoding.decoder().new_decoder()));
        }
        if let Some(encoding) = utf_16(&self.sample) {
            return self.recoded(Recoding::By(encoding.new_decoder()));
        }
        if format.is_none() {
            return Ok(self);
        }
        let Some(name) = declared(&self.sample) else {
            return self.recoded(Recoding::mixed());
        };
        let Ok(encoding) = name.parse::<Encoding>() else {
            return Err(LoadError::BadOption {
                file: self.origin.file(),
                parameter: Parameter::Encoding,
                message: format!(
                    "its first line says that it is in {}, which is not known; name what it is in",
                    shown(name.as_bytes())
                ),
            });
        };
        let encoding = encoding.decoder();
        // Text in UTF-16 was converted above. So a declaration of UTF-16 is wrong if it can be read
        // here.
        if [encoding_rs::UTF_8, UTF_16LE, UTF_16BE].contains(&encoding) {
            self.recoded(Recoding::mixed())
        } else {
            self.recoded(Recoding::By(encoding.new_decoder()))
        }
    }
}

/// Recognises UTF-16 by its byte-order mark, or by a zero in most of the first byte pairs, since
/// texts mostly begin with ASCII characters. Returns UTF-16 with its order of bytes; `None` for
/// other text.
fn utf_16(sample: &[u8]) -> Option<&'static encoding_rs::Encoding> {
    match sample {
        // This is the byte-order mark of UTF-32.
        [0xff, 0xfe, 0, 0, ..] => return None,
        [0xff, 0xfe, ..] => return Some(UTF_16LE),
        [0xfe, 0xff, ..] => return Some(UTF_16BE),
        _ => (),
    }
    let (pairs, _) = sample.as_chunks::<2>();
    let pairs = pairs
        .get(..pairs.len().min(PAIRS))
        .filter(|all| all.len() >= FEWEST)?;
    let text = |byte: u8| byte.is_ascii_graphic() || byte.is_ascii_whitespace();
    let zeros = |at: usize| pairs.iter().filter(|pair| pair.get(at) == Some(&0)).count();
    let (even, odd) = (zeros(0), zeros(1));
    match *pairs.first()? {
        [first, 0] if text(first) && even == 0 && odd * 2 > pairs.len() => Some(UTF_16LE),
        [0, first] if text(first) && odd == 0 && even * 2 > pairs.len() => Some(UTF_16BE),
        _ => None,
    }
}

/// The encoding that an XML declaration names; `None` if there is no declaration or if it names
/// none.
fn declared(sample: &[u8]) -> Option<String> {
    let text = sample.trim_ascii_start().strip_prefix(b"<?xml")?;
    let text = text.get(..text.len().min(DECLARATION))?;
    let end = memchr::memmem::find(text, b"?>")?;
    let text = std::str::from_utf8(text.get(..end)?).ok()?;
    let (_, value) = text.split_once("encoding")?;
    let value = value.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let name = value.get(1..)?.split(quote).next()?;
    Some(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Cursor, Read};

    fn read(bytes: &[u8], asked: Option<&str>) -> String {
        let input = Input::new(Cursor::new(bytes.to_vec()), "a.txt", None).unwrap();
        let asked = asked.map(|name| name.parse().unwrap());
        let mut input = input.into_utf8(asked).unwrap();
        let mut all = input.sample;
        input.rest.read_to_end(&mut all).unwrap();
        String::from_utf8(all).unwrap()
    }

    fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    }

    #[test]
    fn utf16_is_known_by_its_mark_or_its_zeros() {
        let text = "lon,lat,ort\n1,2,Köln 日本 🗾\n".repeat(20_000);
        for bytes in [u16::to_le_bytes as fn(u16) -> [u8; 2], u16::to_be_bytes] {
            assert_eq!(read(&utf16(&text, bytes), None), text);
            assert_eq!(read(&utf16(&format!("\u{feff}{text}"), bytes), None), text);
        }
        assert_eq!(read(text.as_bytes(), None), text);
        assert_eq!(utf_16(b"a\0b"), None);
        assert_eq!(utf_16(b"\xff\xfe\0\0a\0\0\0"), None);
    }

    #[test]
    fn encodings_by_the_names_that_people_give_them() {
        for name in [
            "latin1",
            "Latin-1",
            "ISO-8859-1",
            "iso8859_1",
            "cp1252",
            "ANSI",
        ] {
            assert_eq!(
                name.parse::<Encoding>().unwrap().to_string(),
                "windows-1252"
            );
        }
        assert_eq!(read(b"K\xf6ln \x80", Some("latin1")), "Köln €");
        assert_eq!(read(b"\x93\xfa\x96\x7b", Some("Shift_JIS")), "日本");
        assert_eq!(read(&utf16("ö", u16::to_be_bytes), Some("UTF16BE")), "ö");
        assert!("klingon".parse::<Encoding>().is_err());
    }

    #[test]
    fn declarations_of_xml() {
        assert_eq!(
            declared(b" <?xml version='1.0' encoding = 'x' ?>").as_deref(),
            Some("x")
        );
        assert_eq!(declared(b"<?xml version=\"1.0\"?><a encoding='x'/>"), None);
        assert_eq!(declared(b"<gpx>"), None);
    }
}
