//! Frames and fields against a reader of the standard that is written as plainly as possible.

use bytes::Bytes;
use luthien_core::sse::{EventTooLong, Fields, Framer};

use crate::{Dice, cuttings};

type Event = (Option<Vec<u8>>, Vec<u8>);

pub fn check(data: &[u8]) {
    let expected = reference(data);
    let mut dice = Dice::of(data);
    let mut longest = None;
    for pieces in cuttings(data, &mut dice) {
        let Ok(frames) = frames(&pieces, usize::MAX) else {
            panic!("no event is longer than all memory");
        };
        assert_eq!(frames.concat(), data, "the bytes that came");
        assert!(!frames.iter().any(Bytes::is_empty), "an empty frame");
        assert_eq!(events(&frames), expected, "{pieces:?}");
        // The first cutting is none.
        let longest =
            *longest.get_or_insert_with(|| frames.iter().map(Bytes::len).max().unwrap_or(0));
        bounded(&pieces, longest);
    }
}

/// An event passes if it may be so long, and not otherwise. Two bytes are of no account: an LF that comes later than its
/// CR goes with the event that follows.
fn bounded(pieces: &[Bytes], longest: usize) {
    match frames(pieces, longest + 1) {
        Ok(frames) => assert!(frames.iter().all(|frame| frame.len() <= longest + 1)),
        Err(error) => panic!("{error}, and none is longer than {longest}"),
    }
    if let Some(limit) = longest.checked_sub(2) {
        assert_eq!(frames(pieces, limit), Err(EventTooLong { limit }));
    }
    if let [_whole] = pieces {
        assert!(frames(pieces, longest).is_ok());
        assert!(longest == 0 || frames(pieces, longest - 1).is_err());
    }
}

fn frames(pieces: &[Bytes], limit: usize) -> Result<Vec<Bytes>, EventTooLong> {
    let mut framer = Framer::new(limit);
    let mut frames = Vec::new();
    for piece in pieces {
        framer.push(piece.clone());
        while let Some(frame) = framer.next_frame()? {
            frames.push(frame);
        }
    }
    frames.extend(framer.finish());
    Ok(frames)
}

fn events(frames: &[Bytes]) -> Vec<Event> {
    let fields = frames
        .iter()
        .enumerate()
        .map(|(index, frame)| Fields::read(frame, index == 0));
    fields
        .filter_map(|fields| {
            let data = fields.data()?.to_vec();
            Some((fields.event().map(<[u8]>::to_vec), data))
        })
        .collect()
}

/// <https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation>, save that the end of the
/// stream counts as a blank line.
fn reference(stream: &[u8]) -> Vec<Event> {
    let stream = stream.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(stream);
    let mut lines = vec![Vec::new()];
    let mut before = 0;
    for &byte in stream {
        match byte {
            b'\n' if before == b'\r' => {}
            b'\n' | b'\r' => lines.push(Vec::new()),
            _ => lines.last_mut().unwrap().push(byte),
        }
        before = byte;
    }
    lines.push(Vec::new());

    let mut events = Vec::new();
    let (mut name, mut data) = (None, Vec::new());
    for line in lines {
        if line.is_empty() {
            // Each line of data has left an LF, of which the last is taken off.
            if data.pop().is_some() {
                events.push((name, data));
            }
            (name, data) = (None, Vec::new());
            continue;
        }
        let colon = line.iter().position(|&byte| byte == b':');
        let field = &line[..colon.unwrap_or(line.len())];
        let value = colon.map_or(&[][..], |colon| &line[colon + 1..]);
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match field {
            b"event" => name = Some(value.to_vec()),
            b"data" => {
                data.extend_from_slice(value);
                data.push(b'\n');
            }
            _ => {}
        }
    }
    events
}
