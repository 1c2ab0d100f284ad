use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use luthien_core::{
    Dialect,
    body::{Chunk, Decoded, Form, ReplyLimits},
    reply::{Assembler, Event, Part, ReplyBlock},
    request::BlockKind,
};

/// What a client makes of a reply.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// All its texts.
    pub(crate) text: String,
    /// The tools it is to run, and with which arguments.
    pub(crate) calls: Vec<Answered>,
    /// Why there is no reply, or only the beginning of one.
    pub(crate) error: Option<String>,
}

/// A call as it came.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answered {
    pub(crate) name: String,
    pub(crate) input: String,
}

/// As much as a reply may hold.
const LIMIT: usize = 64 << 20;

impl Seen {
    pub(crate) async fn of(dialect: Dialect, streamed: bool, reply: &Bytes) -> Self {
        let mut seen = Self::default();
        let mut assembler = Assembler::new(LIMIT);
        let mut blocks = Vec::new();
        if streamed {
            let form = Form::Stream(dialect);
            let mut body = Decoded::new(Full::new(reply.clone()), form, ReplyLimits::default());
            while let Some(frame) = body.frame().await {
                match frame.map(http_body::Frame::into_data) {
                    Ok(Ok(chunk)) => seen.take(&chunk, &mut assembler, &mut blocks),
                    Ok(Err(_)) => {}
                    Err(error) => seen.error = Some(error.to_string()),
                }
            }
        } else {
            let chunk = Chunk::whole(dialect, reply.clone());
            seen.take(&chunk, &mut assembler, &mut blocks);
        }
        blocks.extend(assembler.finish());
        blocks.into_iter().for_each(|block| seen.add(block));
        seen
    }

    fn take(&mut self, chunk: &Chunk, assembler: &mut Assembler, blocks: &mut Vec<ReplyBlock>) {
        let Some(event) = chunk.event() else {
            return;
        };
        if let Err(error) = assembler.push(event, blocks) {
            self.error = Some(error.to_string());
        }
        if event.is_unreadable() {
            self.error = Some("the reply cannot be read".to_owned());
        }
        if let Some(error) = error_of(event) {
            self.error = Some(error);
        }
    }

    fn add(&mut self, block: ReplyBlock) {
        match block.kind {
            BlockKind::Text | BlockKind::Refusal => {
                if !self.text.is_empty() {
                    self.text.push_str("\n\n");
                }
                self.text.push_str(&block.text);
            }
            BlockKind::ToolCall => self.calls.push(Answered {
                name: block.name.unwrap_or_default(),
                input: block.input,
            }),
            _ => {}
        }
    }
}

fn error_of(event: &Event) -> Option<String> {
    event.parts().iter().find_map(|part| match part {
        Part::Error { message, .. } => {
            let message = message.as_ref().map(|message| message.decode());
            Some(message.as_deref().unwrap_or("an error").to_owned())
        }
        _ => None,
    })
}
