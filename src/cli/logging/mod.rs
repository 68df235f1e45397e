//! Log lines: the events that the program and its libraries log are written to standard error, as
//! text or as JSON.
//!
//! The module is a small subscriber for `tracing`. The crate tracing-subscriber would bring further
//! crates, and it has neither this text format nor a writer that drops lines. On a terminal, a line
//! is written at once. Anywhere else a separate thread writes the lines. If their reader is stuck,
//! lines are dropped; the program neither waits for the reader nor ends.

mod filter;
mod sink;
mod subscriber;

use super::error::without_number;
use clap::{Args, ValueEnum};
use filter::LogFilter;
use sink::Sink;
use std::fmt;
use std::sync::OnceLock;
use subscriber::{Logger, json_line};
use tracing_core::{Dispatch, dispatcher};

/// The environment variable that sets the log level if no flag does.
const VARIABLE: &str = "HEATSPLAT_LOG";

/// The flags of log lines, which every command has.
#[derive(Args, Clone, Debug)]
pub(super) struct LogFlags {
    /// Format of log lines on standard error: text, or an object of JSON each
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "FORMAT",
        default_value = "text",
        hide_possible_values = true,
        help_heading = "Log"
    )]
    log_format: LogFormat,
    /// Level of the log lines that are written: off, error, warn, info, debug or trace; also for
    /// one part of the program alone, like info,heatsplat_server=debug [default: HEATSPLAT_LOG, or
    /// info]
    #[arg(long, global = true, value_name = "LEVEL", help_heading = "Log")]
    log_level: Option<LogFilter>,
}

/// The format of log lines: a sentence for people, or a JSON object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

/// The format and the sink of the program's log lines. [`init`] sets them.
static SINK: OnceLock<(LogFormat, Sink)> = OnceLock::new();

/// Sets the format, the sink and the subscriber. Must be called once, before anything is logged.
pub(super) fn init(flags: &LogFlags) {
    let given = std::env::var(VARIABLE).ok().filter(|text| !text.is_empty());
    let from_variable = given.map(|text| text.parse::<LogFilter>());
    let (filter, wrong) = match (&flags.log_level, from_variable) {
        (Some(filter), _) => (filter.clone(), None),
        (None, None) => (LogFilter::default(), None),
        (None, Some(Ok(filter))) => (filter, None),
        (None, Some(Err(expected))) => (LogFilter::default(), Some(expected)),
    };
    let format = flags.log_format;
    let _ = SINK.set((format, Sink::new()));
    let logger = Logger::new(filter, format);
    let _ = dispatcher::set_global_default(Dispatch::new(logger));
    if format == LogFormat::Json {
        std::panic::set_hook(Box::new(|panic| tracing::error!("{panic}")));
    }
    if let Some(expected) = wrong {
        tracing::warn!("{VARIABLE}: {expected}");
    }
}

/// Writes a line for the user at the terminal. A line that begins with `heatsplat: ` is logged as a
/// warning, any other line as information.
macro_rules! say {
    ($($words:tt)*) => {
        $crate::cli::logging::log_line(::std::format_args!($($words)*))
    };
}
pub(crate) use say;

/// Logs a line for the macro `say!`: as a warning if it begins with `heatsplat: `, otherwise as
/// information.
pub(crate) fn log_line(line: fmt::Arguments<'_>) {
    let line = without_number(&line.to_string());
    match line.strip_prefix("heatsplat: ") {
        Some(warning) => tracing::warn!(target: "heatsplat", "{warning}"),
        None => tracing::info!(target: "heatsplat", "{line}"),
    }
}

/// Writes the error that ends the program, with its causes. It is written at every log level.
pub(super) fn report(error: &str, causes: &[String]) {
    let Some((format, sink)) = SINK.get() else {
        return;
    };
    match format {
        LogFormat::Text => {
            sink.write(format!("error: {error}\n"));
            for cause in causes {
                sink.write(format!("  because: {cause}\n"));
            }
        }
        LogFormat::Json => {
            let causes = format!(",\"causes\":{}", serde_json::Value::from(causes));
            sink.write(json_line("error", "heatsplat", error, &causes, ""));
        }
    }
}

/// Waits until all lines are written, but no longer than half a second.
pub(crate) fn flush() {
    if let Some((_, sink)) = SINK.get() {
        sink.flush();
    }
}
