//! Where the record lies on this machine.

use std::{
    env, io,
    path::{Path, PathBuf},
};

use crate::config::Config;

/// How many sidecars of one user may record at once, each in a folder of its own.
const MOST: usize = 256;

/// The user's data folder.
pub(crate) fn data() -> PathBuf {
    let folder = env::var_os("XDG_DATA_HOME")
        .filter(|folder| !folder.is_empty())
        .map(PathBuf::from);
    let home = || env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/share"));
    folder.or_else(home).unwrap_or_default().join("luthien")
}

/// The address of the database; `None` if nothing is to be recorded.
pub(crate) fn database(config: &Config) -> Option<String> {
    match &config.database {
        Some(database) => database.value().map(|_| database.expose().to_owned()),
        None => Some(format!("sqlite:{}", data().join("luthien.db").display())),
    }
}

/// The database as it may be shown: without whoever logs in there.
pub(crate) fn shown(config: &Config) -> Option<String> {
    let address = database(config)?;
    Some(match address.split_once('@') {
        Some((_, place)) if !address.starts_with("sqlite:") => format!("postgres://{place}"),
        _ => address,
    })
}

/// What of the record lies in files of this machine.
pub(crate) fn files(config: &Config) -> Vec<PathBuf> {
    let Some(database) = database(config) else {
        return Vec::new();
    };
    let file = database.strip_prefix("sqlite:").map(PathBuf::from);
    file.into_iter().chain([folder(config)]).collect()
}

/// Where spools are.
pub(super) fn folder(config: &Config) -> PathBuf {
    let folder = config.record.spool.clone();
    folder.unwrap_or_else(|| data().join("spool"))
}

/// Opens a spool in the first folder in which nobody else records: several sidecars of one user share a database, and none of
/// them a spool. What another has left there when it died is taken over.
pub(crate) fn spool<T>(
    config: &Config,
    open: impl Fn(&Path) -> io::Result<T>,
) -> Result<(PathBuf, T), (PathBuf, io::Error)> {
    let folder = folder(config);
    let mut last = (folder.clone(), io::Error::from(io::ErrorKind::ResourceBusy));
    for number in 0..MOST {
        let folder = folder.join(number.to_string());
        match open(&folder) {
            Ok(spool) => return Ok((folder, spool)),
            Err(error) if error.kind() == io::ErrorKind::ResourceBusy => last = (folder, error),
            Err(error) => return Err((folder, error)),
        }
    }
    Err(last)
}
