//! The flags of a server, which are the keys of its sections in a file too.

use crate::cli::backend::BackendFlags;
#[cfg(feature = "postgis")]
use crate::cli::postgis::flags::RoleFlags;
use crate::cli::source_flags::SourceFlags;
use clap::Args;
use heatsplat_server::Derived;
use std::path::PathBuf;
use std::time::Duration;

/// What is said of the server as a whole: the top of a file.
#[derive(Args, Clone)]
pub(super) struct ServerFlags {
    /// Address and port to listen on; port 0 takes a free one
    #[arg(short, long, value_name = "ADDRESS", default_value = "127.0.0.1:3000",
          value_parser = listen)]
    pub(super) listen: String,
    /// The address that clients reach the server by, where a proxy stands before it
    #[arg(long, value_name = "URL", value_parser = public_url)]
    pub(super) public_url: Option<String>,
    /// Who the data come from, shown in the corner of maps
    #[arg(long, value_name = "TEXT")]
    pub(super) attribution: Option<String>,
    /// A layer made of two others, such as `change = new - old` or `rate = cases / people`: a
    /// difference or a quotient of what the style measures
    #[arg(long, value_name = "NAME = A - B", value_parser = derive)]
    pub(super) derive: Vec<(String, Derived)>,
    /// Read files again when they change
    #[arg(long)]
    pub(super) watch: bool,
    /// Read layers again after so long: 90s, 10m, 2h. SIGHUP does it at once, and so does a
    /// database by NOTIFY heatsplat. Files are read again if they have changed
    #[arg(long, value_name = "TIME", value_parser = period)]
    pub(super) reload: Option<Duration>,
}

/// The top of a file.
#[derive(Args)]
pub(super) struct TopFlags {
    #[command(flatten)]
    pub(super) server: ServerFlags,
    #[command(flatten)]
    pub(super) backend: BackendFlags,
}

/// How much is done at a time.
#[derive(Args, Clone, Default)]
#[command(next_help_heading = "Limits")]
pub(super) struct LimitFlags {
    /// Pictures drawn at a time [default: as many as there are cores]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(super) renders: Option<u16>,
    /// Requests that may wait for their turn [default: 256 a core]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    pub(super) waiting: Option<u32>,
    /// Connections open at a time; more wait to be accepted [default: 4096]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(super) connections: Option<u32>,
}

/// What clients and proxies may keep.
#[derive(Args, Clone, Default)]
#[command(next_help_heading = "Caches")]
pub(super) struct CacheFlags {
    /// Memory for tiles that were drawn, so that they need not be drawn again, like 64M or 2G; 0
    /// keeps none [default: 256M]
    #[arg(long, value_name = "SIZE", value_parser = crate::cli::backend::size)]
    pub(super) cache_size: Option<u64>,
    /// Cache-Control of what layers answer [default: public, max-age=300,
    /// stale-while-revalidate=86400]
    #[arg(long, value_name = "HEADER", value_parser = header)]
    pub(super) cache_control: Option<String>,
    /// The same for live layers [default: public, max-age=10, stale-if-error=86400]
    #[arg(long, value_name = "HEADER", value_parser = header)]
    pub(super) live_cache_control: Option<String>,
}

/// What is said of one layer, beside how it is read and how it looks.
#[derive(Args)]
pub(super) struct LayerFlags {
    #[arg(long)]
    pub(super) name: Option<String>,
    #[arg(long)]
    pub(super) file: Option<String>,
    #[arg(long)]
    pub(super) source: Option<String>,
    #[arg(long, value_parser = mode)]
    pub(super) mode: Option<Mode>,
    #[arg(long, value_parser = period)]
    pub(super) reload: Option<Duration>,
    #[command(flatten)]
    pub(super) read: SourceFlags,
}

/// When a layer's rows are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// All of them beforehand.
    Snapshot,
    /// Those of a picture when it is asked for.
    Live,
}

/// How a database is served.
#[derive(Args, Clone)]
#[command(next_help_heading = "How to serve a database")]
pub(super) struct PoolFlags {
    /// Serve every table and view of points that the role may read, live, as schema.table
    #[arg(long)]
    pub(super) auto_publish: bool,
    /// How long the database may take for one picture of a live layer
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = period)]
    pub(super) deadline: Duration,
    /// Connections to the database at a time, for its live layers
    #[arg(long, value_name = "NUMBER", default_value_t = 8,
          value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(super) pool_size: u16,
}

/// A database in a file.
#[derive(Args)]
pub(super) struct DatabaseWords {
    #[arg(long)]
    pub(super) url: Option<String>,
    /// Of tables that publish themselves: a style's name, looked up elsewhere.
    #[arg(long)]
    pub(super) style: Option<String>,
    #[command(flatten)]
    pub(super) pool: PoolFlags,
    #[cfg(feature = "postgis")]
    #[command(flatten)]
    pub(super) role: RoleFlags,
}

/// Who may post layers.
#[derive(Args, Clone)]
#[command(next_help_heading = "How to serve a database")]
pub(super) struct PostFlags {
    /// A file that holds the token for POST /layers, instead of the environment's
    /// HEATSPLAT_TOKEN. Without a token nobody can post
    #[arg(long, value_name = "FILE")]
    pub(super) token_file: Option<PathBuf>,
    /// How long posted layers stay after they were posted last
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = period)]
    pub(super) posted_for: Duration,
}

/// Posting in a file.
#[derive(Args)]
pub(super) struct PostWords {
    #[arg(long)]
    pub(super) source: Option<String>,
    #[command(flatten)]
    pub(super) post: PostFlags,
}

/// An address and a port; whether they are this machine's is seen when it listens.
fn listen(text: &str) -> Result<String, &'static str> {
    let plain = |host: &str| !host.is_empty() && host.chars().all(|c| c.is_ascii_graphic());
    match text.rsplit_once(':') {
        Some((host, port)) if plain(host) && port.parse::<u16>().is_ok() => Ok(text.to_owned()),
        _ => Err("expected an address and a port, like 127.0.0.1:3000"),
    }
}

fn derive(text: &str) -> Result<(String, Derived), &'static str> {
    let (name, what) = text
        .split_once('=')
        .ok_or("expected NAME = A - B or NAME = A / B")?;
    Ok((name.trim().to_owned(), what.parse()?))
}

fn mode(text: &str) -> Result<Mode, &'static str> {
    match text {
        "snapshot" => Ok(Mode::Snapshot),
        "live" => Ok(Mode::Live),
        _ => Err("expected snapshot or live"),
    }
}

fn header(text: &str) -> Result<String, &'static str> {
    let legal = |c: char| c.is_ascii_graphic() || c == ' ';
    let is_one = !text.trim().is_empty() && text.chars().all(legal);
    is_one
        .then(|| text.to_owned())
        .ok_or("expected a header's value like `public, max-age=300`")
}

fn public_url(text: &str) -> Result<String, &'static str> {
    let rest = text
        .strip_prefix("http://")
        .or_else(|| text.strip_prefix("https://"));
    let plain =
        |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '<' | '>' | '?' | '#' | '{' | '}');
    match rest {
        Some(rest) if !rest.is_empty() && rest.chars().all(plain) => Ok(text.to_owned()),
        _ => Err("expected an address like https://maps.example.org/heat"),
    }
}

/// The longest time, in seconds: clocks have room for it.
const LONGEST: u64 = 10 * 366 * 24 * 3600;

/// `90s`, `10m`, `2h`.
fn period(text: &str) -> Result<Duration, &'static str> {
    const EXPECTED: &str = "expected a time like 90s, 10m or 2h";
    let (number, unit) = text
        .char_indices()
        .last()
        .and_then(|(at, unit)| Some((text.get(..at)?, unit)))
        .ok_or(EXPECTED)?;
    let number: u64 = number.parse().map_err(|_| EXPECTED)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        _ => return Err(EXPECTED),
    };
    let period = number.checked_mul(seconds).filter(|&s| s > 0);
    match period.ok_or(EXPECTED)? {
        seconds if seconds <= LONGEST => Ok(Duration::from_secs(seconds)),
        _ => Err("expected a time of ten years at most"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_urls() {
        assert!(public_url("https://maps.example.org/heat/").is_ok());
        for bad in [
            "maps.example.org",
            "ftp://a",
            "http://",
            "http://a b",
            "http://a?x=1",
        ] {
            assert!(public_url(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn periods() {
        let seconds = |text| period(text).map(|p| p.as_secs());
        assert_eq!(
            [seconds("90s"), seconds("10m"), seconds("2h")],
            [Ok(90), Ok(600), Ok(7200)]
        );
        for bad in [
            "",
            "s",
            "0s",
            "5",
            "5d",
            "-1s",
            "1.5h",
            "9999999999999999999h",
            "9999999999999999999s",
            "87841h",
            "5µ",
        ] {
            assert!(period(bad).is_err(), "{bad}");
        }
    }
}
