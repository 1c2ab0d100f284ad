//! What is taken out of the record before it is written.

use std::{
    fmt, fs,
    io::{self, Write},
    ops::Range,
    os::unix::fs::OpenOptionsExt,
    path::Path,
    sync::Arc,
};

use luthien::{
    policy::detect::{Class, Classes, Detector},
    record::Redact,
};

use crate::config::Redacted;

/// Takes out what a [`Detector`] finds. In its place stands its class, and so much of a keyed hash that the same is recognised
/// again: `[redacted:aws_key:5d41402a]`. Who has not the key cannot try out what it might have been.
struct Redaction {
    detector: Detector,
    key: [u8; 32],
}

/// Without the key.
impl fmt::Debug for Redaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Redaction").field(&self.detector).finish()
    }
}

impl Redact for Redaction {
    fn find(&self, text: &str) -> Vec<(Range<usize>, String)> {
        let findings = self.detector.find(text).into_iter();
        let replaced = findings.map(|finding| {
            let what = text.get(finding.span.clone()).unwrap_or_default();
            let hash = blake3::keyed_hash(&self.key, what.as_bytes()).to_hex();
            let mark = hash.get(..8).unwrap_or_default();
            let with = format!("[redacted:{}:{mark}]", finding.class);
            (finding.span, with)
        });
        replaced.collect()
    }
}

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
    let detector = Detector::new(classes);
    Ok(Some(Arc::new(Redaction { detector, key })))
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
