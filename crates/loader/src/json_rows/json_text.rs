//! The texts of a JSON document that is followed byte by byte: brackets and commas inside them have
//! no meaning.

/// The position of a reader relative to the texts of a JSON document.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct JsonText {
    is_open: bool,
    is_escaped: bool,
}

impl JsonText {
    /// Begins a text, whose opening quote was read.
    pub(super) fn open(&mut self) {
        self.is_open = true;
    }

    /// Returns whether the next byte belongs to a text that was begun before. Its closing quote
    /// does.
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
