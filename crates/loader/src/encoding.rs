//! Encodings of text, and decoding of values whose encoding is not known.

use crate::parameter::ParseOptionError;
use encoding_rs::WINDOWS_1252;
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

/// An encoding of text. It is parsed from one of its names on the web: `utf-8`, `latin1`,
/// `windows-1252`, `utf-16`, `shift_jis`, `gbk` and others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encoding(&'static encoding_rs::Encoding);

impl FromStr for Encoding {
    type Err = ParseOptionError;

    fn from_str(name: &str) -> Result<Self, ParseOptionError> {
        let plain: String = name
            .chars()
            .filter(|c| !matches!(c, '-' | '_' | ' '))
            .flat_map(char::to_lowercase)
            .collect();
        let usual = match plain.as_str() {
            "utf16" | "utf16le" => "utf-16le",
            "utf16be" => "utf-16be",
            "iso88591" | "latin1" | "ansi" => "windows-1252",
            other => other,
        };
        let found = [name.trim(), usual]
            .into_iter()
            .find_map(|name| encoding_rs::Encoding::for_label_no_replacement(name.as_bytes()));
        found.map(Self).ok_or_else(|| {
            ParseOptionError::new(format!(
                "unknown encoding \"{name}\"; expected utf-8, windows-1252, utf-16 or the like"
            ))
        })
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name())
    }
}

/// Decodes a value as UTF-8 or, if its bytes are not UTF-8, as windows-1252.
pub(crate) fn decoded(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => WINDOWS_1252.decode_without_bom_handling(bytes).0,
    }
}

/// Returns true if a sample is UTF-8. `whole` is true if the sample is the whole text; otherwise
/// the sample may end inside a character.
pub(crate) fn may_be_utf8(sample: &[u8], whole: bool) -> bool {
    match std::str::from_utf8(sample) {
        Ok(_) => true,
        Err(error) => !whole && error.error_len().is_none(),
    }
}

impl Encoding {
    /// The encoding as the type of the library `encoding_rs`, which decodes text.
    pub(crate) fn decoder(self) -> &'static encoding_rs::Encoding {
        self.0
    }
}
