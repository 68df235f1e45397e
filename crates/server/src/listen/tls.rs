//! TLS: a certificate that is read again when its files change.

use super::ServeError;
use crate::config::TlsFiles;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::sleep;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, ServerConfig};
use tokio_rustls::server::TlsStream;
use tokio_rustls::{Accept, TlsAcceptor};

/// The time between two checks whether the certificate's or the key's file has changed. A choice.
const LOOK: Duration = Duration::from_secs(2);

/// The settings of encrypted connections: the certificate and its key, which are replaced when
/// their files change. Connections that are open already are not affected.
#[derive(Debug)]
pub(super) struct Tls {
    files: TlsFiles,
    config: RwLock<Arc<ServerConfig>>,
}

/// The states of two files, the certificate's and the key's: the size in bytes and the time of the
/// last change; `None` for a file that can't be read.
type FileStates = [Option<(u64, SystemTime)>; 2];

impl Tls {
    /// Reads the files of the certificate and the key.
    pub(super) fn new(files: &TlsFiles) -> Result<Self, ServeError> {
        let config = read(files).map_err(|reason| ServeError::Certificate { reason })?;
        Ok(Self {
            files: files.clone(),
            config: RwLock::new(config),
        })
    }

    /// Starts the TLS handshake on a connection. The returned future yields the encrypted stream.
    pub(super) fn accept<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: S) -> Accept<S> {
        let config = self.config.read().unwrap_or_else(PoisonError::into_inner);
        TlsAcceptor::from(Arc::clone(&config)).accept(stream)
    }

    /// Reads the files again whenever they change; it never returns. If the new certificate can't
    /// be used, the previous one stays in use.
    pub(super) async fn follow(&self) {
        let mut read_state = self.states();
        let mut seen = read_state;
        loop {
            sleep(LOOK).await;
            let now = self.states();
            // The files are read only once two checks have found the same new state, since a file
            // may be half written at the first.
            let is_settled = std::mem::replace(&mut seen, now) == now;
            if now == read_state || !is_settled {
                continue;
            }
            read_state = now;
            match read(&self.files) {
                Ok(config) => {
                    *self.config.write().unwrap_or_else(PoisonError::into_inner) = config;
                    tracing::info!("the certificate was read again");
                }
                Err(reason) => tracing::warn!("the certificate stays as it was: {reason}"),
            }
        }
    }

    fn states(&self) -> FileStates {
        [&self.files.certificate, &self.files.key].map(|path| state(path))
    }
}

/// A connection that is encrypted.
pub(super) type EncryptedStream<S> = TlsStream<S>;

fn state(path: &Path) -> Option<(u64, SystemTime)> {
    let metadata = path.metadata().ok()?;
    Some((metadata.len(), metadata.modified().ok()?))
}

/// Reads a chain of certificates, and the private key of the chain's first certificate, both as
/// PEM.
fn read(files: &TlsFiles) -> Result<Arc<ServerConfig>, String> {
    let TlsFiles { certificate, key } = files;
    let chain = CertificateDer::pem_file_iter(certificate).and_then(Iterator::collect);
    let chain: Vec<_> = chain.map_err(|e| format!("{}: {e}", certificate.display()))?;
    let key_error = |e| format!("{}: {e}", key.display());
    let key = PrivateKeyDer::from_pem_file(key).map_err(key_error)?;
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key));
    let mut config = config.map_err(|e: rustls::Error| {
        let certificate = certificate.display();
        format!("{certificate} and its key can't be used: {e}")
    })?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
