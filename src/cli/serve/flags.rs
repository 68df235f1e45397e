//! The flags of `serve`. They are the keys of a configuration file too.

use crate::cli::backend::BackendFlags;
use crate::cli::postgis::ServeDatabaseFlags;
use crate::cli::source_flags::SourceFlags;
use crate::cli::style_flags::StyleFlags;
use crate::cli::units::{bytes, count, pause, period};
use clap::Args;
use heatsplat_server::{
    Basemap, Derivation, ParseBasemapError, ParseDerivationError, TlsFiles, TrustedProxy,
};
use std::path::PathBuf;
use std::time::Duration;

const EXAMPLES: &str = "\
Examples:
  heatsplat serve examples/cities.csv.gz
  heatsplat serve examples/cities.csv.gz --weight none --radius 8 --ramp viridis
  heatsplat serve quakes.csv.gz shops.geojson --listen 0.0.0.0:8080
  heatsplat generate 1M | heatsplat serve - --name made-up
  heatsplat serve data/ --watch
  heatsplat serve cities.pmtiles                       tiles that `heatsplat export` has drawn
  heatsplat serve crimes.fgb --keep offense,time
  heatsplat serve --command 'ogr2ogr -f CSV -lco GEOMETRY=AS_XY /vsistdout/ a.gml' --reload 1h
  heatsplat serve https://example.org/quakes.parquet --reload 10m    with the feature `remote`
  heatsplat serve postgres://heat@db/gis --table quakes --weight mag
  heatsplat serve postgres://heat@db/gis --live --sql 'select geom from trips where geom && !bbox!'
  heatsplat serve quakes.csv.gz --radius 8 --save-config heatsplat.toml --check
  heatsplat serve --config heatsplat.toml
  heatsplat serve --public-points 8                    points that pages post

A layer's tiles are at /{layer}/{z}/{x}/{y}.png, its TileJSON is at /{layer}, and /catalog lists
all layers. Every flag of the look can be given per request too: …/0/0/0.png?ramp=viridis&radius=8
With --keep a request may say which points it wants: …/0/0/0.png?filter=offense='theft'";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ServeCommand {
    /// Files of points: CSV, GeoJSON, Shapefile, GeoPackage, FlatGeobuf, Parquet, Arrow, GPX, KML,
    /// TCX, FIT, NMEA or Excel, text compressed or not, a raster (GeoTIFF, NumPy), or a zip archive
    /// with one of these; `-` is standard input, and http(s):// and s3:// addresses are read where
    /// the feature `remote` is built in. Each becomes a layer, and so does each file of a folder.
    /// Or postgres://user@host/database, of which every --table becomes one, or the --sql
    #[arg(value_name = "SOURCE", required_unless_present_any = ["config", "command", "public_points", "points_token_file"])]
    pub(super) sources: Vec<String>,
    /// A command whose standard output is a layer, run by the shell, and again at each --reload:
    /// "duckdb -c \"copy (…) to '/dev/stdout' (format csv)\"". Once for each layer; its rows are
    /// read like those of a file, and none are taken from a command that fails
    #[arg(long, value_name = "COMMAND", conflicts_with = "config")]
    pub(super) command: Vec<String>,
    /// Serve the configuration in a file; docs/config.md has its sections and keys. It is read
    /// again on SIGHUP and when it changes
    #[arg(short, long, value_name = "FILE", conflicts_with = "sources")]
    pub(super) config: Option<PathBuf>,
    /// Write a file for --config that does the same as this command line; passwords are left out
    #[arg(long, value_name = "FILE", conflicts_with = "config")]
    pub(super) save_config: Option<PathBuf>,
    /// Only check that the configuration is valid, that the files can be opened, and that databases
    /// have the tables, columns and roles
    #[arg(long)]
    pub(super) check: bool,
    /// Name of the layer; once for each source [default: the file's name]
    #[arg(long)]
    pub(super) name: Vec<String>,
    /// Port to listen on, of this machine alone: the same as --listen 127.0.0.1:PORT
    #[arg(long, value_name = "PORT", conflicts_with = "listen", value_parser = port)]
    pub(super) port: Option<u16>,
    #[command(flatten)]
    pub(super) server: ServerFlags,
    #[command(flatten)]
    pub(super) limits: LimitFlags,
    #[command(flatten)]
    pub(super) cache: CacheFlags,
    #[command(flatten)]
    pub(super) points: PointFlags,
    #[command(flatten)]
    pub(super) access: KeyFlags,
    #[command(flatten)]
    pub(super) database: ServeDatabaseFlags,
    #[command(flatten)]
    pub(super) source: SourceFlags,
    #[command(flatten)]
    pub(super) style: StyleFlags,
    #[command(flatten)]
    pub(super) backend: BackendFlags,
}

/// Flags of the server as a whole: keys at the top of a file.
#[derive(Args, Clone)]
pub(super) struct ServerFlags {
    /// Address and port to listen on; port 0 takes a free one. Or unix:PATH, a Unix socket; or
    /// systemd, the socket that systemd has opened
    #[arg(short, long, value_name = "ADDRESS", default_value = "127.0.0.1:3000",
          aliases = ["bind", "host", "address"], value_parser = listen)]
    pub(super) listen: String,
    /// The address that clients reach the server by, if a proxy stands before it [default: the
    /// request's host]
    #[arg(long, value_name = "URL", value_parser = public_url)]
    pub(super) public_url: Option<String>,
    /// Another address and port, for /metrics, /health, /ready and POST /layers, which are then no
    /// longer served at --listen
    #[arg(long, value_name = "ADDRESS", value_parser = listen)]
    pub(super) admin_listen: Option<String>,
    /// A PEM file with the certificate of encrypted connections, followed by the certificates that
    /// lead to a known one. It is read again when it changes
    #[arg(long, value_name = "FILE")]
    pub(super) tls_cert: Option<PathBuf>,
    /// A file with the private key of --tls-cert, as PEM
    #[arg(long, value_name = "FILE")]
    pub(super) tls_key: Option<PathBuf>,
    /// A host that requests may be for, like maps.example.org or *.example.org; once for each.
    /// Requests for other hosts get 421 [default: any]
    #[arg(long, value_name = "HOST", value_parser = allowed_host)]
    pub(super) allow_host: Vec<String>,
    /// An origin whose pages may read answers, like https://example.org; once for each [default: *]
    #[arg(long, value_name = "ORIGIN", value_parser = origin)]
    pub(super) cors_origin: Vec<String>,
    /// A proxy whose Forwarded and X-Forwarded headers are believed, as an address, a network like
    /// 10.0.0.0/8, or unix for clients of a Unix socket; once for each
    #[arg(long, value_name = "NETWORK")]
    pub(super) trusted_proxy: Vec<TrustedProxy>,
    /// Log a line for each answer
    #[arg(long)]
    pub(super) access_log: bool,
    /// Credit for the data, shown in the corner of maps
    #[arg(long, value_name = "TEXT")]
    pub(super) attribution: Option<String>,
    /// Tiles of a map that the viewer shows under the layers, like
    /// https://tile.openstreetmap.org/{z}/{x}/{y}.png; browsers load them from its server [default:
    /// a coastline of the program's own]
    #[arg(long, value_name = "URL", value_parser = basemap)]
    pub(super) basemap: Option<String>,
    /// Credit for --basemap, shown in the corner, like '© OpenStreetMap'
    #[arg(long, value_name = "TEXT")]
    pub(super) basemap_attribution: Option<String>,
    /// A layer made of two others, such as `change = new - old` or `rate = cases / people`: a
    /// difference or a quotient of what the style measures
    #[arg(long, value_name = "NAME = A - B", value_parser = derive)]
    pub(super) derive: Vec<(String, Derivation)>,
    /// Read files again when they change
    #[arg(long)]
    pub(super) watch: bool,
    /// Read layers again after this time: 90s, 10m, 2h. SIGHUP does it at once, and so does a
    /// database by NOTIFY heatsplat. Files are only read again if they have changed
    #[arg(long, value_name = "TIME", value_parser = period)]
    pub(super) reload: Option<Duration>,
    /// End with an error if any layer can't be read at the start. Without this flag the other
    /// layers are served, /ready names the one that can't be read, and it is read as soon as it can
    /// be
    #[arg(long)]
    pub(super) require_all: bool,
}

impl ServerFlags {
    /// The paths of the TLS certificate and its private key; `None` unless both flags are given.
    pub(super) fn tls_files(&self) -> Option<TlsFiles> {
        let (certificate, key) = (self.tls_cert.clone()?, self.tls_key.clone()?);
        Some(TlsFiles { certificate, key })
    }

    /// The base map that the viewer shows under the layers; `None` unless `--basemap` states its
    /// URL.
    pub(super) fn basemap(&self) -> Option<Basemap> {
        let url = self.basemap.as_deref()?;
        Basemap::new(url, self.basemap_attribution.clone()).ok()
    }
}

/// The flags that are keys at the top of a configuration file, outside of all sections.
#[derive(Args)]
pub(super) struct TopLevelFlags {
    #[command(flatten)]
    pub(super) server: ServerFlags,
    #[command(flatten)]
    pub(super) backend: BackendFlags,
}

/// Limits on concurrent work: keys of `[limits]`.
#[derive(Args, Clone, Default)]
#[command(next_help_heading = "Limits")]
pub(super) struct LimitFlags {
    /// Pictures drawn at a time [default: as many as there are cores]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(super) renders: Option<u16>,
    /// Requests that may wait for their turn to draw; as many again may wait for a scale or the
    /// points of a filter [default: 256 a core]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    pub(super) waiting: Option<u32>,
    /// Time from a request to the end of its drawing; what takes longer is ended (504) [default:
    /// 10s]
    #[arg(long, value_name = "TIME", value_parser = period)]
    pub(super) draw_deadline: Option<Duration>,
    /// Connections open at a time; more wait to be accepted [default: 4096]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(super) connections: Option<u32>,
    /// Time between SIGTERM and the end of accepting connections, in which /ready is 503 and all
    /// else is answered; as long as a load balancer takes to notice [default: until no request has
    /// come for 100ms, 1s at most]
    #[arg(long, value_name = "TIME", value_parser = pause)]
    pub(super) drain_wait: Option<Duration>,
    /// Longest time that requests may take to finish once no connection is accepted any more; a
    /// second signal ends it [default: 8s]
    #[arg(long, value_name = "TIME", value_parser = pause)]
    pub(super) grace: Option<Duration>,
    /// Time after which a client that doesn't read its answer is disconnected, like 30s [default:
    /// 30s]
    #[arg(long, value_name = "TIME", value_parser = period)]
    pub(super) write_timeout: Option<Duration>,
    /// Memory for large answers that clients have not read yet, like 64M or 2G; beyond it such
    /// requests get 503 [default: 256M]
    #[arg(long, value_name = "SIZE", value_parser = bytes)]
    pub(super) answer_bytes: Option<u64>,
}

/// Caches of the server and of its clients: keys of `[cache]`.
#[derive(Args, Clone, Default)]
#[command(next_help_heading = "Caches")]
pub(super) struct CacheFlags {
    /// Memory for tiles that were drawn, so that they need not be drawn again, and for scales,
    /// styles and the points of filters (a quarter of it, 8M at least), like 64M or 2G; 0 keeps no
    /// tiles [default: 256M]
    #[arg(long, value_name = "SIZE", value_parser = bytes)]
    pub(super) cache_size: Option<u64>,
    /// Memory for pages of packed files (.heat), like 64M or 2G; 0 reads each page anew [default:
    /// 256M]
    #[arg(long, value_name = "SIZE", value_parser = bytes)]
    pub(super) page_cache: Option<u64>,
    /// Points of a packed file (.heat) that the condition of ?filter= may select, like 500k or 20M;
    /// beyond it such requests get 422. They are in memory while they are used, 18 bytes each
    /// [default: 10M]
    #[arg(long, value_name = "POINTS", value_parser = count)]
    pub(super) filter_limit: Option<usize>,
    /// Cache-Control of answers about layers that are not live [default: public, max-age=300,
    /// stale-while-revalidate=86400, stale-if-error=86400]
    #[arg(long, value_name = "HEADER", value_parser = header)]
    pub(super) cache_control: Option<String>,
    /// Cache-Control of live layers [default: public, max-age=10, stale-if-error=86400]
    #[arg(long, value_name = "HEADER", value_parser = header)]
    pub(super) live_cache_control: Option<String>,
}

/// Flags about points that clients post: keys of `[points]`.
#[derive(Args, Clone)]
#[command(next_help_heading = "Points that clients post")]
pub(super) struct PointFlags {
    /// A file that holds the token for POST /layers with points, instead of the environment's
    /// HEATSPLAT_POINTS_TOKEN. Without a token points can be posted only with --public-points
    #[arg(long, value_name = "FILE")]
    pub(super) points_token_file: Option<PathBuf>,
    /// Layers of points that clients of one address may post without the token; 0 is none. Such
    /// layers are in no list, and their ids can't be guessed
    #[arg(long, value_name = "NUMBER", default_value_t = 0,
          value_parser = clap::value_parser!(u16).range(0..=1000))]
    pub(super) public_points: u16,
    /// Rows that a layer of posted points may have
    #[arg(long, value_name = "NUMBER", default_value = "1M", value_parser = count)]
    pub(super) points_rows: usize,
    /// Rows that a layer of points may have that are posted without the token
    #[arg(long, value_name = "NUMBER", default_value = "100k", value_parser = count)]
    pub(super) public_rows: usize,
    /// Time that posted points stay after their rows were last posted
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = period)]
    pub(super) points_for: Duration,
    /// Time that points stay that are posted without the token
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = period)]
    pub(super) public_for: Duration,
    /// Size that the body of a post may have
    #[arg(long, value_name = "SIZE", default_value = "32M", value_parser = bytes)]
    pub(super) points_body: u64,
    /// Memory for all posted points; beyond it posts get 503
    #[arg(long, value_name = "SIZE", default_value = "256M", value_parser = bytes)]
    pub(super) points_memory: u64,
}

/// Flags about the access to layers.
#[derive(Args, Clone, Default)]
#[command(next_help_heading = "Access")]
pub(super) struct KeyFlags {
    /// A key that requests for these layers must have, as Authorization: Bearer KEY or ?key=KEY. If
    /// several are given, one of them suffices. Other users of the machine see command lines: a
    /// --config file may have variables
    #[arg(long, value_name = "KEY")]
    pub(super) key: Vec<String>,
}

/// The keys of a section `[[layers]]`, except those of its style.
#[derive(Args)]
pub(super) struct LayerFlags {
    #[arg(long)]
    pub(super) name: Option<String>,
    #[arg(long)]
    pub(super) file: Option<String>,
    #[arg(long)]
    pub(super) command: Option<String>,
    #[arg(long)]
    pub(super) source: Option<String>,
    #[arg(long, value_parser = mode)]
    pub(super) mode: Option<ReadMode>,
    #[arg(long, value_parser = period)]
    pub(super) reload: Option<Duration>,
    #[command(flatten)]
    pub(super) access: KeyFlags,
    #[command(flatten)]
    pub(super) read: SourceFlags,
}

/// The times at which the rows of a layer are read from their source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReadMode {
    /// All rows are read when the server starts, and again when the layer is reloaded.
    Snapshot,
    /// The rows that a picture needs are read whenever a picture is requested.
    Live,
}

/// Checks that a text has the form of an address and a port, or names a Unix socket or `systemd`.
/// An address of this form may still not belong to this machine.
fn listen(text: &str) -> Result<String, &'static str> {
    let plain = |host: &str| !host.is_empty() && host.chars().all(|c| c.is_ascii_graphic());
    match text.rsplit_once(':') {
        _ if text == "systemd" => Ok(text.to_owned()),
        _ if text.starts_with("unix:/") || text.starts_with("unix:.") => Ok(text.to_owned()),
        Some((host, port)) if plain(host) && port.parse::<u16>().is_ok() => Ok(text.to_owned()),
        _ => Err("expected an address and a port, like 127.0.0.1:3000; or unix:/PATH or systemd"),
    }
}

fn port(text: &str) -> Result<u16, &'static str> {
    let expected = "expected a port, like 3000; an address with a port belongs to --listen";
    text.parse().map_err(|_| expected)
}

fn allowed_host(text: &str) -> Result<String, &'static str> {
    let legal = |b: u8| b.is_ascii_alphanumeric() || b"-._:[]".contains(&b);
    let host = text.strip_prefix("*.").unwrap_or(text);
    let is_host = !host.is_empty() && host.bytes().all(legal);
    is_host
        .then(|| text.to_owned())
        .ok_or("expected a host like maps.example.org, maps.example.org:8080 or *.example.org")
}

/// Parses an origin as browsers send it: without a path.
fn origin(text: &str) -> Result<String, &'static str> {
    let host = text
        .split_once("://")
        .filter(|(scheme, _)| !scheme.is_empty());
    let legal = |b: u8| b.is_ascii_graphic() && !b"/?#@,;\"".contains(&b);
    let is_origin = host.is_some_and(|(_, host)| !host.is_empty() && host.bytes().all(legal));
    (text == "*" || is_origin)
        .then(|| text.to_owned())
        .ok_or("expected an origin like https://example.org, or *")
}

fn basemap(text: &str) -> Result<String, ParseBasemapError> {
    Basemap::new(text, None).map(|_| text.to_owned())
}

fn derive(text: &str) -> Result<(String, Derivation), String> {
    let (name, what) = text
        .split_once('=')
        .ok_or("expected NAME = A - B or NAME = A / B")?;
    let derivation: Result<Derivation, ParseDerivationError> = what.parse();
    let derivation = derivation.map_err(|error| error.to_string())?;
    Ok((name.trim().to_owned(), derivation))
}

fn mode(text: &str) -> Result<ReadMode, &'static str> {
    match text {
        "snapshot" => Ok(ReadMode::Snapshot),
        "live" => Ok(ReadMode::Live),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_and_hosts() {
        assert!(origin("*").is_ok() && origin("https://a.b:8080").is_ok());
        for bad in ["", "a.b", "https://", "https://a.b/", "https://a b", "**"] {
            assert!(origin(bad).is_err(), "{bad}");
        }
        assert!(allowed_host("*.a.b").is_ok() && allowed_host("[::1]:80").is_ok());
        for bad in ["", "*", "*.", "a/b", "http://a", "a.*"] {
            assert!(allowed_host(bad).is_err(), "{bad}");
        }
    }

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
}
