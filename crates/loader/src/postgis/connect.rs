//! Connections: parses the address of a database, and opens sessions with the settings for their
//! purpose.

use super::tls::{self, TlsOptions};
use crate::error::DatabaseError;
use percent_encoding::percent_decode_str;
use std::fmt;
use std::time::Duration;
use tokio::runtime::{self, Runtime};
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::{Client, Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

/// The longest time that connecting to the database may take. It is also the longest wait for a
/// statement to be cancelled. A choice.
pub(super) const CONNECT: Duration = Duration::from_secs(2);

/// The checked address of a database, with its TLS settings. It holds no open connection.
#[derive(Clone)]
pub struct Address {
    pub(super) config: Config,
    pub(super) tls: MakeRustlsConnect,
    shown: String,
}

/// Starts an async runtime on the current thread, for a caller that blocks until the database
/// answers.
pub(super) fn runtime() -> Result<Runtime, DatabaseError> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| DatabaseError::Away(error.to_string()))
}

/// Returns true if the name of a source is the address of a PostgreSQL database.
pub fn is_address(source: &str) -> bool {
    source.starts_with("postgres://") || source.starts_with("postgresql://")
}

/// The purpose of a session, which decides its settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Reading the rows of one picture. The database ends every statement that takes longer than
    /// this time.
    Read(Duration),
    /// Reading a whole table, with no time limit.
    Load,
    /// Writing rasters. A session for any other purpose is read-only.
    Export,
    /// Waiting for notifications of changes.
    Listen,
}

impl Address {
    /// Parses `postgres://user:password@host:port/database?sslmode=…`.
    ///
    /// The parameters after `?` are those of tokio-postgres, with two additions. `sslmode` may also
    /// be `verify-ca` or `verify-full`; either of them verifies both the certificate and the host's
    /// name. `sslrootcert`, `sslcert` and `sslkey` name files: the trusted root certificates, the
    /// client's certificate, and its private key.
    ///
    /// # Errors
    /// The text is not an address of this form, or a file that it names can't be read. The message
    /// doesn't repeat the text, since it may contain a password.
    pub fn parse(url: &str) -> Result<Self, DatabaseError> {
        let (plain, mut tls, mode) = without_tls(url);
        let mut config: Config = plain.parse().map_err(|e: tokio_postgres::Error| {
            use std::error::Error as _;
            let why = e.source().map_or(e.to_string(), ToString::to_string);
            DatabaseError::Address(format!(
                "{why}; expected postgres://user@host:5432/database"
            ))
        })?;
        let is_cut = |host: &Host| matches!(host, Host::Tcp(name) if name.contains('@'));
        if config.get_hosts().iter().any(is_cut) {
            let why = "a user or password with `@` is written with `%40` in an address (and `:`, `/`, \
                       `#`, `?` as `%3A`, `%2F`, `%23`, `%3F`)";
            return Err(DatabaseError::Address(why.to_owned()));
        }
        match mode.as_deref() {
            None | Some("prefer") => _ = config.ssl_mode(SslMode::Prefer),
            Some("disable") => _ = config.ssl_mode(SslMode::Disable),
            Some("require") => _ = config.ssl_mode(SslMode::Require),
            Some("verify-ca" | "verify-full") => {
                config.ssl_mode(SslMode::Require);
                tls.verify = true;
            }
            Some(_) => {
                let legal = "disable, prefer, require, verify-ca or verify-full";
                return Err(DatabaseError::Address(format!("sslmode must be {legal}")));
            }
        }
        if config.get_password().is_none()
            && let Ok(password) = std::env::var("PGPASSWORD")
        {
            config.password(password);
        }
        if config.get_hosts().is_empty() {
            config.host("localhost");
        }
        config
            .connect_timeout(CONNECT)
            .keepalives_idle(Duration::from_secs(10))
            .keepalives_interval(Duration::from_secs(5))
            .keepalives_retries(2)
            .tcp_user_timeout(Duration::from_secs(10));
        let shown = shown(&config);
        let tls = tls::connector(&tls)?;
        Ok(Self { config, tls, shown })
    }

    /// The configuration of a session for a purpose. The session's settings, such as time limits,
    /// are sent with the request to connect, so they cost no further round trip.
    pub(super) fn session(&self, purpose: Purpose) -> Config {
        let mut config = self.config.clone();
        let (word, milliseconds) = match purpose {
            Purpose::Read(deadline) => ("tiles", deadline.as_millis()),
            Purpose::Load => ("load", 0),
            Purpose::Export => ("export", 0),
            Purpose::Listen => ("listen", 0),
        };
        config.application_name(format!("heatsplat {word}"));
        let read_only = if purpose == Purpose::Export {
            "off"
        } else {
            "on"
        };
        // `standard_conforming_strings` must be on, since the lexer of queries reads backslashes as
        // the SQL standard does.
        let mut options = format!(
            "-c default_transaction_read_only={read_only} -c statement_timeout={milliseconds} \
             -c lock_timeout=2000 -c standard_conforming_strings=on \
             -c client_connection_check_interval=1000"
        );
        if purpose != Purpose::Export {
            options.push_str(" -c idle_in_transaction_session_timeout=60000");
        }
        if let Some(own) = self.config.get_options() {
            options = format!("{own} {options}");
        }
        config.options(options);
        config
    }

    /// Opens a connection outside of any pool. A task on the current async runtime does its reading
    /// and writing.
    pub(super) async fn connect(&self, purpose: Purpose) -> Result<Client, DatabaseError> {
        let config = self.session(purpose);
        let (client, connection) = config.connect(self.tls.clone()).await?;
        tokio::spawn(async move {
            // If the connection fails, the client's next call returns an error, so the error here
            // is ignored.
            let _ = connection.await;
        });
        Ok(client)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Address").field(&self.shown).finish()
    }
}

/// Shows host, port and database, but neither user nor password.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

fn shown(config: &Config) -> String {
    let host = match config.get_hosts().first() {
        Some(Host::Tcp(host)) => host.clone(),
        #[cfg(unix)]
        Some(Host::Unix(path)) => path.display().to_string(),
        None => "localhost".to_owned(),
    };
    let port = config.get_ports().first().copied().unwrap_or(5432);
    let database = config.get_dbname().or(config.get_user()).unwrap_or("");
    format!("postgres://{host}:{port}/{database}")
}

/// Removes the parameters of TLS from an address. Returns the rest of the address, the TLS options,
/// and the value of `sslmode`, which is `None` if the address doesn't state it.
fn without_tls(url: &str) -> (String, TlsOptions, Option<String>) {
    let mut options = TlsOptions::default();
    let (mut mode, mut certificate, mut key) = (None, None, None);
    let Some((base, query)) = url.split_once('?') else {
        return (url.to_owned(), options, mode);
    };
    let mut kept = Vec::new();
    for pair in query.split('&') {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = || percent_decode_str(value).decode_utf8_lossy().into_owned();
        match name {
            "sslmode" => mode = Some(value()),
            "sslrootcert" => options.root = Some(value()),
            "sslcert" => certificate = Some(value()),
            "sslkey" => key = Some(value()),
            _ => kept.push(pair),
        }
    }
    options.own = certificate.zip(key);
    let plain = if kept.is_empty() {
        base.to_owned()
    } else {
        format!("{base}?{}", kept.join("&"))
    };
    (plain, options, mode)
}

/// Asks the database to stop the statement that a connection is running. Waits at most [`CONNECT`],
/// and ignores errors.
pub(super) async fn cancel(token: tokio_postgres::CancelToken, tls: MakeRustlsConnect) {
    let asked = async {
        if token.cancel_query(tls).await.is_err() {
            // This second attempt is for a server without TLS, or for a Unix socket, which can't
            // use TLS.
            let _ = token.cancel_query(NoTls).await;
        }
    };
    let _ = tokio::time::timeout(CONNECT, asked).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_say_where_and_never_who() {
        let address =
            Address::parse("postgresql://ann:s3cret@db.example:6000/gis?sslmode=verify-full")
                .unwrap();
        assert_eq!(address.to_string(), "postgres://db.example:6000/gis");
        assert!(!format!("{address:?}").contains("s3cret"));
        assert_eq!(address.config.get_ssl_mode(), SslMode::Require);
    }

    #[test]
    fn mistakes_are_explained_without_the_password() {
        for url in [
            "postgres://ann:s3cret@host:port/db",
            "postgres://ann:s3cret@host/db?sslmode=maybe",
            "postgres://ann:s3cret@host/db?nosuch=1",
            "postgres://ann:s3cret@host/db?sslrootcert=/nowhere/ca.pem",
        ] {
            let error = Address::parse(url).unwrap_err().to_string();
            assert!(!error.contains("s3cret"), "{error}");
        }
    }

    #[test]
    fn only_an_export_may_write() {
        let address = Address::parse("postgres://h/db").unwrap();
        let options = |purpose| address.session(purpose).get_options().unwrap().to_owned();
        assert!(options(Purpose::Load).contains("read_only=on"));
        assert!(options(Purpose::Read(Duration::from_secs(5))).contains("statement_timeout=5000"));
        assert!(options(Purpose::Export).contains("read_only=off"));
    }
}
