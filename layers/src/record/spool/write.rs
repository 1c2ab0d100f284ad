use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use bytes::Bytes;
use tokio::sync::watch;

use super::{
    Feed, Position,
    feed::Reading,
    frame,
    segment::{self, Chain, HEAD, WriterId},
};
use crate::record::{ContentHash, Entry};

/// How much is added before it is written, though nobody waits for it.
const BUFFER: usize = 1 << 20;
/// After how many bytes a new segment begins.
const SEGMENT: u64 = 8 << 20;

/// The writing end of a spool.
#[derive(Debug)]
pub(crate) struct Spool {
    folder: PathBuf,
    writer: WriterId,
    chain: Chain,
    /// The segment that is written. `None` if a write has failed: what a file holds after that is anybody's guess, so
    /// another is begun.
    file: Option<File>,
    at: Position,
    buffer: Vec<u8>,
    /// The chain behind what is in the buffer.
    buffered: Chain,
    safe: watch::Sender<Position>,
    /// How long all segments before this one are.
    sealed: u64,
    limit: u64,
    /// Where the feed is.
    reading: Reading,
    /// Whether the store may have lost what it once took.
    stale: Arc<AtomicBool>,
    /// The last segment that has no bodies any more.
    stripped: u64,
    /// Holds the folder: two writers would write over each other.
    _lock: File,
}

impl Spool {
    /// Opens the spool in a folder, makes it if there is none, and cuts off what a crash has left half-written. It takes
    /// up to `limit` bytes.
    pub(crate) fn open(folder: &Path, limit: u64) -> io::Result<(Self, Feed)> {
        fs::create_dir_all(folder)?;
        private(folder, 0o700)?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(folder.join("lock"))?;
        lock.try_lock().map_err(|error| match error {
            fs::TryLockError::WouldBlock => io::Error::new(
                io::ErrorKind::ResourceBusy,
                "another process records there: give each its own folder",
            ),
            fs::TryLockError::Error(error) => error,
        })?;
        let segments = segment::all(folder)?;
        let mut chain = Chain {
            number: 0,
            hash: ContentHash::NONE,
        };
        let (mut writer, mut sealed) = (None, 0);
        for number in &segments {
            let path = segment::path(folder, *number);
            let bytes = Bytes::from(fs::read(&path)?);
            let Some((name, before)) = segment::read_head(&bytes) else {
                continue;
            };
            writer = Some(name);
            let (sound, end) = segment::scan(&bytes, before);
            chain = end;
            sealed += sound as u64;
            if sound < bytes.len() {
                let file = OpenOptions::new().write(true).open(&path)?;
                file.set_len(sound as u64)?;
                file.sync_all()?;
            }
        }
        let writer = writer.map_or_else(random, Ok)?;
        // A segment of its own for each start: nothing is ever written behind what a crash has left.
        let first = segments.first().copied();
        let next = segments.last().map_or(1, |last| last + 1);
        let at = Position {
            segment: next,
            offset: 0,
        };
        let (safe, watching) = watch::channel(at);
        let start = Position {
            segment: first.unwrap_or(next),
            offset: 0,
        };
        let name: Arc<str> = name(&writer).into();
        // Until it is known where a store goes on, nothing may change under it.
        let reading = Reading::new(Mutex::new(u64::MAX));
        let stale = Arc::new(AtomicBool::new(false));
        let folder_of_feed = folder.to_owned();
        let feed = Feed::new(
            folder_of_feed,
            name,
            start,
            watching,
            reading.clone(),
            stale.clone(),
        );
        let mut spool = Self {
            folder: folder.to_owned(),
            writer,
            chain,
            file: None,
            at,
            buffer: Vec::new(),
            buffered: chain,
            safe,
            sealed,
            limit,
            reading,
            stale,
            stripped: 0,
            _lock: lock,
        };
        spool.begin()?;
        Ok((spool, feed))
    }

    /// Puts an entry into what is written next.
    pub(crate) fn add(&mut self, entry: &Entry) {
        let Entry::Event(event) = entry else {
            return frame::write(entry, None, &mut self.buffer);
        };
        // It is made of words and numbers, and always can be written.
        let text = serde_json::to_vec(event).unwrap_or_default();
        self.buffered = Chain {
            number: self.buffered.number + 1,
            hash: frame::link(self.buffered.hash, &text),
        };
        let link = Some((self.buffered.number, self.buffered.hash, &text[..]));
        frame::write(entry, link, &mut self.buffer);
    }

    /// Whether the store may have lost what it once took, and that was not asked since.
    pub(crate) fn is_stale(&self) -> bool {
        self.stale.load(Ordering::Relaxed) && self.stale.swap(false, Ordering::AcqRel)
    }

    /// Whether so much has been added that it should be written.
    pub(crate) fn is_due(&self) -> bool {
        self.buffer.len() >= BUFFER
    }

    /// How many events the disk has, of all that were ever written here.
    pub(crate) fn written_events(&self) -> u64 {
        self.chain.number
    }

    /// How much has been added and not been written.
    pub(crate) fn unwritten(&self) -> usize {
        self.buffer.len()
    }

    /// Whether there is no room for more bodies. Whoever keeps what was noted has not come by for long.
    pub(crate) fn is_full(&self) -> bool {
        self.held() >= self.limit
    }

    /// Looks how much there still is.
    pub(crate) fn weigh(&mut self) {
        // If the folder cannot even be listed, it stays full.
        self.sealed = self.measure().unwrap_or(self.sealed);
    }

    /// Lets go of the oldest bodies until there is room again, and says how many they were. Events are never let go of. What is
    /// read at the moment stays, and what is written.
    ///
    /// # Errors
    ///
    /// If a file cannot be written.
    pub(crate) fn make_room(&mut self) -> io::Result<u64> {
        let mut count = 0;
        while self.is_full() {
            let reading = self.reading.clone();
            let reading = reading.lock().unwrap_or_else(PoisonError::into_inner);
            let after = self.stripped.max(*reading);
            let segments = segment::all(&self.folder)?;
            let next = segments
                .into_iter()
                .find(|number| (after.saturating_add(1)..self.at.segment).contains(number));
            let Some(number) = next else {
                break;
            };
            let path = segment::path(&self.folder, number);
            let (rest, bodies) = segment::stripped(&fs::read(&path)?.into());
            let other = path.with_extension("stripped");
            let mut file = File::create(&other)?;
            file.write_all(&rest)?;
            file.sync_all()?;
            fs::rename(&other, &path)?;
            count += bodies;
            self.stripped = number;
            self.sealed = self.measure()?;
        }
        Ok(count)
    }

    /// How many bytes wait to be kept elsewhere, at most: what was taken since is counted until the next segment.
    pub(crate) fn held(&self) -> u64 {
        self.sealed + self.at.offset + self.buffer.len() as u64
    }

    /// Lets go of what was added and not written: none of it will be.
    pub(crate) fn give_up(&mut self) {
        self.buffer.clear();
        self.buffer.shrink_to(BUFFER);
        self.buffered = self.chain;
    }

    /// Writes what was added, and waits until the disk has it.
    ///
    /// # Errors
    ///
    /// If it cannot be written, or the disk does not say that it has it. Then none of it counts as kept; it stays in the
    /// buffer, and goes into another segment the next time: after such an error nobody knows what a file holds.
    pub(crate) fn sync(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() && self.file.is_some() {
            return Ok(());
        }
        let written = self.write();
        if written.is_err() {
            self.abandon();
            return written;
        }
        self.buffer.clear();
        self.buffer.shrink_to(BUFFER);
        self.chain = self.buffered;
        self.safe.send_replace(self.at);
        if self.at.offset >= SEGMENT {
            self.sealed += self.at.offset;
            self.at = Position {
                segment: self.at.segment + 1,
                offset: 0,
            };
            self.file = None;
        }
        Ok(())
    }

    fn write(&mut self) -> io::Result<()> {
        if self.file.is_none() {
            self.begin()?;
        }
        let Some(file) = &mut self.file else {
            return Ok(());
        };
        file.write_all(&self.buffer)?;
        file.sync_data()?;
        self.at.offset += self.buffer.len() as u64;
        Ok(())
    }

    /// Leaves the segment that could not be written, and what may stand there behind what is kept.
    pub(super) fn abandon(&mut self) {
        let path = segment::path(&self.folder, self.at.segment);
        // If the disk does not even take this, readers see where it ends: the next one begins where the chain stood.
        match self.file.take() {
            Some(file) if self.at.offset > HEAD as u64 => {
                file.set_len(self.at.offset).ok();
                self.sealed += self.at.offset;
            }
            _ => drop(fs::remove_file(path)),
        }
        self.at = Position {
            segment: self.at.segment + 1,
            offset: 0,
        };
    }

    /// Begins the segment that is to be written.
    fn begin(&mut self) -> io::Result<()> {
        let path = segment::path(&self.folder, self.at.segment);
        let mut file = OpenOptions::new()
            .create_new(true)
            .append(true)
            .open(&path)?;
        private(&path, 0o600)?;
        file.write_all(&segment::head(&self.writer, self.chain))?;
        file.sync_all()?;
        // So that the file has a name after a crash, too.
        File::open(&self.folder)?.sync_all()?;
        self.at.offset = HEAD as u64;
        self.file = Some(file);
        self.sealed = self.measure()?;
        Ok(())
    }

    /// How long the segments are that are still there, but for this one.
    fn measure(&self) -> io::Result<u64> {
        let mut length = 0;
        for number in segment::all(&self.folder)? {
            if number != self.at.segment {
                // It may be gone by now: then it has been kept.
                let file = fs::metadata(segment::path(&self.folder, number));
                length += file.map_or(0, |file| file.len());
            }
        }
        Ok(length)
    }
}

/// For its owner alone.
#[cfg(unix)]
fn private(path: &Path, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn private(_: &Path, _: u32) -> io::Result<()> {
    Ok(())
}

fn random() -> io::Result<WriterId> {
    let mut id = WriterId::default();
    getrandom::fill(&mut id).map_err(io::Error::other)?;
    Ok(id)
}

fn name(writer: &WriterId) -> String {
    writer.iter().map(|byte| format!("{byte:02x}")).collect()
}
