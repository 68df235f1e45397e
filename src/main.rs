//! The command-line program: draws heat maps from files of points, and serves them.

mod cli;

use std::process::ExitCode;

/// Runs the command. Errors go to standard error. The exit code is 0 after success, 1 after a
/// failure, and 2 for a command line that makes no sense.
fn main() -> ExitCode {
    let code = match cli::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => cli::report(&*error),
    };
    cli::flush_log();
    code
}
