//! The file of keys: everything but the keys.

use std::{
    env, fs,
    io::{self, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use luthien::identity::{KeyEntry, Scope};
use serde::{Deserialize, Serialize};

/// A key as it stands in the file.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Record {
    /// The public part.
    pub(crate) id: String,
    pub(crate) name: String,
    /// SHA-256 of the key, in hexadecimal digits.
    pub(crate) sha256: String,
    pub(crate) scopes: Vec<String>,
    /// Seconds since 1970.
    pub(crate) created_at: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) expires_at: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) user: Option<String>,
}

impl Record {
    pub(crate) fn new(entry: &KeyEntry, created_at: u64) -> Self {
        Self {
            id: entry.id.to_string(),
            name: entry.name.to_string(),
            sha256: entry
                .digest
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect(),
            scopes: entry
                .scopes
                .iter()
                .map(|scope| scope.name().to_owned())
                .collect(),
            created_at,
            expires_at: entry.expires_at,
            user: entry.user.as_deref().map(str::to_owned),
        }
    }

    fn entry(&self) -> Result<KeyEntry, String> {
        let mut digest = [0; 32];
        let digits = self.sha256.as_bytes();
        if digits.len() != 64 {
            return Err(format!("key {}: `sha256` must have 64 digits", self.id));
        }
        for (byte, pair) in digest.iter_mut().zip(digits.chunks(2)) {
            let pair = std::str::from_utf8(pair).unwrap_or_default();
            *byte = u8::from_str_radix(pair, 16)
                .map_err(|_| format!("key {}: `sha256` is not hexadecimal", self.id))?;
        }
        let scope = |name: &String| {
            let found = Scope::ALL.into_iter().find(|scope| scope.name() == name);
            found.ok_or_else(|| format!("key {}: unknown scope {name:?}", self.id))
        };
        Ok(KeyEntry {
            id: self.id.as_str().into(),
            name: self.name.as_str().into(),
            digest,
            scopes: self.scopes.iter().map(scope).collect::<Result<_, _>>()?,
            expires_at: self.expires_at,
            user: self.user.as_deref().map(Into::into),
        })
    }
}

/// Where the keys are: as configured, or in the user's data folder.
pub(crate) fn path(configured: Option<&Path>) -> PathBuf {
    if let Some(path) = configured {
        return path.to_owned();
    }
    let folder = env::var_os("XDG_DATA_HOME")
        .filter(|folder| !folder.is_empty())
        .map(PathBuf::from);
    let home = || env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/share"));
    folder
        .or_else(home)
        .unwrap_or_default()
        .join("luthien/keys.json")
}

/// All records; none if there is no file.
pub(crate) fn records(path: &Path) -> io::Result<Vec<Record>> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => {
            return Err(io::Error::new(
                error.kind(),
                format!("{}: {error}", path.display()),
            ));
        }
    };
    serde_json::from_str(&text)
        .map_err(|error| io::Error::other(format!("{}: {error}", path.display())))
}

/// All keys that the file names.
pub(crate) fn read(path: &Path) -> io::Result<Vec<KeyEntry>> {
    let entries = records(path)?
        .iter()
        .map(Record::entry)
        .collect::<Result<_, _>>();
    entries.map_err(|error| io::Error::other(format!("{}: {error}", path.display())))
}

/// Replaces the file at once and as a whole; only its owner may read it.
pub(crate) fn write(path: &Path, records: &[Record]) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.as_file()
        .set_permissions(fs::Permissions::from_mode(0o600))?;
    serde_json::to_writer_pretty(&mut file, records)?;
    file.write_all(b"\n")?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}
