//! The HTTP client. One runtime serves all requests, waiting and retries have limits, and errors
//! hold no secrets.

use crate::input::address::{parts, scheme};
use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use heatsplat_points::cancel;
use object_store::aws::AmazonS3Builder;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService,
};
use object_store::http::HttpBuilder;
use object_store::path::Path;
use object_store::{BackoffConfig, ClientOptions, ObjectStore, RetryConfig};
use percent_encoding::percent_decode_str;
use reqwest::header::{AUTHORIZATION, CONTENT_LENGTH, HeaderMap, HeaderValue, RANGE, RETRY_AFTER};
use reqwest::{StatusCode, Url, redirect};
use std::error::Error;
use std::fmt;
use std::io;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;

/// The longest time that making a connection may take: a choice.
const CONNECT: Duration = Duration::from_secs(10);
/// The longest pause in which a server sends nothing: a choice. After it the request fails.
const SILENCE: Duration = Duration::from_secs(30);
/// The most redirects that one request may follow: a choice.
const REDIRECTS: usize = 5;
/// The most times that a failed request is repeated: a choice.
const RETRIES: usize = 3;
/// The time, from when a request was first sent, after which the request isn't repeated any more: a
/// choice.
const PATIENCE: Duration = Duration::from_secs(60);

/// The time between two looks at the cancel token of the thread that waits: a choice.
const LOOK: Duration = Duration::from_millis(20);

/// The number that stands for the length of a response in bytes if the server doesn't state the
/// length.
pub(super) const UNKNOWN: u64 = u64::MAX / 2;

/// The runtime on whose thread all requests are sent. It is started by the first call.
fn runtime() -> io::Result<&'static Runtime> {
    static RUNTIME: OnceLock<Option<Runtime>> = OnceLock::new();
    let made = RUNTIME.get_or_init(|| {
        Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("heatsplat-remote")
            .enable_all()
            .build()
            .ok()
    });
    made.as_ref()
        .ok_or_else(|| io::Error::other("no thread can be started to ask the server"))
}

/// Runs asynchronous work on a thread of this module's runtime, and waits for its result. It may be
/// called on any thread, even on a thread of another runtime.
pub(super) fn wait<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> io::Result<T> {
    let (done, result) = sync_channel(1);
    runtime()?.spawn(async move {
        // If the receiver was dropped, the result isn't needed. That is no error.
        let _ = done.send(work.await);
    });
    result
        .recv()
        .map_err(|_| io::Error::other("asking the server broke off"))
}

/// Runs asynchronous work like [`wait`], but ends it early if the calling thread's own work is
/// cancelled (see [`heatsplat_points::cancel`]), for example at the deadline of a request.
pub(super) fn wait_or_cancel<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> io::Result<T> {
    let (done, result) = sync_channel(1);
    let task = runtime()?.spawn(async move {
        let _ = done.send(work.await);
    });
    let _guard = AbortOnDrop(task);
    loop {
        match result.recv_timeout(LOOK) {
            Ok(result) => return Ok(result),
            // This unwinds the stack if the work has ended.
            Err(RecvTimeoutError::Timeout) => cancel::check(cancel::UNITS_BETWEEN_LOOKS),
            Err(RecvTimeoutError::Disconnected) => {
                return Err(io::Error::other("asking the server broke off"));
            }
        }
    }
}

/// A guard that ends a task when it is dropped.
struct AbortOnDrop(JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The store for an address (the client of the library `object_store` that reads there), and the
/// path of the object in this store. `retries` states how often and how long the store repeats
/// failed requests.
pub(super) fn store(
    address: &str,
    retries: RetryConfig,
) -> io::Result<(Arc<dyn ObjectStore>, Path)> {
    // This fails if another part of the program has installed a provider of cryptography. Then that
    // provider is used.
    let _ = rustls::crypto::ring::default_provider().install_default();
    match scheme(address) {
        Some(("s3", rest)) => s3(rest, retries),
        Some(_) => http(address, retries),
        None => Err(wrong("it is no http://, https:// or s3:// address")),
    }
}

/// The store for an HTTP address. The whole address belongs to the store, and the path is empty, so
/// that a signature in the address stays unchanged.
fn http(address: &str, retries: RetryConfig) -> io::Result<(Arc<dyn ObjectStore>, Path)> {
    let mut url = Url::parse(address).map_err(wrong)?;
    let user = authorization(&url)?;
    let _ = (url.set_username(""), url.set_password(None));
    url.set_fragment(None);
    let connector = Connector {
        https_only: url.scheme() == "https",
        user,
        silence: SILENCE,
    };
    Ok((whole(&url, connector, retries)?, Path::default()))
}

fn whole(
    url: &Url,
    connector: Connector,
    retries: RetryConfig,
) -> io::Result<Arc<dyn ObjectStore>> {
    let store = HttpBuilder::new()
        .with_url(url.as_str())
        .with_retry(retries)
        .with_http_connector(connector)
        .build()
        .map_err(failed)?;
    Ok(Arc::new(store))
}

/// The store for an S3 address. `rest` is the address without `s3://`. Credentials, region and
/// endpoint come from environment variables only. Without a key, requests are not signed.
fn s3(rest: &str, retries: RetryConfig) -> io::Result<(Arc<dyn ObjectStore>, Path)> {
    let (bucket, key) = parts(rest);
    let key = key.strip_prefix('/').unwrap_or_default();
    if bucket.contains('@') {
        let message =
            "keys go into AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, not into addresses";
        return Err(wrong(message));
    }
    if bucket.is_empty() || key.is_empty() {
        return Err(wrong("expected s3://bucket/key"));
    }
    let path = Path::parse(key).map_err(wrong)?;
    let said = |name: &str| std::env::var(name).is_ok_and(|value| !value.is_empty());
    let endpoint = ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    let others = [
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    ];
    let has_key = said("AWS_ACCESS_KEY_ID") || others.into_iter().any(said);
    let connector = Connector {
        https_only: !endpoint.is_some_and(|url| url.starts_with("http://")),
        user: None,
        silence: SILENCE,
    };
    let mut builder = AmazonS3Builder::from_env()
        .with_bucket_name(bucket)
        .with_retry(retries)
        .with_http_connector(connector);
    if !has_key {
        builder = builder.with_skip_signature(true);
    }
    let store = builder.build().map_err(failed)?;
    Ok((Arc::new(store), path))
}

/// The usual repetition of failed requests: at most [`RETRIES`] times, and for at most
/// [`PATIENCE`].
pub(super) fn retries() -> RetryConfig {
    RetryConfig {
        backoff: BackoffConfig {
            init_backoff: Duration::from_millis(100),
            max_backoff: Duration::from_secs(2),
            base: 2.0,
        },
        max_retries: RETRIES,
        retry_timeout: PATIENCE,
    }
}

/// No repetition: the caller repeats requests itself.
pub(super) fn no_retries() -> RetryConfig {
    RetryConfig {
        max_retries: 0,
        ..retries()
    }
}

/// The header with the user and password in an address; `None` if the address holds neither.
fn authorization(url: &Url) -> io::Result<Option<HeaderValue>> {
    if url.username().is_empty() && url.password().is_none() {
        return Ok(None);
    }
    let decoded = |text: &str| percent_decode_str(text).collect::<Vec<u8>>();
    let mut pair = decoded(url.username());
    pair.push(b':');
    pair.extend(decoded(url.password().unwrap_or_default()));
    let mut value = HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(pair)))
        .map_err(|_| wrong("user and password can't be sent"))?;
    value.set_sensitive(true);
    Ok(Some(value))
}

/// A factory of HTTP clients for the library `object_store`. Requests of these clients have time
/// limits.
#[derive(Debug)]
struct Connector {
    https_only: bool,
    user: Option<HeaderValue>,
    /// The longest pause in which a server may send nothing, after which a request fails.
    silence: Duration,
}

impl HttpConnector for Connector {
    fn connect(&self, _options: &ClientOptions) -> object_store::Result<HttpClient> {
        let mut headers = HeaderMap::new();
        if let Some(user) = &self.user {
            headers.insert(AUTHORIZATION, user.clone());
        }
        let client = reqwest::Client::builder()
            .user_agent(concat!("heatsplat/", env!("CARGO_PKG_VERSION")))
            .default_headers(headers)
            .https_only(self.https_only)
            .redirect(redirect::Policy::limited(REDIRECTS))
            // The address may contain a signature, which no other server may get.
            .referer(false)
            .connect_timeout(CONNECT)
            .read_timeout(self.silence)
            // The client must not decompress responses, since offsets count bytes as they are
            // stored.
            .no_gzip()
            .no_brotli()
            .no_zstd()
            .no_deflate()
            .build()
            .map_err(|error| object_store::Error::Generic {
                store: "HTTP",
                source: Box::new(error),
            })?;
        Ok(HttpClient::new(StrictClient(client)))
    }
}

/// The HTTP status of a server's response that isn't a success.
#[derive(Debug)]
struct StatusError {
    status: StatusCode,
    /// The time, from the response on, after which the server wants to be asked again; `None` if it
    /// states none.
    retry_after: Option<Duration>,
}

impl fmt::Display for StatusError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the server answers {}", self.status)
    }
}

impl Error for StatusError {}

/// An HTTP service that passes on only usable responses. A response with an error status becomes an
/// error without its body, since the body may be endless. A response that states no length gets the
/// length [`UNKNOWN`].
#[derive(Debug)]
struct StrictClient(reqwest::Client);

#[async_trait]
impl HttpService for StrictClient {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let ranged = request.headers().contains_key(RANGE);
        let mut response = HttpService::call(&self.0, request).await?;
        let status = response.status();
        if !status.is_success() || (ranged && status != StatusCode::PARTIAL_CONTENT) {
            let passing = status.is_server_error()
                || status == StatusCode::TOO_MANY_REQUESTS
                || status == StatusCode::REQUEST_TIMEOUT;
            // A request is repeated only after a temporary error.
            let kind = if passing {
                HttpErrorKind::Interrupted
            } else {
                HttpErrorKind::Unknown
            };
            // A date is left out: it would need the server's clock.
            let seconds = response.headers().get(RETRY_AFTER);
            let seconds = seconds.and_then(|value| value.to_str().ok()?.trim().parse().ok());
            let error = StatusError {
                status,
                retry_after: seconds.map(Duration::from_secs),
            };
            return Err(HttpError::new(kind, error));
        }
        response
            .headers_mut()
            .entry(CONTENT_LENGTH)
            .or_insert_with(|| HeaderValue::from(UNKNOWN));
        Ok(response)
    }
}

/// The HTTP status in an error; `None` if the error has none, because no server answered.
pub(super) fn status(error: &object_store::Error) -> Option<u16> {
    chain(error).find_map(|e| Some(e.downcast_ref::<StatusError>()?.status.as_u16()))
}

/// The time after which the server wants to be asked again; `None` if it states none.
pub(super) fn retry_after(error: &object_store::Error) -> Option<Duration> {
    chain(error).find_map(|e| e.downcast_ref::<StatusError>()?.retry_after)
}

/// Returns whether an error means that a server's response could not be understood.
pub(super) fn is_strange(error: &object_store::Error) -> bool {
    chain(error).all(|e| e.downcast_ref::<HttpError>().is_none())
}

/// Converts an error to one for messages. The texts of the library can't be used, since they hold
/// the whole address with its secrets.
pub(super) fn failed(error: object_store::Error) -> io::Error {
    use io::ErrorKind::{NotFound, Other, PermissionDenied, TimedOut};
    if let Some(status) = status(&error) {
        let (kind, hint) = match status {
            401 | 403 => (PermissionDenied, ": it doesn't let this be read"),
            404 | 410 => (NotFound, ": nothing is there"),
            412 => (Other, ": the file has changed while it was read"),
            300..=399 => (Other, ": is it another region? Set AWS_REGION"),
            _ => (Other, ""),
        };
        let answer = StatusCode::from_u16(status).map_or_else(|e| e.to_string(), |s| s.to_string());
        return io::Error::new(kind, format!("the server answers {answer}{hint}"));
    }
    let innermost = chain(&error).last().map(ToString::to_string);
    let innermost = innermost.unwrap_or_default();
    let of_http = chain(&error).find_map(|e| e.downcast_ref::<HttpError>());
    match of_http.map(HttpError::kind) {
        Some(HttpErrorKind::Timeout) => {
            let message = "the server doesn't answer, or has gone silent";
            io::Error::new(TimedOut, message)
        }
        Some(HttpErrorKind::Connect) => {
            io::Error::other(format!("no connection to the server: {innermost}"))
        }
        Some(_) => io::Error::other(format!("the connection broke off: {innermost}")),
        None => io::Error::other(format!("the server's answer can't be used: {innermost}")),
    }
}

fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

fn wrong(message: impl ToString) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, message.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn a_server_that_is_silent_is_left() {
        // This server accepts connections, but reads and sends nothing.
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let url = Url::parse(&format!("http://{address}/a.csv?s3cret")).unwrap();
        let connector = Connector {
            https_only: false,
            user: None,
            silence: Duration::from_millis(100),
        };
        let _ = rustls::crypto::ring::default_provider().install_default();
        let store = whole(&url, connector, retries()).unwrap();
        let asked = wait(async move { store.get_opts(&Path::default(), Default::default()).await });
        let error = failed(asked.unwrap().map(|_| ()).unwrap_err());
        let says = "the server doesn't answer, or has gone silent";
        assert_eq!(
            (error.kind(), error.to_string()),
            (io::ErrorKind::TimedOut, says.to_owned())
        );
    }
}
