//! The key with which the record is signed.

use std::{
    fs,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use luthien::record::store::Signer;
use rustls::pki_types::{PrivatePkcs8KeyDer, pem::PemObject};

use crate::config::Record;

/// Who signs; `None` if nobody shall.
pub(super) fn signer(record: &Record) -> io::Result<Option<Signer>> {
    let Some(path) = &record.signing_key else {
        return Ok(None);
    };
    let about = |error: io::Error| {
        let path = path.display();
        io::Error::new(error.kind(), format!("record.signing_key: {path}: {error}"))
    };
    if !path.try_exists().map_err(about)? {
        make(path).map_err(about)?;
    }
    let key = PrivatePkcs8KeyDer::from_pem_file(path);
    let key = key.map_err(|error| about(io::Error::other(error)))?;
    let signer = Signer::new(key.secret_pkcs8_der());
    let signer = signer.map_err(|error| about(io::Error::other(error)))?;
    let public = signer.public_key();
    fs::write(public_file(path), format!("{public}\n")).map_err(about)?;
    tracing::debug!(public, "checkpoints of the record are signed");
    let Some(file) = &record.checkpoints else {
        return Ok(Some(signer));
    };
    let signer = signer.with_file(file).map_err(|error| {
        let file = file.display();
        io::Error::new(error.kind(), format!("record.checkpoints: {file}: {error}"))
    })?;
    Ok(Some(signer))
}

/// The public key beside a key, as far as there is one.
pub(crate) fn public_key(key: &Path) -> io::Result<String> {
    Ok(fs::read_to_string(public_file(key))?.trim().to_owned())
}

fn public_file(key: &Path) -> PathBuf {
    let mut name = key.as_os_str().to_owned();
    name.push(".pub");
    name.into()
}

/// Makes a key, for its owner's eyes alone.
fn make(path: &Path) -> io::Result<()> {
    let key = STANDARD.encode(Signer::generate()?);
    let mut pem = "-----BEGIN PRIVATE KEY-----\n".to_owned();
    for line in key.as_bytes().chunks(64) {
        pem.push_str(str::from_utf8(line).unwrap_or_default());
        pem.push('\n');
    }
    pem.push_str("-----END PRIVATE KEY-----\n");
    let mut options = fs::OpenOptions::new();
    let mut file = options
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(pem.as_bytes())?;
    file.sync_all()
}
