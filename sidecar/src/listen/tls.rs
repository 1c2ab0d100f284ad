//! TLS for agents.

use std::{fmt, sync::Arc};

use rustls::{
    ServerConfig,
    crypto::aws_lc_rs::default_provider,
    pki_types::{CertificateDer, PrivateKeyDer, pem, pem::PemObject},
};
use tokio_rustls::TlsAcceptor;

use crate::config::Tls;

/// Why a certificate cannot be used.
#[derive(Debug)]
pub(crate) enum TlsError {
    Certificate(String, pem::Error),
    Key(String, pem::Error),
    Pair(rustls::Error),
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Certificate(path, error) => {
                write!(f, "tls.certificate: {path} cannot be read: {error}")
            }
            Self::Key(path, error) => write!(f, "tls.key: {path} cannot be read: {error}"),
            Self::Pair(error) => write!(f, "tls: the certificate and the key do not fit: {error}"),
        }
    }
}

/// Reads certificate and key.
pub(crate) fn acceptor(tls: &Tls) -> Result<TlsAcceptor, TlsError> {
    let certificate = |error| TlsError::Certificate(tls.certificate.display().to_string(), error);
    let chain = CertificateDer::pem_file_iter(&tls.certificate).map_err(certificate)?;
    let chain = chain.collect::<Result<Vec<_>, _>>().map_err(certificate)?;
    let key = PrivateKeyDer::from_pem_file(&tls.key);
    let key = key.map_err(|error| TlsError::Key(tls.key.display().to_string(), error))?;
    let builder = ServerConfig::builder_with_provider(Arc::new(default_provider()));
    let builder = builder
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Pair)?;
    let mut config = builder
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(TlsError::Pair)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
