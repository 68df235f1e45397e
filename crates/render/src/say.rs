//! Messages on standard error.

use std::fmt::Arguments;
use std::io::{self, Write as _};

/// Writes a line to standard error; the macro [`say!`](crate::say!) calls it.
pub fn say(line: Arguments<'_>) {
    let line = format!("{line}\n");
    // A closed pipe on standard error must not end the program.
    let _ = io::stderr().lock().write_all(line.as_bytes());
}

/// Writes a line to standard error, as `eprintln!` does. Unlike `eprintln!` it does not panic if
/// the line can't be written, for example into a closed pipe.
#[macro_export]
macro_rules! say {
    ($($words:tt)*) => {
        $crate::say(::std::format_args!($($words)*))
    };
}
