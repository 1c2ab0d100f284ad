//! What is old is archived and forgotten.

use std::{
    convert::Infallible,
    error::Error,
    fs::{self, File, OpenOptions},
    io::{self, BufWriter},
    path::{Path, PathBuf},
    time::Duration,
};

use luthien::record::store::{AnyStore, SessionRow, ago, retain};
use time::{OffsetDateTime, macros::format_description};
use tokio::time::sleep;

use super::lines;
use crate::config::Retention;

/// How often is looked, at most and at least: often enough that nothing stays much longer than it should.
const OFTEN: Duration = Duration::from_secs(1);
const SELDOM: Duration = Duration::from_secs(3_600);

/// Forgets what is old, again and again. Never ends.
pub(super) async fn run(store: &AnyStore, retention: &Retention, holder: &str) -> Infallible {
    let age = retention.conversations.0;
    if age == Duration::MAX {
        return std::future::pending().await;
    }
    let mut is_well = true;
    loop {
        let archive = async |sessions: &[SessionRow]| match &retention.archive {
            Some(folder) => archive(store, folder, sessions).await,
            None => Ok(()),
        };
        match retain(store, ago(age), holder, archive).await {
            Ok(retained) => {
                is_well = true;
                if retained.transactions > 0 {
                    tracing::info!(
                        sessions = retained.sessions,
                        exchanges = retained.transactions,
                        "conversations are deleted: they are older than `record.retention` says"
                    );
                }
            }
            Err(error) => {
                // Once, not every time.
                if is_well {
                    tracing::warn!(%error, "old conversations cannot be deleted now");
                }
                is_well = false;
            }
        }
        sleep((age / 24).clamp(OFTEN, SELDOM)).await;
    }
}

/// Writes sessions into a file of their own, and waits until the disk has it: what is archived is deleted afterwards.
async fn archive(
    store: &AnyStore,
    folder: &Path,
    sessions: &[SessionRow],
) -> Result<(), Box<dyn Error>> {
    let (path, file) = create(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let written = write(store, file, sessions).await;
    let done = written.and_then(|()| Ok(finish(&path)?));
    done.map_err(|error| {
        // What is half written is no archive. That it cannot be deleted either is the lesser trouble.
        fs::remove_file(&path).ok();
        format!("{}: {error}", path.display()).into()
    })
}

async fn write(
    store: &AnyStore,
    file: File,
    sessions: &[SessionRow],
) -> Result<(), Box<dyn Error>> {
    let mut out = BufWriter::new(file);
    for session in sessions {
        lines(store, &session.session_id, &mut out).await?;
    }
    let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    Ok(file.sync_all()?)
}

/// A new file, for its owner alone; it gets its name when it is finished.
fn create(folder: &Path) -> io::Result<(PathBuf, File)> {
    let is_new = !folder.exists();
    fs::create_dir_all(folder)?;
    let mut open = OpenOptions::new();
    open.create_new(true).write(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
        if is_new {
            fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
        }
        open.mode(0o600);
    }
    #[cfg(not(unix))]
    let _ = is_new;
    let format = format_description!("[year]-[month]-[day]T[hour][minute][second]");
    let moment = OffsetDateTime::from_unix_timestamp(ago(Duration::ZERO) / 1_000_000);
    let moment = moment.map_err(io::Error::other)?;
    let moment = moment.format(format).map_err(io::Error::other)?;
    for number in 0..10_000 {
        let path = folder.join(format!("conversations-{moment}-{number:04}.jsonl.part"));
        if path.with_extension("").exists() {
            continue;
        }
        match open.open(&path) {
            Ok(file) => return Ok((path, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// Gives a file its name, for good.
fn finish(path: &Path) -> io::Result<()> {
    fs::rename(path, path.with_extension(""))?;
    match path.parent() {
        // So that it has the name after a crash, too.
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}
