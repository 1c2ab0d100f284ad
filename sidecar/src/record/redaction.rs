//! What is taken out of the record before it is written.

use std::{
    fs,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
    sync::Arc,
};

use luthien::{
    policy::detect::{Class, Classes},
    record::{Redact, Redaction},
};

use crate::config::Redacted;

/// Takes out what the configuration names. The key by which values are told apart lies in this folder.
pub(super) fn redaction(which: &[Redacted], folder: &Path) -> io::Result<Option<Arc<dyn Redact>>> {
    if which.is_empty() {
        return Ok(None);
    }
    let is_meant = |class: &Class| {
        which.iter().any(|which| match which {
            Redacted::Secrets => Classes::secrets().has(*class),
            Redacted::PersonalData => Classes::personal().has(*class),
        })
    };
    let classes = Class::ALL.into_iter().filter(is_meant).collect();
    fs::create_dir_all(folder)?;
    let key = key(&folder.join("redaction.key"))?;
    Ok(Some(Arc::new(Redaction::new(classes, key))))
}

/// The key in this file; a new one if there is none.
fn key(path: &Path) -> io::Result<[u8; 32]> {
    let mut key = [0; 32];
    getrandom::fill(&mut key).map_err(io::Error::other)?;
    // Made beside and moved there whole, and only if nobody else has been faster.
    let new = path.with_extension(format!("new-{}", std::process::id()));
    let mut options = fs::OpenOptions::new();
    let mut file = options
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(&new)?;
    file.write_all(&key)?;
    file.sync_all()?;
    let linked = fs::hard_link(&new, path);
    fs::remove_file(&new)?;
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => fs::read(path)?.try_into().map_err(|_| {
            let path = path.display();
            io::Error::other(format!(
                "{path} is no key of 32 bytes: delete it, and another is made"
            ))
        }),
    }
}
