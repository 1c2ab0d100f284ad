use bytes::Bytes;
use luthien_core::{
    Dialect,
    body::Chunk,
    reply::{Assembler, ReplyBlock},
    request::BlockKind,
};
use serde_json::json;

use super::{Call, Said};

fn blocks(dialect: Dialect, stream: bool, frames: Vec<Bytes>) -> Vec<ReplyBlock> {
    let mut assembler = Assembler::new(1 << 20);
    let mut blocks = Vec::new();
    for frame in frames {
        let chunk = if stream {
            Chunk::event_of(dialect, frame)
        } else {
            Chunk::whole(dialect, frame)
        };
        let event = chunk.event().unwrap();
        assert!(!event.is_ambiguous() && !event.is_unreadable(), "{event:?}");
        assembler.push(event, &mut blocks).unwrap();
    }
    blocks.extend(assembler.finish());
    blocks
}

#[test]
fn what_is_said_is_the_same_in_every_dialect_streamed_and_whole() {
    let said = Said {
        model: "m".to_owned(),
        thinking: "I should look first.".to_owned(),
        text: "Let me look.".to_owned(),
        calls: vec![
            Call {
                name: "Bash".to_owned(),
                input: json!({"command": "ls -l"}),
            },
            Call {
                name: "patch".to_owned(),
                input: json!("*** Begin Patch"),
            },
        ],
    };
    assert!(!said.can_be_said_in(Dialect::Anthropic));
    for dialect in Dialect::ALL {
        let mut said = said.clone();
        if !said.can_be_said_in(dialect) {
            said.calls.truncate(1);
        }
        for stream in [true, false] {
            let blocks = blocks(dialect, stream, said.reply(dialect, stream));
            let of = |kind: BlockKind| blocks.iter().filter(move |block| block.kind == kind);
            let text: Vec<_> = of(BlockKind::Text).map(|block| &*block.text).collect();
            assert_eq!(text, [&*said.text], "{dialect} {stream}");
            let thinking: Vec<_> = of(BlockKind::Thinking).map(|block| &*block.text).collect();
            assert_eq!(thinking, [&*said.thinking], "{dialect} {stream}");
            let calls: Vec<_> = of(BlockKind::ToolCall)
                .map(|block| (block.name.clone().unwrap(), block.input.clone()))
                .collect();
            let expected: Vec<_> = said
                .calls
                .iter()
                .map(|call| (call.name.clone(), call.text().0))
                .collect();
            assert_eq!(calls, expected, "{dialect} {stream}");
        }
    }
}
