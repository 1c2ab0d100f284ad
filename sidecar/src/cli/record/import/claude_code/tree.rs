//! The lines of a transcript as the tree that they are: each names the one before it.

use std::collections::{HashMap, HashSet};

use super::line::{Line, Piece, Says};

/// The lines that have a place.
#[derive(Debug, Default)]
pub(super) struct Tree {
    lines: Vec<Line>,
    /// The line before each, if it is here.
    parents: Vec<Option<usize>>,
    places: HashMap<String, usize>,
    /// The lines of each reply.
    replies: HashMap<String, Vec<usize>>,
    /// Where calls of tools are answered first.
    answers: HashMap<String, usize>,
}

/// A message of a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Message {
    /// What the model is told: one line, or several that it is told at once.
    User(Vec<usize>),
    /// A whole reply.
    Assistant(Vec<usize>),
}

impl Tree {
    /// Adds the next line. One that is there already stays as it is.
    pub(super) fn add(&mut self, line: Line) {
        let place = self.lines.len();
        if self.places.contains_key(&line.uuid) {
            return;
        }
        self.places.insert(line.uuid.clone(), place);
        match &line.says {
            Says::User { answers, .. } => {
                for call in answers {
                    self.answers.entry(call.clone()).or_insert(place);
                }
            }
            Says::Assistant(piece) => {
                self.replies
                    .entry(piece.id.clone())
                    .or_default()
                    .push(place);
            }
            Says::Nothing(_) => {}
        }
        self.lines.push(line);
    }

    /// Finds the line before each; all lines are there now.
    pub(super) fn join(&mut self) {
        let parents = self.lines.iter().map(|line| {
            let parent = line.parent.as_ref()?;
            self.places.get(parent).copied()
        });
        self.parents = parents.collect();
    }

    pub(super) fn line(&self, place: usize) -> Option<&Line> {
        self.lines.get(place)
    }

    pub(super) fn piece(&self, place: usize) -> Option<&Piece> {
        match &self.lines.get(place)?.says {
            Says::Assistant(piece) => Some(piece),
            _ => None,
        }
    }

    /// The replies, in the order in which they began: the lines of each.
    pub(super) fn replies(&self) -> Vec<&[usize]> {
        let mut replies: Vec<_> = self.replies.values().map(Vec::as_slice).collect();
        replies.sort_by_key(|lines| lines.first().copied());
        replies
    }

    /// The way from the first line to the one before this.
    pub(super) fn before(&self, place: usize) -> Vec<usize> {
        let parent = |place: usize| self.parents.get(place).copied().flatten();
        let mut way = Vec::new();
        let mut next = parent(place);
        // Lines that follow each other in a circle are no more than there are.
        while let Some(place) = next.filter(|_| way.len() < self.lines.len()) {
            way.push(place);
            next = parent(place);
        }
        way.reverse();
        way
    }

    /// The messages of a request that was asked at the end of this way, before the reply that begins with the line `first`.
    ///
    /// A reply is whole, although its lines may lie apart, and what its calls have answered follows it, although only the last
    /// of several answers lies on the way: each hangs on the line of its own call.
    pub(super) fn messages(&self, way: &[usize], first: usize) -> Vec<Message> {
        let mut messages = Messages::default();
        let mut replies = HashSet::new();
        for place in way {
            match self.lines.get(*place).map(|line| &line.says) {
                Some(Says::User { .. }) => messages.tell(*place),
                Some(Says::Assistant(piece)) if piece.error.is_none() => {
                    if !replies.insert(&piece.id) {
                        continue;
                    }
                    let lines = self.replies.get(&piece.id).cloned().unwrap_or_default();
                    let pieces = lines.iter().filter_map(|line| self.piece(*line));
                    let calls = pieces.flat_map(|piece| &piece.calls);
                    let answers = calls.filter_map(|call| self.answers.get(call).copied());
                    let answers: Vec<_> = answers.filter(|answer| *answer < first).collect();
                    messages.all.push(Message::Assistant(lines));
                    for answer in answers {
                        messages.tell(answer);
                    }
                }
                _ => {}
            }
        }
        messages.all
    }
}

/// Messages, and which lines are in those that the model is told.
#[derive(Default)]
struct Messages {
    all: Vec<Message>,
    told: HashSet<usize>,
}

impl Messages {
    /// Adds what the model is told, to what it is told at once with it.
    fn tell(&mut self, place: usize) {
        if !self.told.insert(place) {
            return;
        }
        match self.all.last_mut() {
            Some(Message::User(lines)) => {
                let at = lines.partition_point(|line| *line < place);
                lines.insert(at, place);
            }
            _ => self.all.push(Message::User(vec![place])),
        }
    }
}
