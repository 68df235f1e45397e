//! The command-line program, which draws heat maps from files of points and serves them.

mod cli;

use std::process::ExitCode;

/// Runs the command that the command line names. Errors are printed on standard error. The exit
/// code is 0 after success, 1 after a failure, and 2 if the command line makes no sense.
fn main() -> ExitCode {
    let code = match cli::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => cli::report(&*error),
    };
    cli::flush_log();
    code
}
