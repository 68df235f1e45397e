//! The command-line program: heat maps from files of points, served or drawn.

mod cli;

use std::process::ExitCode;

/// Runs the command; errors go to standard error, and the exit code says whose turn it is:
/// 0 all is well, 1 something failed, 2 the command itself can't be.
fn main() -> ExitCode {
    match cli::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => cli::report(&*error),
    }
}
