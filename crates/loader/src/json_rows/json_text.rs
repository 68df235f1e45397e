//! Strings in a JSON document that is read byte by byte: brackets and commas inside them have no
//! meaning.

/// The state of a reader that distinguishes strings from other JSON: outside of any string, inside
/// one, or after a backslash inside one.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct JsonText {
    is_open: bool,
    is_escaped: bool,
}

impl JsonText {
    /// Records that the reader is inside a string now, since its opening quote was just read.
    pub(super) fn open(&mut self) {
        self.is_open = true;
    }

    /// Returns true if the next byte of the text, `byte`, belongs to a string that is open, and
    /// notes what the byte changes. The closing quote belongs to the string and closes it.
    pub(super) fn holds(&mut self, byte: u8) -> bool {
        if !self.is_open {
            return false;
        }
        match byte {
            _ if self.is_escaped => self.is_escaped = false,
            b'\\' => self.is_escaped = true,
            b'"' => self.is_open = false,
            _ => (),
        }
        true
    }
}
