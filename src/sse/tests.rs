use bytes::Bytes;
use proptest::prelude::*;

use super::*;

/// Frames of a stream that arrives in these pieces, and what is left over.
fn frames(pieces: &[&[u8]]) -> (Vec<Bytes>, Option<Bytes>) {
    let mut framer = Framer::new(1 << 20);
    let mut frames = Vec::new();
    for piece in pieces {
        framer.push(Bytes::copy_from_slice(piece));
        while let Some(frame) = framer.next_frame().unwrap() {
            frames.push(frame);
        }
    }
    let rest = framer.finish();
    (frames, rest)
}

/// What a reader of the standard would dispatch: event name and data of each event.
fn events(pieces: &[&[u8]]) -> Vec<(String, String)> {
    let (mut frames, rest) = frames(pieces);
    frames.extend(rest);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    frames
        .iter()
        .enumerate()
        .map(|(index, frame)| Fields::read(frame, index == 0))
        .filter_map(|fields| {
            Some((
                text(fields.event().unwrap_or_default()),
                text(fields.data()?),
            ))
        })
        .collect()
}

/// The standard's algorithm, written down as slowly and plainly as possible.
fn reference(stream: &[u8]) -> Vec<(String, String)> {
    let text = String::from_utf8_lossy(stream)
        .replace("\r\n", "\n")
        .replace('\r', "\n");
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let (mut events, mut name, mut data) = (Vec::new(), String::new(), Vec::new());
    // The end of the stream counts as a blank line: see the module docs.
    for line in text.split('\n').chain([""]) {
        if line.is_empty() {
            if !data.is_empty() {
                events.push((name.clone(), data.join("\n")));
            }
            (name, data) = (String::new(), Vec::new());
            continue;
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => name = value.to_owned(),
            "data" => data.push(value.to_owned()),
            _ => {}
        }
    }
    events
}

#[test]
fn each_line_ending_ends_an_event() {
    for end in ["\n", "\r", "\r\n"] {
        let stream = format!("event: a{end}data: 1{end}{end}data: 2{end}{end}");
        let (frames, rest) = frames(&[stream.as_bytes()]);
        assert_eq!(frames.len(), 2, "{end:?}");
        assert_eq!(rest, None, "{end:?}");
        let expected = [("a".into(), "1".into()), (String::new(), "2".into())];
        assert_eq!(events(&[stream.as_bytes()]), expected, "{end:?}");
    }
}

#[test]
fn an_event_is_let_go_at_its_last_cr_without_waiting_for_an_lf() {
    let (frames, rest) = frames(&[b"data: 1\r\n\r", b"\ndata: 2\r\n\r\n"]);
    assert_eq!(frames, ["data: 1\r\n\r", "\ndata: 2\r\n\r\n"]);
    assert_eq!(rest, None);
}

#[test]
fn several_data_lines_are_one_text() {
    let stream = b"data: a\ndata:b\ndata\ndata:  c\n\n";
    assert_eq!(events(&[stream]), [(String::new(), "a\nb\n\n c".into())]);
}

#[test]
fn comments_and_unknown_fields_are_kept_but_say_nothing() {
    let stream = b": keep-alive\n\nid: 7\nretry: 1\nfoo: bar\nevent: x\n\nDATA: no\n\n";
    assert!(events(&[stream]).is_empty());
    assert_eq!(frames(&[stream]).0.concat(), stream);
}

#[test]
fn a_byte_order_mark_is_skipped_only_at_the_start() {
    let stream = "\u{feff}data: 1\n\n\u{feff}data: 2\n\n".as_bytes();
    assert_eq!(events(&[stream]), [(String::new(), "1".into())]);
}

#[test]
fn an_event_without_its_blank_line_is_seen() {
    assert_eq!(
        events(&[b"data: 1\n\ndata: 2"]),
        [(String::new(), "1".into()), (String::new(), "2".into())]
    );
}

#[test]
fn an_event_inside_one_piece_is_not_copied() {
    let piece = Bytes::from_static(b"data: 1\n\ndata: 2\n\n");
    let mut framer = Framer::new(100);
    framer.push(piece.clone());
    assert_eq!(
        framer.next_frame().unwrap().unwrap().as_ptr(),
        piece.as_ptr()
    );
    assert_eq!(
        framer.next_frame().unwrap().unwrap().as_ptr(),
        piece[9..].as_ptr()
    );
}

#[test]
fn an_event_longer_than_the_limit_is_an_error_before_it_is_held() {
    let mut framer = Framer::new(16);
    framer.push("data: 12345678\n\n".into());
    assert!(framer.next_frame().unwrap().is_some());
    framer.push("data: 1234567890".into());
    assert_eq!(framer.next_frame(), Ok(None));
    framer.push("1".into());
    assert_eq!(framer.next_frame(), Err(EventTooLong { limit: 16 }));
    let mut framer = Framer::new(16);
    framer.push("data: 123456789\n\n".into());
    assert_eq!(framer.next_frame(), Err(EventTooLong { limit: 16 }));
}

#[test]
fn other_data_leaves_everything_else_as_it_was() {
    let edited = |frame: &'static str, first| with_data(&frame.into(), first, b"[1,\n2]");
    for (frame, expected) in [
        ("data: 1\n\n", "data: [1, 2]\n\n"),
        (
            "event: a\r\ndata:1\r\n: c\r\n\r\n",
            "event: a\r\ndata:[1, 2]\r\n: c\r\n\r\n",
        ),
        (
            "\ndata: 1\r\ndata: 2\rid: 3\rdata\n\n",
            "\ndata: [1, 2]\r\nid: 3\r\n",
        ),
        ("data\n\n", "data:[1, 2]\n\n"),
        ("datax: 1\ndata: 1", "datax: 1\ndata: [1, 2]"),
        (": nothing\n\n", ": nothing\n\n"),
    ] {
        assert_eq!(edited(frame, false), expected, "{frame:?}");
    }
    let opening = "\u{feff}data: 1\n\n";
    assert_eq!(edited(opening, true), "\u{feff}data: [1, 2]\n\n");
    assert_eq!(edited(opening, false), opening);
}

/// Streams made of the pieces that parsers trip over.
fn any_stream() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(vec![
        "data",
        "event",
        ":",
        ": ",
        " ",
        "\n",
        "\r",
        "\r\n",
        "\n\n",
        "\u{feff}",
        "id: 1",
        "x",
        "{\"a\":1}",
        "é",
        "data: y",
    ]);
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat().into_bytes())
}

proptest! {
    #[test]
    fn with_other_data_it_is_still_one_frame_that_says_it(stream in any_stream()) {
        let (whole, rest) = frames(&[&stream]);
        for (index, frame) in whole.iter().chain(&rest).enumerate() {
            let edited = with_data(frame, index == 0, b"{\"x\":1}");
            let before = Fields::read(frame, index == 0);
            let after = Fields::read(&edited, index == 0);
            prop_assert_eq!(before.event(), after.event());
            prop_assert_eq!(before.data().map(|_| &b"{\"x\":1}"[..]), after.data().map(|data| &data[..]));
            prop_assert!(frames(&[&edited]).0.len() <= 1);
        }
    }

    #[test]
    fn any_cutting_gives_the_same_events_and_the_same_bytes(
        stream in any_stream(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
        cuts.extend([0, stream.len()]);
        cuts.sort_unstable();
        let pieces: Vec<_> = cuts.windows(2).map(|pair| &stream[pair[0]..pair[1]]).collect();
        prop_assert_eq!(events(&pieces), reference(&stream));
        let (frames, rest) = frames(&pieces);
        prop_assert_eq!([frames.concat(), rest.unwrap_or_default().to_vec()].concat(), stream);
    }
}
