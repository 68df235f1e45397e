//! Log lines: events of the program and its libraries, on standard error, as text or JSON.
//!
//! A small subscriber for `tracing`. tracing-subscriber, with the crates that it brings, has neither
//! this text format nor a writer that drops lines. On a terminal lines are written at once. Anywhere
//! else a thread writes them: if no one reads, lines are dropped, and no work waits or ends.

use clap::{Args, ValueEnum};
use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt::{self, Debug, Write as _};
use std::io::{self, IsTerminal as _, Write as _};
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tracing_core::field::{Field, Visit};
use tracing_core::span::{Attributes, Current, Id, Record};
use tracing_core::{Dispatch, Event, Level, LevelFilter, Metadata, Subscriber, dispatcher};

/// The variable that sets the level where no flag does.
const VARIABLE: &str = "HEATSPLAT_LOG";

/// The most lines that wait for the writer; more are dropped.
const MAX_WAITING: usize = 1024;

/// The longest that the end of the program waits for the last lines.
const FLUSH_TIMEOUT: Duration = Duration::from_millis(500);

/// The number of separately locked parts of the table of spans.
const SHARDS: u64 = 16;

/// The flags of log lines, which every command has.
#[derive(Args, Clone, Debug)]
pub(super) struct LogFlags {
    /// How log lines on standard error are written: as text, or each as an object of JSON
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "FORMAT",
        default_value = "text",
        hide_possible_values = true,
        help_heading = "Log"
    )]
    log_format: Format,
    /// Which log lines are written: off, error, warn, info, debug or trace; of one part too, like
    /// info,heatsplat_server=debug [default: HEATSPLAT_LOG, or info]
    #[arg(long, global = true, value_name = "LEVEL", help_heading = "Log")]
    log_level: Option<Filter>,
}

/// The format of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

/// The least severe level that is written, by target.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Filter {
    /// The level of heatsplat's crates. Other crates log only if they are named.
    default: LevelFilter,
    targets: Vec<(String, LevelFilter)>,
}

impl FromStr for Filter {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str = "expected off, error, warn, info, debug or trace, \
                                or parts like heatsplat_server=debug";
        let level = |text: &str| {
            let is_word = !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphabetic());
            text.parse().ok().filter(|_| is_word).ok_or(EXPECTED)
        };
        let mut filter = Self {
            default: LevelFilter::INFO,
            targets: Vec::new(),
        };
        for part in text.split(',').map(str::trim) {
            match part.split_once('=') {
                Some((target, text)) => {
                    let target = target.trim().to_owned();
                    filter.targets.push((target, level(text.trim())?));
                }
                None => filter.default = level(part)?,
            }
        }
        Ok(filter)
    }
}

impl Filter {
    fn level(&self, target: &str) -> LevelFilter {
        let named = self.targets.iter().rev();
        let mut named = named.filter(|(name, _)| target.starts_with(name.as_str()));
        match named.next() {
            Some((_, level)) => *level,
            None if target.starts_with("heatsplat") => self.default,
            None => LevelFilter::OFF,
        }
    }

    fn most(&self) -> LevelFilter {
        let levels = self.targets.iter().map(|(_, level)| *level);
        levels.fold(self.default, LevelFilter::max)
    }
}

/// The sink of the whole program, once it is set up.
static SINK: OnceLock<(Format, Sink)> = OnceLock::new();

/// Installs the subscriber. Must be called once, before anything is logged.
pub(super) fn init(flags: &LogFlags) {
    let given = std::env::var(VARIABLE).ok().filter(|text| !text.is_empty());
    let from_variable = given.map(|text| text.parse::<Filter>());
    let (filter, wrong) = match (&flags.log_level, from_variable) {
        (Some(filter), _) => (Ok(filter.clone()), None),
        (None, None) => ("info".parse(), None),
        (None, Some(Ok(filter))) => (Ok(filter), None),
        (None, Some(Err(expected))) => ("info".parse(), Some(expected)),
    };
    let Ok(filter) = filter else { return };
    let format = flags.log_format;
    let _ = SINK.set((format, Sink::new()));
    let logger = Logger {
        filter,
        format,
        spans: Default::default(),
        next: AtomicU64::new(1),
    };
    let _ = dispatcher::set_global_default(Dispatch::new(logger));
    if format == Format::Json {
        std::panic::set_hook(Box::new(|panic| tracing::error!("{panic}")));
    }
    if let Some(expected) = wrong {
        tracing::warn!("{VARIABLE}: {expected}");
    }
}

/// Writes a line for the person at the terminal. One that begins with `heatsplat: ` is a warning.
macro_rules! say {
    ($($words:tt)*) => {
        $crate::cli::logging::log_line(::std::format_args!($($words)*))
    };
}
pub(crate) use say;

/// Logs a line; see `say!`.
pub(crate) fn log_line(line: fmt::Arguments<'_>) {
    let line = line.to_string();
    match line.strip_prefix("heatsplat: ") {
        Some(warning) => tracing::warn!(target: "heatsplat", "{warning}"),
        None => tracing::info!(target: "heatsplat", "{line}"),
    }
}

/// Logs the error that ends the program, with its causes, whatever the level is.
pub(super) fn report(error: &str, causes: &[String]) {
    let Some((format, sink)) = SINK.get() else {
        return;
    };
    match format {
        Format::Text => {
            sink.write(format!("error: {error}\n"));
            for cause in causes {
                sink.write(format!("  because: {cause}\n"));
            }
        }
        Format::Json => {
            let causes = format!(",\"causes\":{}", serde_json::Value::from(causes));
            sink.write(json_line("error", "heatsplat", error, &causes, ""));
        }
    }
}

/// Waits for the last lines to be written, but not long.
pub(crate) fn flush() {
    if let Some((_, sink)) = SINK.get() {
        sink.flush();
    }
}

/// Standard error, directly or through the thread that writes to it.
enum Sink {
    Terminal,
    Thread(SyncSender<Message>),
}

enum Message {
    Line(String),
    Flush(SyncSender<()>),
}

impl Sink {
    fn new() -> Self {
        if io::stderr().is_terminal() {
            return Self::Terminal;
        }
        let (sender, receiver) = sync_channel(MAX_WAITING);
        let writer = thread::Builder::new().name("log".to_owned());
        match writer.spawn(move || write_all(&receiver)) {
            Ok(_) => Self::Thread(sender),
            Err(_) => Self::Terminal,
        }
    }

    fn write(&self, line: String) {
        match self {
            Self::Terminal => write_to_stderr(&line),
            // A full channel drops the line: its reader is gone or stuck.
            Self::Thread(sender) => _ = sender.try_send(Message::Line(line)),
        }
    }

    fn flush(&self) {
        let Self::Thread(sender) = self else { return };
        let since = Instant::now();
        let (done, written) = sync_channel(1);
        while sender.try_send(Message::Flush(done.clone())).is_err() {
            if since.elapsed() >= FLUSH_TIMEOUT {
                return;
            }
            thread::sleep(Duration::from_millis(5));
        }
        let _ = written.recv_timeout(FLUSH_TIMEOUT.saturating_sub(since.elapsed()));
    }
}

fn write_all(lines: &Receiver<Message>) {
    for message in lines {
        match message {
            Message::Line(line) => write_to_stderr(&line),
            Message::Flush(done) => _ = done.try_send(()),
        }
    }
}

/// Writes to standard error, which may be closed.
fn write_to_stderr(line: &str) {
    let _ = io::stderr().lock().write_all(line.as_bytes());
}

/// The subscriber: formats events, with the fields of the spans that they are in.
struct Logger {
    filter: Filter,
    format: Format,
    spans: [Mutex<HashMap<u64, Span>>; SHARDS as usize],
    next: AtomicU64,
}

/// An open span.
struct Span {
    metadata: &'static Metadata<'static>,
    /// Its formatted fields, after those of the spans around it.
    text: String,
    begun: Instant,
    references: usize,
}

thread_local! {
    /// The spans that this thread is in, the innermost last.
    static ENTERED: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

impl Logger {
    fn shard(&self, id: u64) -> MutexGuard<'_, HashMap<u64, Span>> {
        let [first, ..] = &self.spans;
        let shard = self.spans.get((id % SHARDS) as usize).unwrap_or(first);
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The text of an explicit parent or, if contextual, of the innermost span of this thread.
    fn context(&self, parent: Option<&Id>, is_contextual: bool) -> String {
        let innermost = || ENTERED.with_borrow(|entered| entered.last().copied());
        let id = match parent {
            Some(id) => Some(id.into_u64()),
            None if is_contextual => innermost(),
            None => None,
        };
        let text = id.and_then(|id| self.shard(id).get(&id).map(|span| span.text.clone()));
        text.unwrap_or_default()
    }

    fn line(&self, event: &Event<'_>) -> String {
        let metadata = event.metadata();
        let mut fields = Fields::new(self.format);
        event.record(&mut fields);
        let (level, target) = (*metadata.level(), metadata.target());
        let context = || self.context(event.parent(), event.is_contextual());
        let Fields { message, rest, .. } = &fields;
        if self.format == Format::Json {
            let level = level.as_str().to_ascii_lowercase();
            return json_line(&level, target, message, rest, &context());
        }
        match level {
            Level::INFO => format!("{message}{rest}\n"),
            Level::ERROR | Level::WARN => format!("heatsplat: {message}{rest}\n"),
            _ => format!("{target}: {}{message}{rest}\n", context()),
        }
    }
}

impl Logger {
    /// The line of a span that ends: its time.
    fn closed_line(&self, span: &Span) -> String {
        let took = span.begun.elapsed().as_secs_f64() * 1e3;
        let (metadata, spans) = (span.metadata, &span.text);
        let target = metadata.target();
        match self.format {
            Format::Text => format!("{target}: {spans}{took:.3} ms\n"),
            Format::Json => {
                let level = metadata.level().as_str().to_ascii_lowercase();
                json_line(
                    &level,
                    target,
                    "closed",
                    &format!(",\"ms\":{took:.3}"),
                    spans,
                )
            }
        }
    }
}

/// A line of JSON; `rest` has more fields, each after a comma.
fn json_line(level: &str, target: &str, message: &str, rest: &str, spans: &str) -> String {
    let time = Utc(SystemTime::now());
    let (target, message) = (json(target), json(message));
    format!(
        "{{\"time\":\"{time}\",\"level\":\"{level}\",\"target\":{target},\
         \"message\":{message}{rest},\"spans\":[{spans}]}}\n"
    )
}

impl Subscriber for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= self.filter.level(metadata.target())
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.filter.most())
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let metadata = attributes.metadata();
        let mut fields = Fields::new(self.format);
        attributes.record(&mut fields);
        let mut text = self.context(attributes.parent(), attributes.is_contextual());
        let (name, rest) = (metadata.name(), &fields.rest);
        // Writing to a string can't fail.
        let _ = match self.format {
            Format::Text => write!(text, "{name}{{{}}}: ", rest.trim_start()),
            Format::Json => {
                let comma = if text.is_empty() { "" } else { "," };
                write!(text, "{comma}{{\"name\":\"{name}\"{rest}}}")
            }
        };
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let span = Span {
            metadata,
            text,
            begun: Instant::now(),
            references: 1,
        };
        self.shard(id).insert(id, span);
        Id::from_u64(id)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        if let Some((_, sink)) = SINK.get() {
            sink.write(self.line(event));
        }
    }

    fn enter(&self, id: &Id) {
        ENTERED.with_borrow_mut(|entered| entered.push(id.into_u64()));
    }

    fn exit(&self, id: &Id) {
        ENTERED.with_borrow_mut(|entered| {
            if let Some(at) = entered.iter().rposition(|open| *open == id.into_u64()) {
                entered.remove(at);
            }
        });
    }

    fn clone_span(&self, id: &Id) -> Id {
        if let Some(span) = self.shard(id.into_u64()).get_mut(&id.into_u64()) {
            span.references += 1;
        }
        id.clone()
    }

    fn try_close(&self, id: Id) -> bool {
        let mut spans = self.shard(id.into_u64());
        let Some(span) = spans.get_mut(&id.into_u64()) else {
            return false;
        };
        span.references -= 1;
        if span.references > 0 {
            return false;
        }
        let closed = spans.remove(&id.into_u64());
        drop(spans);
        let is_detail = |span: &Span| *span.metadata.level() >= Level::DEBUG;
        if let (Some(span), Some((_, sink))) = (closed.filter(is_detail), SINK.get()) {
            sink.write(self.closed_line(&span));
        }
        true
    }

    fn current_span(&self) -> Current {
        let innermost = ENTERED.with_borrow(|entered| entered.last().copied());
        let known = innermost.and_then(|id| {
            let metadata = self.shard(id).get(&id)?.metadata;
            Some(Current::new(Id::from_u64(id), metadata))
        });
        known.unwrap_or_else(Current::none)
    }
}

/// The fields of an event or span as text.
struct Fields {
    format: Format,
    message: String,
    rest: String,
}

impl Fields {
    fn new(format: Format) -> Self {
        Self {
            format,
            message: String::new(),
            rest: String::new(),
        }
    }

    fn add(&mut self, field: &Field, value: impl fmt::Display) {
        let name = field.name();
        // Writing to a string can't fail.
        let _ = match self.format {
            Format::Text => write!(self.rest, " {name}={value}"),
            Format::Json => write!(self.rest, ",\"{name}\":{value}"),
        };
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            let _ = write!(self.message, "{value:?}");
        } else {
            self.record_str(field, &format!("{value:?}"));
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match self.format {
            _ if field.name() == "message" => self.message.push_str(value),
            Format::Text => self.add(field, value),
            Format::Json => self.add(field, json(value)),
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        // JSON has no NaN and no infinities.
        self.add(field, serde_json::Value::from(value));
    }
}

/// A text as a JSON string.
fn json(text: &str) -> serde_json::Value {
    serde_json::Value::from(text)
}

/// A time as RFC 3339 has it: UTC, to the millisecond.
struct Utc(SystemTime);

impl fmt::Display for Utc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let since = self.0.duration_since(UNIX_EPOCH).unwrap_or_default();
        let (days, second) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
        // Howard Hinnant's `civil_from_days`: years begin in March, eras have 400 of them.
        let day = days + 719_468;
        let (era, of_era) = (day / 146_097, day % 146_097);
        let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year + year / 4 - year / 100);
        let month = (5 * of_year + 2) / 153;
        let day = of_year - (153 * month + 2) / 5 + 1;
        let month = if month < 10 { month + 3 } else { month - 9 };
        let year = year + 400 * era + u64::from(month <= 2);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        let millisecond = since.subsec_millis();
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millisecond:03}Z"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logger(format: Format, filter: &str) -> Logger {
        Logger {
            filter: filter.parse().unwrap(),
            format,
            spans: Default::default(),
            next: AtomicU64::new(1),
        }
    }

    #[test]
    fn a_filter_has_a_level_and_parts() {
        let filter: Filter = "warn,heatsplat_server=debug, hyper = trace"
            .parse()
            .unwrap();
        for (target, level) in [
            ("heatsplat", LevelFilter::WARN),
            ("heatsplat_loader::csv", LevelFilter::WARN),
            ("heatsplat_server::listen", LevelFilter::DEBUG),
            ("hyper::proto", LevelFilter::TRACE),
            ("wgpu", LevelFilter::OFF),
        ] {
            assert_eq!(filter.level(target), level, "{target}");
        }
        assert_eq!(filter.most(), LevelFilter::TRACE);
        for wrong in ["", "loud", "a=", "warn,,", "3"] {
            assert!(wrong.parse::<Filter>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn times_are_those_of_the_calendar() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400, "2000-02-29T00:00:00.000Z"),
            (1_735_689_599, "2024-12-31T23:59:59.000Z"),
            (4_107_542_400, "2100-03-01T00:00:00.000Z"),
        ] {
            let time = UNIX_EPOCH + Duration::from_secs(seconds);
            assert_eq!(Utc(time).to_string(), text);
        }
    }

    #[test]
    fn spans_are_kept_until_their_last_reference() {
        let logger = std::sync::Arc::new(logger(Format::Json, "trace"));
        let dispatch = Dispatch::new(std::sync::Arc::clone(&logger));
        dispatcher::with_default(&dispatch, || {
            let outer = tracing::error_span!("request", id = 7, path = "/a\"b");
            let inner = outer.in_scope(|| tracing::debug_span!("render", cost = 1.5));
            let text = inner.in_scope(|| logger.context(None, true));
            let spans: serde_json::Value = serde_json::from_str(&format!("[{text}]")).unwrap();
            let expected = serde_json::json!([
                {"name": "request", "id": 7, "path": "/a\"b"},
                {"name": "render", "cost": 1.5}
            ]);
            assert_eq!(spans, expected);
            let again = inner.clone();
            drop((outer, inner));
            let open = |logger: &Logger| -> usize {
                let shards = logger.spans.iter();
                shards.map(|shard| shard.lock().unwrap().len()).sum()
            };
            assert_eq!(open(&logger), 1);
            drop(again);
            assert_eq!(open(&logger), 0);
        });
        assert_eq!(logger.context(None, true), "");
    }
}
