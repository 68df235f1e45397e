//! The command-line program: heat maps from files of points, served or drawn.

mod cli;

use std::process::ExitCode;

/// Runs the command. Errors go to standard error. Exit codes: 0 success, 1 failure, 2 a command
/// line that makes no sense.
fn main() -> ExitCode {
    let code = match cli::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => cli::report(&*error),
    };
    cli::flush_log();
    code
}
