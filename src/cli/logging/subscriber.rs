//! The subscriber of `tracing`. It formats events, and the spans in which they happen.

use super::filter::LogFilter;
use super::{LogFormat, SINK};
use jiff::Timestamp;
use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt::{self, Debug, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tracing_core::field::{Field, Visit};
use tracing_core::span::{Attributes, Current, Id, Record};
use tracing_core::{Event, Level, LevelFilter, Metadata, Subscriber};

/// The number of parts into which the table of open spans is split. Each part has its own lock, so
/// that threads seldom wait for each other.
const SHARDS: u64 = 16;

/// The program's subscriber of `tracing`. It writes an event as a line, with the fields of the
/// spans in which the event happens.
pub(super) struct Logger {
    filter: LogFilter,
    format: LogFormat,
    spans: [Mutex<HashMap<u64, OpenSpan>>; SHARDS as usize],
    next: AtomicU64,
}

/// A tracing span that has not been closed.
struct OpenSpan {
    metadata: &'static Metadata<'static>,
    /// The names and fields of the spans that enclose this span, from the outermost to this span
    /// itself, as log lines show them.
    text: String,
    begun: Instant,
    references: usize,
}

thread_local! {
    /// The ids of the spans that this thread has entered and not left, the innermost last.
    static ENTERED: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

impl Logger {
    pub(super) fn new(filter: LogFilter, format: LogFormat) -> Self {
        Self {
            filter,
            format,
            spans: Default::default(),
            next: AtomicU64::new(1),
        }
    }

    fn shard(&self, id: u64) -> MutexGuard<'_, HashMap<u64, OpenSpan>> {
        let [first, ..] = &self.spans;
        let shard = self.spans.get((id % SHARDS) as usize).unwrap_or(first);
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The text, in log lines, of the spans that enclose an event or a span. The innermost of them
    /// is `parent` if there is one. Without a `parent` it is the innermost span of this thread if
    /// `is_contextual` is true; otherwise the text is empty, since the event or span was made
    /// without a parent on purpose.
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
        let mut fields = FormattedFields::new(self.format);
        event.record(&mut fields);
        let (level, target) = (*metadata.level(), metadata.target());
        let context = || self.context(event.parent(), event.is_contextual());
        let FormattedFields { message, rest, .. } = &fields;
        if self.format == LogFormat::Json {
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
    /// The line that reports how long a span lasted. It is written when the span is closed.
    fn closed_line(&self, span: &OpenSpan) -> String {
        let took = span.begun.elapsed().as_secs_f64() * 1e3;
        let (metadata, spans) = (span.metadata, &span.text);
        let target = metadata.target();
        match self.format {
            LogFormat::Text => format!("{target}: {spans}{took:.3} ms\n"),
            LogFormat::Json => {
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

/// A log line as a JSON object. `rest` contains further members of the object as JSON text, each
/// after a comma. `spans` contains the objects of the enclosing spans, separated by commas.
pub(super) fn json_line(
    level: &str,
    target: &str,
    message: &str,
    rest: &str,
    spans: &str,
) -> String {
    let time = format!("{:.3}", Timestamp::now());
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
        let mut fields = FormattedFields::new(self.format);
        attributes.record(&mut fields);
        let mut text = self.context(attributes.parent(), attributes.is_contextual());
        let (name, rest) = (metadata.name(), &fields.rest);
        // Writing to a `String` can't fail.
        let _ = match self.format {
            LogFormat::Text => write!(text, "{name}{{{}}}: ", rest.trim_start()),
            LogFormat::Json => {
                let comma = if text.is_empty() { "" } else { "," };
                write!(text, "{comma}{{\"name\":\"{name}\"{rest}}}")
            }
        };
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let span = OpenSpan {
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
        let is_detail = |span: &OpenSpan| *span.metadata.level() >= Level::DEBUG;
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

/// The fields of an event or a span as text, in the format of the log: `message` has the field of
/// this name alone, and `rest` the names and values of all other fields, like ` z=4 layer=quakes`.
struct FormattedFields {
    format: LogFormat,
    message: String,
    rest: String,
}

impl FormattedFields {
    fn new(format: LogFormat) -> Self {
        Self {
            format,
            message: String::new(),
            rest: String::new(),
        }
    }

    fn add(&mut self, field: &Field, value: impl fmt::Display) {
        let name = field.name();
        // Writing to a `String` can't fail.
        let _ = match self.format {
            LogFormat::Text => write!(self.rest, " {name}={value}"),
            LogFormat::Json => write!(self.rest, ",\"{name}\":{value}"),
        };
    }
}

impl Visit for FormattedFields {
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
            LogFormat::Text => self.add(field, value),
            LogFormat::Json => self.add(field, json(value)),
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
        // JSON has neither NaN nor infinities: `Value` replaces them by null.
        self.add(field, serde_json::Value::from(value));
    }
}

/// The text as a JSON string, in quotes and escaped.
fn json(text: &str) -> serde_json::Value {
    serde_json::Value::from(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing_core::{Dispatch, dispatcher};

    #[test]
    fn spans_are_kept_until_their_last_reference() {
        let logger = std::sync::Arc::new(Logger::new("trace".parse().unwrap(), LogFormat::Json));
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
