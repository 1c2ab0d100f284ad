//! Where in its conversation a request stands: what it goes on from, and what is new in it.

use super::state::{Need, Placed, Recent, SessionState, State};

/// Where a request stands.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Thread {
    /// The nodes on its way that the session has not had, in order.
    pub(super) path: Vec<i64>,
    /// How many of them say only what was said before: by a reply, or in other form.
    pub(super) repeated: usize,
    /// The transaction that it goes on from.
    pub(super) follows: Option<i64>,
    /// How many messages it has in common with that one and its reply, but for thinking alone in the reply.
    pub(super) shared: i64,
    /// Messages that repeat one of ours, and ours.
    pub(super) ours: Vec<(i64, i64)>,
}

/// Finds out where the request with this last node stands in a session.
pub(super) fn thread(state: &State, session: &SessionState, head: i64) -> Result<Thread, Need> {
    let (path, base) = way(state, session, head)?;
    let depth = |node: i64| state.nodes.get(&node).and_then(|node| node.depth);
    let first = base.and_then(depth).map_or(0, |depth| depth + 1);
    let mut thread = Thread {
        shared: first,
        follows: match base {
            Some(base) => from(state, session, base, first)?,
            None => None,
        },
        path,
        ..Thread::default()
    };
    let Some(found) = best(state, session, base, first, &thread.path)? else {
        return Ok(thread);
    };
    thread.follows = Some(found.number);
    let (expected, pairs) = found.expected_and_pairs(state, &thread.path);
    thread.repeated = pairs.len();
    // Thinking may be left out, so it does not count.
    let said = pairs.iter().filter_map(|at| expected.get(*at)?.said);
    let count = said.filter(|said| !said.is_thought()).count();
    thread.shared += i64::try_from(count).unwrap_or_default();
    for (node, at) in thread.path.iter().zip(pairs) {
        let message = state.nodes.get(node).and_then(|node| node.message);
        let message = message.and_then(|message| state.messages.get(&message));
        let (Some(message), Some(placed)) = (message, expected.get(at)) else {
            continue;
        };
        // All of it: it can take the place of ours.
        let is_same = placed.ours && placed.said == message.said;
        let is_there = message.stored.is_some() || message.has_body;
        if is_same && is_there && message.number != placed.message {
            thread.ours.push((message.number, placed.message));
        }
    }
    Ok(thread)
}

/// The nodes from the head up to the last that the session has had, in order, and that one.
fn way(state: &State, session: &SessionState, head: i64) -> Result<(Vec<i64>, Option<i64>), Need> {
    let (mut path, mut at) = (Vec::new(), Some(head));
    while let Some(number) = at {
        let node = state.nodes.get(&number).ok_or(Need::Path(number, 0))?;
        if node.session == Some(session.row.number) {
            path.reverse();
            return Ok((path, Some(number)));
        }
        // Another session has brought it, from which this one was forked, perhaps some turns ago.
        if node.transaction.is_some() && !session.is_new {
            let seen = session
                .seen
                .as_ref()
                .ok_or_else(|| Need::Seen(session.row.session_id.clone()))?;
            if let (Some(depth), Some(message)) = (node.depth, node.message)
                && seen.contains(&(depth, message))
            {
                path.reverse();
                return Ok((path, Some(number)));
            }
        }
        path.push(number);
        at = node.parent;
        // A broken tree is no reason to go in circles.
        if path.len() > 1_000_000 {
            break;
        }
    }
    path.reverse();
    Ok((path, None))
}

/// The transaction of this session that brought a node.
fn brought(state: &State, session: &SessionState, node: i64) -> Option<i64> {
    let node = state.nodes.get(&node)?;
    node.transaction
        .filter(|_| node.session == Some(session.row.number))
}

/// The transaction that has said the first `first` messages, up to this node. Those that a transaction has in common with
/// the one before it were said there, the reply to that one included.
fn from(state: &State, session: &SessionState, node: i64, first: i64) -> Result<Option<i64>, Need> {
    let mut from = brought(state, session, node);
    while let Some(number) = from {
        let mut recent = session.recent.iter();
        let Some(recent) = recent.find(|recent| recent.number == number) else {
            return Err(Need::Recent(session.row.session_id.clone(), number));
        };
        match recent.follows {
            Some(before) if first <= recent.shared && before < number => from = Some(before),
            _ => break,
        }
    }
    Ok(from)
}

/// A transaction that a request may go on from.
struct Candidate {
    number: i64,
    /// The messages that would come next: the rest of its own, and its reply.
    expected: Vec<Placed>,
}

impl Candidate {
    /// What is expected, and for each node of the path that says it, its place.
    fn expected_and_pairs(self, state: &State, path: &[i64]) -> (Vec<Placed>, Vec<usize>) {
        let pairs = pairs(state, path, &self.expected);
        (self.expected, pairs)
    }
}

/// For each node, from the first on, which of the expected messages it says again. Thinking may be left out.
fn pairs(state: &State, path: &[i64], expected: &[Placed]) -> Vec<usize> {
    let mut pairs = Vec::new();
    let mut at = 0;
    for node in path {
        let Some(said) = state.said(*node) else { break };
        let rest = expected.get(at..).unwrap_or_default();
        let found = rest.iter().position(|placed| {
            let is_thought = placed.said.is_some_and(|said| said.is_thought());
            !is_thought || said.is_thought()
        });
        let Some(skipped) = found else { break };
        let repeats = |placed: &Placed| placed.said.is_some_and(|placed| said.repeats(&placed));
        if !rest.get(skipped).is_some_and(repeats) {
            break;
        }
        pairs.push(at + skipped);
        at += skipped + 1;
    }
    pairs
}

/// The transaction that a request goes on from behind `base`: the one of whose messages it says most again.
fn best(
    state: &State,
    session: &SessionState,
    base: Option<i64>,
    first: i64,
    path: &[i64],
) -> Result<Option<Candidate>, Need> {
    // Those that end where the path begins, the latest first.
    let ends_there = |recent: &&Recent| base.is_some() && recent.head == base;
    let mut best: Option<(usize, Candidate)> = None;
    for recent in session.recent.iter().rev().filter(ends_there) {
        let candidate = Candidate {
            number: recent.number,
            expected: recent.reply.clone(),
        };
        let length = pairs(state, path, &candidate.expected).len();
        if best.as_ref().is_none_or(|(most, _)| length > *most) {
            best = Some((length, candidate));
        }
    }
    if best.is_some() || path.is_empty() {
        return Ok(best.map(|(_, best)| best));
    }
    // A message that was sent in other form makes another way, though it says the same.
    let start = path.first().and_then(|node| state.said(*node));
    for recent in session.recent.iter().rev().take(4) {
        let starts_alike = base.is_some()
            || matches!((start, recent.root_said), (Some(a), Some(b)) if a.repeats(&b));
        let Some(mut expected) = starts_alike
            .then(|| rest(state, recent, base, first))
            .transpose()?
            .flatten()
        else {
            continue;
        };
        expected.extend(recent.reply.iter().cloned());
        let length = pairs(state, path, &expected).len();
        if length > 0 && best.as_ref().is_none_or(|(most, _)| length > *most) {
            let number = recent.number;
            best = Some((length, Candidate { number, expected }));
        }
    }
    Ok(best.map(|(_, best)| best))
}

/// The messages of a transaction behind `base`, which is `first` messages deep. `None` if `base` is not on its way.
fn rest(
    state: &State,
    recent: &Recent,
    base: Option<i64>,
    first: i64,
) -> Result<Option<Vec<Placed>>, Need> {
    let (mut messages, mut at) = (Vec::new(), recent.head);
    while let Some(number) = at {
        if Some(number) == base {
            break;
        }
        let node = state.nodes.get(&number).ok_or(Need::Path(number, first))?;
        let (Some(depth), Some(message)) = (node.depth, node.message) else {
            return Ok(None);
        };
        if depth < first || messages.len() > 100_000 {
            return Ok(None);
        }
        messages.push(Placed {
            message,
            said: state.said(number),
            ours: false,
        });
        at = node.parent;
    }
    messages.reverse();
    Ok((at == base).then_some(messages))
}
