//! What layers tell the writer. Making one copies no body.

use std::sync::Arc;

use bytes::Bytes;
use luthien_core::{
    body::{Chunk, Form},
    request::LlmRequest,
};
use tokio::sync::oneshot;

use super::{Asked, Covered, Decided, Said, Tokens};

/// Something that happened to an exchange.
#[derive(Debug)]
pub(super) struct Note {
    pub(super) id: Arc<str>,
    /// In microseconds since 1970.
    pub(super) at: i64,
    pub(super) what: Noted,
}

impl Note {
    pub(super) fn now(id: Arc<str>, what: Noted) -> Self {
        let at = super::recorder::now();
        Self { id, at, what }
    }

    /// How much memory of bodies it holds.
    pub(super) fn held(&self) -> usize {
        match &self.what {
            Noted::Asked { request, .. } => request.as_ref().map_or(0, |call| call.bytes().len()),
            Noted::Sent(request) => request.as_ref().map_or(0, |call| call.bytes().len()),
            Noted::Provided(frames) | Noted::Piece(_, frames) => frames.held(),
            Noted::Ended { ending, .. } => ending.reply.held(),
            _ => 0,
        }
    }

    /// Lets go of bodies.
    pub(super) fn shed(&mut self) {
        match &mut self.what {
            Noted::Asked { request, .. } | Noted::Sent(request) => *request = None,
            Noted::Provided(frames) | Noted::Piece(_, frames) => frames.shed(),
            Noted::Ended { ending, .. } => ending.reply.shed(),
            _ => {}
        }
    }
}

#[derive(Debug)]
pub(super) enum Noted {
    Asked {
        asked: Box<Asked>,
        request: Option<Arc<LlmRequest>>,
        durable: Option<Durable>,
    },
    /// This went up.
    Sent(Option<Arc<LlmRequest>>),
    /// A piece of a long reply: more is to come.
    Piece(Side, Frames),
    /// This came from the provider, or the last piece of it.
    Provided(Frames),
    Decided(Box<Decided>),
    Said(Said),
    Covered(Covered),
    Ended {
        ending: Box<Closing>,
        durable: Option<Durable>,
    },
    /// Nothing more will be noted.
    Close,
}

/// On which side of the policies something was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Client,
    Provider,
}

/// Told when what was noted is on the disk. Dropped if it cannot be.
pub(super) type Durable = oneshot::Sender<()>;

/// How an exchange ended, as far as the layer on the client's side can know.
#[derive(Debug)]
pub(super) struct Closing {
    pub(super) close: Close,
    /// The code of a refusal, or the provider's word for its error.
    pub(super) reason: Option<Box<str>>,
    pub(super) status: Option<u16>,
    pub(super) upstream: Option<Box<str>>,
    pub(super) attempts: u32,
    pub(super) usage: Tokens,
    pub(super) duration_us: u64,
    /// What the client got.
    pub(super) reply: Frames,
}

/// How the reply ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Close {
    /// It went out whole.
    Whole,
    /// One of us refused.
    Refused,
    /// The provider ended it in an error.
    ProviderError,
    /// It broke off.
    Broken,
    /// The client left.
    ClientGone,
}

/// The frames of a reply, and when each came, in microseconds from the request.
#[derive(Debug)]
pub(super) struct Frames {
    pub(super) form: Form,
    /// What somebody has read of them already is not read again.
    pub(super) frames: Vec<(Chunk, u64)>,
    /// How long all of them are, with earlier pieces, and those that were not kept.
    pub(super) bytes: u64,
    /// How much memory they take.
    held: usize,
    /// Whether some of them were not kept.
    pub(super) shed: bool,
    pub(super) complete: bool,
}

/// How much of a reply is held before it is handed on.
const PIECE: usize = 256 << 10;
/// The longest reply of which the bytes are kept.
const LONGEST: u64 = 64 << 20;

impl Frames {
    pub(super) fn new(form: Form) -> Self {
        Self {
            form,
            frames: Vec::new(),
            bytes: 0,
            held: 0,
            shed: false,
            complete: false,
        }
    }

    pub(super) fn add(&mut self, frame: &Chunk, at: u64) {
        self.bytes += frame.bytes().len() as u64;
        if self.bytes > LONGEST || self.form == Form::Opaque {
            if self.form != Form::Opaque {
                self.shed();
                self.shed = true;
            }
        } else if !self.shed {
            self.held += frame.bytes().len() + size_of::<(Chunk, u64)>();
            self.frames.push((frame.clone(), at));
        }
    }

    /// What has come so far, if it is enough to be handed on: of a reply without end, little is held.
    pub(super) fn piece(&mut self) -> Option<Self> {
        (self.held >= PIECE).then(|| {
            let frames = std::mem::take(&mut self.frames);
            let held = std::mem::take(&mut self.held);
            Self {
                frames,
                held,
                ..*self
            }
        })
    }

    /// With those that came before.
    pub(super) fn behind(self, before: Option<Self>) -> Self {
        let Some(mut all) = before else {
            return self;
        };
        all.frames.extend(self.frames);
        all.held += self.held;
        Self {
            frames: all.frames,
            held: all.held,
            ..self
        }
    }

    /// All of them, one behind the other.
    pub(super) fn joined(&self) -> Bytes {
        match &*self.frames {
            [(only, _)] => only.bytes().clone(),
            frames => {
                let frames = frames.iter().map(|(frame, _)| &frame.bytes()[..]);
                frames.collect::<Vec<_>>().concat().into()
            }
        }
    }

    /// Whether these are the same bytes, however they were cut.
    pub(super) fn says_the_same(&self, other: &Self) -> bool {
        let is_cut_alike = || {
            let mut pairs = self.frames.iter().zip(&other.frames);
            let is_same = |((a, _), (b, _)): (&(Chunk, u64), &(Chunk, u64))| a.bytes() == b.bytes();
            self.frames.len() == other.frames.len() && pairs.all(is_same)
        };
        self.bytes == other.bytes
            && self.complete == other.complete
            && (is_cut_alike() || self.joined() == other.joined())
    }

    /// How much memory they take.
    pub(super) fn held(&self) -> usize {
        self.held
    }

    /// Their bytes are not kept.
    pub(super) fn shed(&mut self) {
        self.shed |= !self.frames.is_empty();
        self.frames = Vec::new();
        self.held = 0;
    }
}
