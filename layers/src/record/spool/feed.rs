use std::{
    fs, io,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use bytes::Bytes;
use tokio::sync::watch;

pub use super::frame::{Kept, Link};
use super::{Position, frame, segment};

/// How much is read at a time at first, in bytes, and at most. It grows: who is killed before anything large is taken over gets
/// on all the same.
const LEAST: usize = 256 << 10;
const MOST: usize = 4 << 20;

/// What was noted, in order, for whoever keeps it: waits for more, and forgets what was taken.
#[derive(Debug)]
pub struct Feed {
    folder: PathBuf,
    writer: Arc<str>,
    at: Position,
    /// How far what is written is safe.
    safe: watch::Receiver<Position>,
    open: Option<Open>,
    /// How much is read at a time.
    most: usize,
    /// The last event that was read.
    number: Option<u64>,
    reading: Reading,
    stale: Arc<AtomicBool>,
}

/// The segment that is read, which is left alone by whoever makes room: held while that changes.
pub(super) type Reading = Arc<Mutex<u64>>;

/// A segment that is read.
#[derive(Clone, Debug)]
struct Open {
    number: u64,
    bytes: Bytes,
    /// The last event that counts; known as soon as the segment does not grow any more.
    last: Option<u64>,
}

/// Some of what was noted.
#[derive(Debug, Default)]
pub struct Batch {
    /// In order.
    pub kept: Vec<Kept>,
    /// Where the next batch begins.
    pub end: Position,
    /// How many records could not be read.
    pub unreadable: u64,
}

impl Feed {
    pub(super) fn new(
        folder: PathBuf,
        writer: Arc<str>,
        at: Position,
        safe: watch::Receiver<Position>,
        reading: Reading,
        stale: Arc<AtomicBool>,
    ) -> Self {
        let open = None;
        Self {
            reading,
            stale,
            folder,
            writer,
            at,
            safe,
            open,
            most: LEAST,
            number: None,
        }
    }

    /// Who has written it: the name of the spool.
    pub fn writer(&self) -> &str {
        &self.writer
    }

    /// Goes on from where a store says that it has everything before.
    pub fn begin(&mut self, at: Position) {
        self.at = self.at.max(at);
        self.open = None;
        *self.reading.lock().unwrap_or_else(PoisonError::into_inner) = self.at.segment;
    }

    /// Tells whoever writes that the store may not have any more what it once took: all of it is written again when it
    /// comes by.
    pub fn renew(&self) {
        self.stale.store(true, Ordering::Release);
    }

    /// Waits until there is something to read. `false` if nobody writes any more, and all has been read.
    pub async fn wait(&mut self) -> bool {
        loop {
            if self.at < *self.safe.borrow_and_update() {
                return true;
            }
            if self.safe.changed().await.is_err() {
                return self.at < *self.safe.borrow();
            }
        }
    }

    /// What comes next; empty if there is nothing. Reads files: call it where that may take its time.
    ///
    /// # Errors
    ///
    /// If a file cannot be read.
    pub fn read(&mut self) -> io::Result<Batch> {
        let safe = *self.safe.borrow();
        let mut batch = Batch {
            end: self.at,
            ..Batch::default()
        };
        let mut read = 0;
        while batch.end < safe && read < self.most {
            let Open { bytes, last, .. } = self.segment(batch.end.segment)?;
            let is_last = batch.end.segment == safe.segment;
            let end = if is_last {
                safe.offset
            } else {
                bytes.len() as u64
            };
            let from = usize::try_from(batch.end.offset).unwrap_or(usize::MAX);
            let from = from.max(segment::HEAD);
            let to = usize::try_from(end).unwrap_or(usize::MAX).min(bytes.len());
            let rest = if from < to {
                bytes.slice(from..to)
            } else {
                Bytes::new()
            };
            let found = frame::body(&rest);
            let is_beyond = |body: &Bytes| {
                let number = frame::link_of(body).map(|(number, _)| number);
                number.zip(last).is_some_and(|(number, last)| number > last)
            };
            let found = found.filter(|(body, _)| !is_beyond(body));
            let Some((body, length)) = found else {
                // What a failed write has left behind the last event is not missed: it stands elsewhere.
                let is_all = last.is_some() && last <= self.number;
                if !rest.is_empty() && !is_all {
                    batch.unreadable += 1;
                }
                if is_last {
                    batch.end.offset = safe.offset;
                    break;
                }
                // Whatever stands behind it in this segment is not ours.
                batch.end = Position {
                    segment: batch.end.segment + 1,
                    offset: 0,
                };
                continue;
            };
            match frame::read(&body) {
                Some(kept) => {
                    if let Kept::Event(link) = &kept {
                        self.number = Some(link.number);
                    }
                    batch.kept.push(kept);
                }
                None => batch.unreadable += 1,
            }
            read += length;
            batch.end.offset = (from + length) as u64;
        }
        self.at = batch.end;
        self.most = (self.most * 2).min(MOST);
        Ok(batch)
    }

    /// Everything before this is kept elsewhere: segments that end before it are deleted.
    ///
    /// # Errors
    ///
    /// If a file cannot be deleted.
    pub fn forget(&mut self, before: Position) -> io::Result<()> {
        for number in segment::all(&self.folder)? {
            if number < before.segment {
                fs::remove_file(segment::path(&self.folder, number))?;
            }
        }
        Ok(())
    }

    /// The bytes of a segment. One that grows is read again.
    fn segment(&mut self, number: u64) -> io::Result<Open> {
        let is_sealed = number < self.safe.borrow().segment;
        // Only one that was complete when it was read is the same still.
        if let Some(open) = &self.open
            && open.number == number
            && open.last.is_some()
        {
            return Ok(open.clone());
        }
        let mut reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        *reading = number;
        let bytes = match fs::read(segment::path(&self.folder, number)) {
            Ok(bytes) => Bytes::from(bytes),
            // Nothing was ever written there, or all of it is kept.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Bytes::new(),
            Err(error) => return Err(error),
        };
        let last = match is_sealed {
            true => segment::chain_after(&self.folder, number)?,
            false => None,
        };
        let open = Open {
            number,
            bytes,
            last,
        };
        self.open = Some(open.clone());
        Ok(open)
    }
}
