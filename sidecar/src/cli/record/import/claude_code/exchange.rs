//! From a tree of lines to exchanges.

use bytes::Bytes;
use luthien::record::{
    Asked, ContentHash, Ended, Ending, Event, Reply, Request, Tokens, What, import::Foreign,
};
use luthien_core::{Dialect, body::Chunk};

use super::{
    CLIENT,
    line::{Line, Says, Trouble},
    tree::{Message, Tree},
};

/// An exchange, and what it can be told by.
pub(in super::super) struct Exchange<'a> {
    pub(in super::super) id: String,
    pub(in super::super) session: Option<&'a str>,
    /// When it was asked, in microseconds since 1970.
    pub(in super::super) asked_at: i64,
    /// When its last line was written.
    pub(in super::super) at: i64,
    /// The tokens that it took.
    pub(in super::super) usage: Option<Tokens>,
    tree: &'a Tree,
    begin: &'a Line,
    /// Its first line.
    first: usize,
    model: Option<&'a str>,
    stop_reason: Option<&'a str>,
    error: Option<&'a Trouble>,
    body: Bytes,
}

/// The exchange in which this reply came, whose lines these are.
pub(super) fn exchange<'a>(tree: &'a Tree, reply: &'a [usize]) -> Option<Exchange<'a>> {
    let (first, last) = (*reply.first()?, *reply.last()?);
    let begin = tree.line(first)?;
    let pieces = || reply.iter().filter_map(|place| tree.piece(*place));
    let error = pieces().find_map(|piece| piece.error.as_ref());
    let model = pieces().find_map(|piece| piece.model.as_deref());
    if error.is_none() && model.is_none() {
        // Claude Code has said it itself.
        return None;
    }
    let way = tree.before(first);
    if tree.messages(&way, first).is_empty() {
        return None;
    }
    let at = tree.line(last)?.at?;
    let begun_at = begin.at.unwrap_or(at);
    let before = way.last().and_then(|place| tree.line(*place)?.at);
    let body = whole(tree, reply, model);
    let id = ContentHash::of(pieces().next()?.id.as_bytes()).to_string();
    Some(Exchange {
        id: format!("cc-{}", id.get(..16)?),
        session: begin.session.as_deref(),
        asked_at: before.unwrap_or(begun_at).min(begun_at),
        at,
        usage: tokens(&body).filter(|_| error.is_none()),
        tree,
        begin,
        first,
        model,
        stop_reason: pieces()
            .filter_map(|piece| piece.stop_reason.as_deref())
            .next_back(),
        error,
        body,
    })
}

impl Exchange<'_> {
    /// All of it.
    pub(in super::super) fn foreign(&self) -> Foreign {
        let way = self.tree.before(self.first);
        let asked = asked(self.begin, self.model.or_else(|| earlier(self.tree, &way)));
        let messages = self.tree.messages(&way, self.first);
        let request = request(self.tree, &messages, asked.model.as_deref());
        let ended = match self.error {
            Some(trouble) => failed(trouble, self.asked_at, self.at),
            None => self.ended(),
        };
        let event = |sequence, at, what| Event {
            transaction_id: self.id.as_str().into(),
            sequence,
            at,
            what,
        };
        Foreign {
            events: vec![
                event(0, self.asked_at, What::RequestReceived(Box::new(asked))),
                event(1, self.at, What::Ended(Box::new(ended))),
            ],
            request: Some(request),
            reply: self.error.is_none().then(|| self.body.clone()),
            ..Foreign::default()
        }
    }

    /// How it ended, if it was answered.
    fn ended(&self) -> Ended {
        Ended {
            ending: Ending::Ok,
            status: Some(200),
            model: self.model.map(Into::into),
            stop_reason: self.stop_reason.map(Into::into),
            usage: self.usage.unwrap_or_default(),
            reply: Reply {
                form: "whole".into(),
                bytes: self.body.len() as u64,
                // Its hash is found out when it is taken in.
                body: Some(ContentHash::NONE),
                complete: true,
                ..unanswered()
            },
            ..failed(&Trouble::default(), self.asked_at, self.at)
        }
    }
}

/// The model that has answered last on this way.
fn earlier<'a>(tree: &'a Tree, way: &[usize]) -> Option<&'a str> {
    let pieces = way.iter().rev().filter_map(|place| tree.piece(*place));
    pieces.filter_map(|piece| piece.model.as_deref()).next()
}

fn asked(line: &Line, model: Option<&str>) -> Asked {
    let client = match &line.version {
        Some(version) => format!("{CLIENT} {version}"),
        None => CLIENT.to_owned(),
    };
    let purpose = if line.agent.is_some() {
        "sub_agent"
    } else {
        "turn"
    };
    Asked {
        dialect: Some(Dialect::Anthropic.name().into()),
        method: "POST".into(),
        path: Dialect::Anthropic.path().into(),
        model: model.map(Into::into),
        purpose: Some(purpose.into()),
        agent: line.agent.as_deref().map(Into::into),
        session: line.session.as_deref().map(Into::into),
        client: Some(client.into()),
        // All of it is found out when it is taken in.
        request: Some(Request {
            bytes: 0,
            frame: None,
            head: None,
            messages: 0,
            marks: Vec::new(),
            redacted: false,
        }),
        ..Asked::default()
    }
}

/// How an exchange ended that was not answered. What is shown for it are Claude Code's words.
fn failed(trouble: &Trouble, asked_at: i64, at: i64) -> Ended {
    Ended {
        ending: Ending::UpstreamError,
        reason: trouble.reason.as_deref().map(Into::into),
        status: trouble.status,
        upstream: None,
        attempts: 1,
        model: None,
        stop_reason: None,
        usage: Tokens::default(),
        first_byte_us: None,
        duration_us: at.saturating_sub(asked_at).unsigned_abs(),
        reply: unanswered(),
        provider_reply: None,
        shed: false,
    }
}

fn unanswered() -> Reply {
    Reply {
        form: "opaque".into(),
        bytes: 0,
        body: None,
        rest: Vec::new(),
        complete: false,
        blocks: Vec::new(),
        redacted: false,
    }
}

/// The tokens that a reply reports.
fn tokens(body: &Bytes) -> Option<Tokens> {
    let chunk = Chunk::whole(Dialect::Anthropic, body.clone());
    let usage = *chunk.usage()?;
    Some(Tokens {
        input: usage.input,
        output: usage.output,
        cache_read: usage.cache_read,
        cache_write: usage.cache_write,
        cache_write_1h: usage.cache_write_1h,
        reasoning: usage.reasoning,
    })
}

/// The request as far as it is known: what was said before.
fn request(tree: &Tree, messages: &[Message], model: Option<&str>) -> Bytes {
    let mut body = b"{\"model\":".to_vec();
    body.extend(quoted(model));
    body.extend_from_slice(b",\"messages\":[");
    for (at, message) in messages.iter().enumerate() {
        if at > 0 {
            body.push(b',');
        }
        match message {
            Message::User(lines) => user(tree, lines, &mut body),
            Message::Assistant(lines) => {
                body.extend_from_slice(b"{\"role\":\"assistant\",\"content\":[");
                blocks(tree, lines, &mut body);
                body.extend_from_slice(b"]}");
            }
        }
    }
    body.extend_from_slice(b"]}");
    body.into()
}

fn user(tree: &Tree, lines: &[usize], body: &mut Vec<u8>) {
    let contents = lines
        .iter()
        .filter_map(|place| match &tree.line(*place)?.says {
            Says::User { content, .. } => Some(content),
            _ => None,
        });
    let contents: Vec<_> = contents.collect();
    body.extend_from_slice(b"{\"role\":\"user\",\"content\":");
    if let [only] = &*contents {
        body.extend_from_slice(only);
    } else {
        body.push(b'[');
        let mut is_first = true;
        for content in contents {
            let blocks = match &**content {
                [b'[', blocks @ .., b']'] => blocks.trim_ascii(),
                text => &[&b"{\"type\":\"text\",\"text\":"[..], text, b"}"].concat(),
            };
            if !is_first && !blocks.is_empty() {
                body.push(b',');
            }
            is_first &= blocks.is_empty();
            body.extend_from_slice(blocks);
        }
        body.push(b']');
    }
    body.push(b'}');
}

/// The blocks of a reply.
fn blocks(tree: &Tree, lines: &[usize], body: &mut Vec<u8>) {
    let pieces = lines.iter().filter_map(|place| tree.piece(*place));
    let pieces = pieces.filter(|piece| !piece.blocks.is_empty());
    for (at, piece) in pieces.enumerate() {
        if at > 0 {
            body.push(b',');
        }
        body.extend_from_slice(&piece.blocks);
    }
}

/// A reply, put together of its lines.
fn whole(tree: &Tree, lines: &[usize], model: Option<&str>) -> Bytes {
    let pieces = || lines.iter().filter_map(|place| tree.piece(*place));
    let id = pieces().next().map(|piece| piece.id.as_str());
    let stop_reason = pieces()
        .filter_map(|piece| piece.stop_reason.as_deref())
        .next_back();
    let mut body = b"{\"id\":".to_vec();
    body.extend(quoted(id));
    body.extend_from_slice(b",\"type\":\"message\",\"role\":\"assistant\",\"model\":");
    body.extend(quoted(model));
    body.extend_from_slice(b",\"content\":[");
    blocks(tree, lines, &mut body);
    body.extend_from_slice(b"],\"stop_reason\":");
    body.extend(quoted(stop_reason));
    // Each line repeats it; only the last knows all that came out.
    if let Some(usage) = pieces()
        .filter_map(|piece| piece.usage.as_ref())
        .next_back()
    {
        body.extend_from_slice(b",\"usage\":");
        body.extend_from_slice(usage);
    }
    body.push(b'}');
    body.into()
}

/// A text as JSON.
fn quoted(text: Option<&str>) -> Vec<u8> {
    // A text can always be written.
    serde_json::to_vec(&text).unwrap_or_default()
}
