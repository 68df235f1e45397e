//! TLS in a program without the feature `tls`: an error.

use super::ServeError;
use crate::config::TlsFiles;
use std::convert::Infallible;
use std::io;
use tokio::io::{AsyncRead, AsyncWrite};

/// A type without values: a program without TLS has no certificate.
#[derive(Debug)]
pub(super) struct Tls(Infallible);

/// The plain stream, under the name that a program with TLS has for an encrypted one.
pub(super) type EncryptedStream<S> = S;

impl Tls {
    pub(super) fn new(_: &TlsFiles) -> Result<Self, ServeError> {
        let reason = "this program was built without the feature `tls`".to_owned();
        Err(ServeError::Certificate { reason })
    }

    pub(super) async fn accept<S: AsyncRead + AsyncWrite + Unpin>(&self, _: S) -> io::Result<S> {
        match self.0 {}
    }

    pub(super) async fn follow(&self) {
        match self.0 {}
    }
}
