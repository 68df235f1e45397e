//! Messages on standard error.

use std::fmt::Arguments;
use std::io::{self, Write as _};

/// Writes a line to standard error; see [`say!`](crate::say!).
pub fn say(line: Arguments<'_>) {
    let line = format!("{line}\n");
    // A closed pipe is no reason to end.
    let _ = io::stderr().lock().write_all(line.as_bytes());
}

/// Writes a line to standard error, as `eprintln!` does, and goes on where that can't be done:
/// a closed pipe there ends no work.
#[macro_export]
macro_rules! say {
    ($($words:tt)*) => {
        $crate::say(::std::format_args!($($words)*))
    };
}
