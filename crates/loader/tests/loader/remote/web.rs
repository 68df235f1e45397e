//! A small web server for tests, which can behave as different servers do and logs its requests.

use std::collections::HashMap;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// The content at a path, and the behaviour of the server for it.
#[derive(Clone, Default)]
pub(crate) struct Item {
    pub(crate) bytes: Vec<u8>,
    /// The strong ETag without its quotes; `None` if the server sends none.
    pub(crate) e_tag: Option<String>,
    /// True if every response has another ETag.
    pub(crate) restless: bool,
    /// The value of `Last-Modified`; `None` if the server sends none.
    pub(crate) modified: Option<String>,
    /// True if the server ignores ranges and always sends everything.
    pub(crate) no_ranges: bool,
    /// True if the server doesn't send `Content-Length`, so that the body ends when the connection
    /// does.
    pub(crate) no_length: bool,
    /// A status that is sent instead of the content.
    pub(crate) status: Option<u16>,
    /// The number of requests that are answered by 503 before the content is sent.
    pub(crate) busy: usize,
    /// The address to which the server redirects.
    pub(crate) location: Option<String>,
    /// The number of responses that are cut off after half of their bytes.
    pub(crate) cuts: usize,
    /// The pause before each response.
    pub(crate) pause: Duration,
    /// The number of requests after which the connection is closed without a response.
    pub(crate) resets: usize,
    /// A further header, with its line end.
    pub(crate) header: &'static str,
}

impl Item {
    pub(crate) fn of(bytes: impl Into<Vec<u8>>) -> Self {
        Self {
            bytes: bytes.into(),
            e_tag: Some("first".into()),
            ..Self::default()
        }
    }
}

/// A request, and the status and size of its response.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// The request. All of it but the first line is in lower case.
    pub(crate) head: String,
    pub(crate) status: u16,
    pub(crate) bytes: u64,
}

/// A server on a free port of this machine.
pub(crate) struct Web {
    pub(crate) address: String,
    items: Arc<Mutex<HashMap<String, Item>>>,
    log: Arc<Mutex<Vec<Asked>>>,
}

impl Web {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let web = Self {
            address: format!("http://{}", listener.local_addr().unwrap()),
            items: Arc::default(),
            log: Arc::default(),
        };
        let (items, log) = (Arc::clone(&web.items), Arc::clone(&web.log));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (items, log) = (Arc::clone(&items), Arc::clone(&log));
                thread::spawn(move || answer(stream, &items, &log));
            }
        });
        web
    }

    /// Makes the server send content at a path, and returns the address.
    pub(crate) fn put(&self, path: &str, item: Item) -> String {
        self.items.lock().unwrap().insert(path.to_owned(), item);
        format!("{}{path}", self.address)
    }

    /// The requests that came since the last call of this method.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.log.lock().unwrap())
    }
}

fn answer(
    mut stream: TcpStream,
    items: &Mutex<HashMap<String, Item>>,
    log: &Mutex<Vec<Asked>>,
) -> Option<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).ok()?;
    let (line, headers) = head.split_once("\r\n")?;
    let path = line.split(' ').nth(1)?.to_owned();
    let headers = headers.to_lowercase();
    let header = |name: &str| {
        let line = headers.lines().find_map(|line| line.strip_prefix(name))?;
        Some(line.trim_start_matches(':').trim().to_owned())
    };
    let item = {
        let mut items = items.lock().unwrap();
        let kept = items.get_mut(&path);
        kept.map(|kept| {
            let mut item = kept.clone();
            if item.busy > 0 {
                item.status = Some(503);
            }
            kept.busy = kept.busy.saturating_sub(1);
            kept.cuts = kept.cuts.saturating_sub(1);
            kept.resets = kept.resets.saturating_sub(1);
            item
        })
    };
    let mut item = item.unwrap_or(Item {
        status: Some(404),
        ..Item::default()
    });
    if item.restless {
        item.e_tag = Some(format!("{}", log.lock().unwrap().len()));
    }
    thread::sleep(item.pause);
    if item.resets > 0 {
        log.lock().unwrap().push(Asked {
            head: format!("{line}\r\n{headers}"),
            status: 0,
            bytes: 0,
        });
        return None;
    }
    let tag = item.e_tag.as_ref().map(|tag| format!("\"{tag}\""));
    let mut answer = item.header.to_owned();
    let range = header("range").and_then(|range| {
        let (from, to) = range.strip_prefix("bytes=")?.split_once('-')?;
        Some((from.parse::<usize>().ok()?, to.parse::<usize>().ok()? + 1))
    });
    let size = item.bytes.len();
    let (status, body) = match (item.status, &item.location, range) {
        (Some(status), _, _) => (status, &b"a secret page"[..]),
        (None, Some(location), _) => {
            answer += &format!("Location: {location}\r\n");
            (302, &b""[..])
        }
        _ if tag.is_some() && header("if-none-match") == tag => (304, &b""[..]),
        (None, None, Some((from, _))) if !item.no_ranges && from >= size => (416, &b""[..]),
        (None, None, Some((from, to))) if !item.no_ranges => {
            let to = to.min(size);
            answer += &format!("Content-Range: bytes {from}-{}/{size}\r\n", to - 1);
            (206, &item.bytes[from..to])
        }
        _ => (200, &item.bytes[..]),
    };
    if let Some(tag) = tag {
        answer += &format!("ETag: {tag}\r\n");
    }
    if let Some(modified) = &item.modified {
        answer += &format!("Last-Modified: {modified}\r\n");
    }
    if !item.no_length {
        answer += &format!("Content-Length: {}\r\n", body.len());
    }
    let body = match item.cuts {
        0 => body,
        _ => &body[..body.len() / 2],
    };
    log.lock().unwrap().push(Asked {
        head: format!("{line}\r\n{headers}"),
        status,
        bytes: body.len() as u64,
    });
    let start = format!("HTTP/1.1 {status} So\r\nConnection: close\r\n{answer}\r\n");
    stream.write_all(start.as_bytes()).ok()?;
    stream.write_all(body).ok()?;
    stream.flush().ok()
}
