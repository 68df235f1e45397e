//! TLS for database connections, set up by the `sslmode` of an address. The implementation is
//! rustls, so no TLS library of the operating system is needed.

use crate::error::DatabaseError;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use std::path::Path;
use std::sync::Arc;
use tokio_postgres_rustls::MakeRustlsConnect;

/// The options in a database address that concern TLS certificates.
#[derive(Clone, Debug, Default)]
pub(super) struct TlsOptions {
    /// True for the modes `verify-ca` and `verify-full`, in which the server's certificate is
    /// verified. It is also verified if `root` is set.
    pub(super) verify: bool,
    /// The path of a file with trusted root certificates. With `None` the roots that browsers trust
    /// are used.
    pub(super) root: Option<String>,
    /// The paths of two files, the client's certificate and its private key; `None` if the client
    /// has no certificate.
    pub(super) own: Option<(String, String)>,
}

/// Creates the connector that makes TLS connections by the options of an address.
pub(super) fn connector(options: &TlsOptions) -> Result<MakeRustlsConnect, DatabaseError> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|e| DatabaseError::Address(e.to_string()))?;
    let builder = if options.verify || options.root.is_some() {
        builder.with_root_certificates(roots(options.root.as_deref())?)
    } else {
        // In PostgreSQL, `prefer` and `require` mean encryption without verification of the server.
        let verifier = Arc::new(AnyCertificate(provider));
        builder
            .dangerous()
            .with_custom_certificate_verifier(verifier)
    };
    let config = match &options.own {
        Some((certificate, key)) => {
            let chain = certificates("sslcert", certificate)?;
            let key = PrivateKeyDer::from_pem_file(Path::new(key))
                .map_err(|e| DatabaseError::Address(format!("sslkey {key}: {e}")))?;
            builder
                .with_client_auth_cert(chain, key)
                .map_err(|e| DatabaseError::Address(format!("sslcert {certificate}: {e}")))?
        }
        None => builder.with_no_client_auth(),
    };
    Ok(MakeRustlsConnect::new(config))
}

fn roots(file: Option<&str>) -> Result<RootCertStore, DatabaseError> {
    let mut store = RootCertStore::empty();
    let Some(file) = file else {
        store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        return Ok(store);
    };
    for certificate in certificates("sslrootcert", file)? {
        store
            .add(certificate)
            .map_err(|e| DatabaseError::Address(format!("sslrootcert {file}: {e}")))?;
    }
    Ok(store)
}

fn certificates(
    parameter: &str,
    file: &str,
) -> Result<Vec<CertificateDer<'static>>, DatabaseError> {
    CertificateDer::pem_file_iter(Path::new(file))
        .and_then(Iterator::collect)
        .map_err(|e| DatabaseError::Address(format!("{parameter} {file}: {e}")))
}

/// A verifier that accepts any server certificate, as PostgreSQL's modes `prefer` and `require` do.
/// It still checks that the server owns the certificate's private key, by the signatures in the
/// handshake.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
