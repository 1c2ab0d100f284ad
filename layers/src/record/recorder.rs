use std::{
    fmt, io,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
        mpsc::{SyncSender, TrySendError, sync_channel},
    },
    thread::{self, JoinHandle},
    time::{Duration, UNIX_EPOCH},
};

use super::{
    Redact,
    note::{Note, Noted},
    spool::{Feed, Spool},
    writer::Writer,
};

/// How many notes may wait for the writer. They are small: bodies are counted apart.
const NOTES: usize = 1 << 15;

/// How a [`Recorder`] records.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where the spool is.
    pub folder: PathBuf,
    /// What is promised.
    pub durability: Durability,
    /// How many bytes of bodies may wait for the writer; 16 MiB unless told otherwise. What is beyond is not kept, and
    /// counted, with 0 all of it: an exchange never waits for room.
    pub queue: usize,
    /// How large the spool may become while no store takes anything from it; 256 MiB unless told otherwise. What is beyond
    /// is recorded without its bodies, and counted.
    pub spool: u64,
    /// Whether what cannot be recorded may not happen: then an exchange is refused with a 503 while the disk does not take
    /// records or the spool is full, and a request is on the disk before anything of it goes up, whatever `durability` says.
    pub required: bool,
    /// What takes out what is not to be recorded; nothing unless told otherwise. A long reply waits in memory for its end then, and
    /// beyond 16 MiB of such replies they are recorded without their bodies.
    pub redact: Option<Arc<dyn Redact>>,
}

impl Settings {
    /// The usual settings, with a spool in this folder.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            durability: Durability::default(),
            queue: 16 << 20,
            spool: 256 << 20,
            required: false,
            redact: None,
        }
    }
}

/// What is promised about a record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// When its client has seen the end of a reply, the record is on the disk.
    #[default]
    Terminal,
    /// That, and the request is on the disk before anything of it goes up.
    Request,
    /// Up to 200 ms of records may be lost with the machine.
    Relaxed,
}

/// Takes down what happens, without making anybody wait for a database. Cloning it copies a pointer.
#[derive(Clone)]
pub struct Recorder(Arc<Shared>);

struct Shared {
    sender: SyncSender<Note>,
    durability: Durability,
    required: bool,
    queue: usize,
    counters: Arc<Counters>,
    /// The writer, until it is waited for.
    thread: Mutex<Option<JoinHandle<()>>>,
    numbers: AtomicU64,
    is_open: AtomicBool,
}

/// What a recorder has counted.
#[derive(Debug, Default)]
pub(super) struct Counters {
    /// Bytes of bodies that wait for the writer.
    pub(super) queued: AtomicUsize,
    pub(super) shed_bodies: AtomicU64,
    pub(super) lost_notes: AtomicU64,
    pub(super) failed_writes: AtomicU64,
    pub(super) ended: AtomicU64,
    pub(super) spooled: AtomicU64,
    pub(super) written_events: AtomicU64,
    pub(super) is_degraded: AtomicBool,
    pub(super) is_full: AtomicBool,
}

/// How a recorder does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// Bytes of bodies that wait for the writer.
    pub queued: usize,
    /// Bytes in the spool, at most.
    pub spooled: u64,
    /// The number of the last event that the disk has, counted since the spool was made. A keeper says how far it has come.
    pub written_events: u64,
    /// Exchanges whose end was recorded.
    pub ended: u64,
    /// Bodies that there was no room for.
    pub shed_bodies: u64,
    /// Notes that there was no room for, or that the disk did not take.
    pub lost_notes: u64,
    /// Times that the disk did not take something.
    pub failed_writes: u64,
    /// Whether the last write has failed: what is promised is not kept at the moment.
    pub is_degraded: bool,
    /// Whether the spool is full: what comes now is recorded without its bodies, or in the place of older ones.
    pub is_full: bool,
}

impl Recorder {
    /// Starts to record. What was noted comes out of the [`Feed`], for a store to keep.
    ///
    /// # Errors
    ///
    /// If the folder cannot be written, or another process records there.
    pub fn start(settings: &Settings) -> io::Result<(Self, Feed)> {
        let (spool, feed) = Spool::open(&settings.folder, settings.spool)?;
        let (sender, notes) = sync_channel(NOTES);
        let counters = Arc::new(Counters::default());
        let writer = Writer::new(spool, counters.clone(), settings.redact.clone());
        let thread = thread::Builder::new()
            .name("luthien-record".to_owned())
            .spawn(move || writer.run(&notes))?;
        let durability = match settings.required {
            true => Durability::Request,
            false => settings.durability,
        };
        let shared = Shared {
            sender,
            durability,
            required: settings.required,
            queue: settings.queue,
            counters,
            thread: Mutex::new(Some(thread)),
            numbers: AtomicU64::new(0),
            is_open: AtomicBool::new(true),
        };
        Ok((Self(Arc::new(shared)), feed))
    }

    /// How it does.
    pub fn health(&self) -> Health {
        let counters = &*self.0.counters;
        Health {
            queued: counters.queued.load(Ordering::Relaxed),
            spooled: counters.spooled.load(Ordering::Relaxed),
            written_events: counters.written_events.load(Ordering::Relaxed),
            ended: counters.ended.load(Ordering::Relaxed),
            shed_bodies: counters.shed_bodies.load(Ordering::Relaxed),
            lost_notes: counters.lost_notes.load(Ordering::Relaxed),
            failed_writes: counters.failed_writes.load(Ordering::Relaxed),
            is_degraded: counters.is_degraded.load(Ordering::Relaxed),
            is_full: counters.is_full.load(Ordering::Relaxed),
        }
    }

    /// Writes what was noted so far and stops. What is noted afterwards is lost. Blocks until the disk has all of it.
    pub fn close(&self) {
        if self.0.is_open.swap(false, Ordering::AcqRel) {
            let note = Note::now("".into(), Noted::Close);
            // The writer is alive as long as nobody has closed it.
            self.0.sender.send(note).ok();
        }
        let thread = self
            .0
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(thread) = thread
            && thread.join().is_err()
        {
            self.0.counters.is_degraded.store(true, Ordering::Relaxed);
        }
    }

    pub(super) fn durability(&self) -> Durability {
        self.0.durability
    }

    /// Whether what cannot be recorded may not happen.
    pub(super) fn is_required(&self) -> bool {
        self.0.required
    }

    /// Whether exchanges get through: not if they have to be recorded and cannot be.
    pub fn takes_requests(&self) -> bool {
        !self.is_required() || self.is_able()
    }

    /// Whether what happens now can be recorded whole, as far as is known.
    pub(super) fn is_able(&self) -> bool {
        let counters = &*self.0.counters;
        self.0.is_open.load(Ordering::Relaxed)
            && !counters.is_degraded.load(Ordering::Relaxed)
            && !counters.is_full.load(Ordering::Relaxed)
    }

    /// A name for an exchange that has none.
    pub(super) fn name(&self) -> Arc<str> {
        let number = self.0.numbers.fetch_add(1, Ordering::Relaxed);
        format!("{:x}-{number:x}", now()).into()
    }

    /// Notes something. Never waits.
    pub(super) fn note(&self, mut note: Note) {
        let counters = &self.0.counters;
        let held = note.held();
        if held > 0 {
            let queued = counters.queued.fetch_add(held, Ordering::Relaxed);
            // What alone is longer than the queue has to come through as well, if anything shall.
            let is_alone = queued == 0 && self.0.queue > 0;
            if !is_alone && queued + held > self.0.queue {
                counters.queued.fetch_sub(held, Ordering::Relaxed);
                counters.shed_bodies.fetch_add(1, Ordering::Relaxed);
                note.shed();
            }
        }
        if let Err(TrySendError::Full(note) | TrySendError::Disconnected(note)) =
            self.0.sender.try_send(note)
        {
            counters.queued.fetch_sub(note.held(), Ordering::Relaxed);
            counters.lost_notes.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Microseconds since 1970.
#[allow(
    clippy::disallowed_types,
    reason = "a label of what is recorded: nothing is measured by it"
)]
pub(super) fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(UNIX_EPOCH);
    i64::try_from(since.unwrap_or(Duration::ZERO).as_micros()).unwrap_or(i64::MAX)
}

/// Shows how it does.
impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Recorder").field(&self.health()).finish()
    }
}
