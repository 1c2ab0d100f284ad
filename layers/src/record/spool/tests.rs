//! What was written is read again, whatever happens in between; what was not acknowledged may be lost, and nothing else.

use std::{fs, io};

use bytes::Bytes;
use tempfile::TempDir;

use super::{Feed, Kept, Position, Spool, frame, segment};
use crate::record::{Content, ContentHash, Entry, Event, Medium, Message, Node, Said, What};

fn entries(count: u32) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut parent = ContentHash::NONE;
    for number in 0..count {
        let text = format!("{number} ").repeat(number as usize);
        let content = Content::new(text.into());
        let media = vec![Medium {
            at: 3,
            content: content.hash,
        }];
        let message = Message::new(format!(r#"{{"n":{number}}}"#).into(), media);
        let gap = (number % 2 == 0).then_some(" ,\n");
        let node = Node::new(parent, message.hash, number, gap);
        parent = node.id;
        let what = match number % 2 {
            0 => What::RequestReceived(Box::default()),
            _ => What::PolicySaid(Said {
                policy: "p".into(),
                severity: "info".into(),
                message: "\u{0} \u{2028} \"é\"".into(),
            }),
        };
        let event = Event {
            transaction_id: format!("t-{number}").into(),
            sequence: number,
            at: 1_700_000_000_000_000,
            what,
        };
        entries.extend([
            Entry::Content(content),
            Entry::Message(message),
            Entry::Node(node),
            Entry::Event(Box::new(event)),
        ]);
    }
    entries
}

fn as_entry(kept: Kept) -> Entry {
    match kept {
        Kept::Content(content) => Entry::Content(content),
        Kept::Message(message) => Entry::Message(message),
        Kept::Node(node) => Entry::Node(node),
        Kept::Event(link) => Entry::Event(link.event),
    }
}

fn all(feed: &mut Feed) -> Vec<Entry> {
    let mut all = Vec::new();
    loop {
        let batch = feed.read().unwrap();
        assert_eq!(batch.unreadable, 0);
        if batch.kept.is_empty() {
            return all;
        }
        all.extend(batch.kept.into_iter().map(as_entry));
    }
}

fn open(folder: &TempDir) -> (Spool, Feed) {
    Spool::open(folder.path(), 1 << 20).unwrap()
}

#[test]
fn what_was_written_is_read_in_order() {
    let folder = TempDir::new().unwrap();
    let (mut spool, mut feed) = open(&folder);
    let entries = entries(50);
    for some in entries.chunks(7) {
        some.iter().for_each(|entry| spool.add(entry));
        spool.sync().unwrap();
    }
    assert_eq!(all(&mut feed), entries);
}

#[test]
fn what_is_not_on_the_disk_is_not_read() {
    let folder = TempDir::new().unwrap();
    let (mut spool, mut feed) = open(&folder);
    spool.add(&entries(1)[0]);
    assert_eq!(all(&mut feed), []);
}

/// Entries, the file they are written to, and where each of them ends in it.
fn written(count: u32) -> (Vec<Entry>, Bytes, Vec<usize>) {
    let folder = TempDir::new().unwrap();
    let (mut spool, _) = open(&folder);
    let entries = entries(count);
    let mut ends = Vec::new();
    for entry in &entries {
        spool.add(entry);
        ends.push(usize::try_from(spool.held()).unwrap());
    }
    spool.sync().unwrap();
    let bytes = fs::read(segment::path(folder.path(), 1)).unwrap();
    (entries, bytes.into(), ends)
}

#[test]
fn a_crash_at_any_byte_loses_nothing_before_it() {
    let (entries, bytes, ends) = written(5);
    let (_, chain) = segment::read_head(&bytes).unwrap();
    for length in segment::HEAD..=bytes.len() {
        let (sound, _) = segment::scan(&bytes.slice(..length), chain);
        let whole = ends.iter().rev().find(|end| **end <= length);
        assert_eq!(sound, *whole.unwrap_or(&segment::HEAD));
    }
    // And with files, where it matters.
    let ends = [0, 1, segment::HEAD - 1, segment::HEAD]
        .into_iter()
        .chain(ends);
    let ends: Vec<_> = ends.collect();
    for length in ends.iter().flat_map(|end| [end.saturating_sub(1), *end]) {
        let folder = TempDir::new().unwrap();
        fs::write(segment::path(folder.path(), 1), &bytes[..length]).unwrap();
        let (mut spool, mut feed) = open(&folder);
        spool.add(&entries[0]);
        spool.sync().unwrap();
        let whole = ends[4..].iter().filter(|end| **end <= length).count();
        let expected = entries[..whole].iter().chain(&entries[..1]);
        assert_eq!(all(&mut feed), expected.cloned().collect::<Vec<_>>());
    }
}

#[test]
fn a_byte_that_was_changed_is_noticed_and_hides_nothing_before_it() {
    let (_, bytes, ends) = written(4);
    let (_, chain) = segment::read_head(&bytes).unwrap();
    for at in segment::HEAD..bytes.len() {
        let mut changed = bytes.to_vec();
        changed[at] ^= 0x40;
        let (sound, _) = segment::scan(&changed.into(), chain);
        let before = ends.iter().rev().find(|end| **end <= at);
        assert_eq!(sound, *before.unwrap_or(&segment::HEAD));
    }
}

#[test]
fn events_are_a_chain_over_all_starts() {
    let folder = TempDir::new().unwrap();
    let mut expected = (0, ContentHash::NONE);
    let (mut links, mut writers) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        let (mut spool, _) = open(&folder);
        entries(4).iter().for_each(|entry| spool.add(entry));
        spool.sync().unwrap();
    }
    let (_, mut feed) = open(&folder);
    writers.push(feed.writer().to_owned());
    for kept in feed.read().unwrap().kept {
        if let Kept::Event(link) = kept {
            expected = (expected.0 + 1, frame::link(expected.1, &link.text));
            assert_eq!((link.number, link.hash), expected);
            links.push(link.number);
        }
    }
    assert_eq!(links, (1..=12).collect::<Vec<_>>());
    // All that was written is gone: the chain goes on.
    feed.forget(Position {
        segment: 4,
        offset: 0,
    })
    .unwrap();
    drop(feed);
    let (mut spool, mut feed) = open(&folder);
    spool.add(&entries(1)[3]);
    spool.sync().unwrap();
    let batch = feed.read().unwrap();
    let [Kept::Event(link)] = &*batch.kept else {
        panic!("{batch:?}");
    };
    assert_eq!(link.number, 13);
    assert_eq!(link.hash, frame::link(expected.1, &link.text));
    assert_eq!(feed.writer(), writers[0]);
}

#[test]
fn a_store_that_goes_on_from_where_it_was_reads_nothing_twice() {
    let folder = TempDir::new().unwrap();
    let (mut spool, mut feed) = open(&folder);
    let entries = entries(3);
    spool.add(&entries[0]);
    spool.sync().unwrap();
    let end = feed.read().unwrap().end;
    drop((spool, feed));
    let (mut spool, mut feed) = open(&folder);
    spool.add(&entries[1]);
    spool.sync().unwrap();
    feed.begin(end);
    assert_eq!(all(&mut feed), entries[1..2]);
}

#[test]
fn two_writers_do_not_share_a_folder() {
    let folder = TempDir::new().unwrap();
    let _first = open(&folder);
    let error = Spool::open(folder.path(), 1 << 20).unwrap_err();
    assert!(error.to_string().contains("another process"), "{error}");
}

#[test]
fn a_long_spool_is_many_files_and_those_that_were_taken_are_deleted() {
    let folder = TempDir::new().unwrap();
    let (mut spool, mut feed) = Spool::open(folder.path(), 40 << 20).unwrap();
    let body = Bytes::from(vec![b'x'; 1 << 20]);
    let mut expected = Vec::new();
    for number in 0..40_u8 {
        let mut body = body.to_vec();
        body[0] = number;
        let entry = Entry::Content(Content::new(body.into()));
        spool.add(&entry);
        spool.sync().unwrap();
        expected.push(entry);
    }
    assert!(spool.is_full());
    // Nobody has read anything yet: the first segment may be in somebody's hands.
    assert!(segment::all(folder.path()).unwrap().len() > 4);
    let mut end = Position::default();
    let mut read = Vec::new();
    while read.len() < expected.len() {
        let batch = feed.read().unwrap();
        end = batch.end;
        read.extend(batch.kept.into_iter().map(as_entry));
    }
    assert_eq!(read, expected);
    feed.forget(end).unwrap();
    assert_eq!(segment::all(folder.path()).unwrap().len(), 1);
    for entry in &expected[..10] {
        spool.add(entry);
        spool.sync().unwrap();
    }
    assert!(!spool.is_full());
}

#[test]
fn without_room_the_oldest_bodies_go_and_no_event() {
    let folder = TempDir::new().unwrap();
    let (mut spool, mut feed) = Spool::open(folder.path(), 30 << 20).unwrap();
    feed.begin(Position::default());
    let events = entries(40);
    let events: Vec<_> = events.iter().skip(3).step_by(4).collect();
    let mut bodies = Vec::new();
    let mut dropped = 0;
    for (number, event) in events.iter().enumerate() {
        let mut body = vec![b'x'; 1 << 20];
        body[0] = u8::try_from(number).unwrap();
        let body = Entry::Content(Content::new(body.into()));
        spool.add(&body);
        spool.add(event);
        spool.sync().unwrap();
        dropped += spool.make_room().unwrap();
        bodies.push(body);
    }
    assert!(!spool.is_full() && dropped > 8);
    let mut read = Vec::new();
    loop {
        let batch = feed.read().unwrap();
        if batch.kept.is_empty() {
            break;
        }
        read.extend(batch.kept.into_iter().map(as_entry));
    }
    let (read_events, read_bodies): (Vec<_>, Vec<_>) = read
        .iter()
        .partition(|entry| matches!(entry, Entry::Event(_)));
    assert_eq!(read_events, events);
    assert_eq!(read_bodies.len() as u64, bodies.len() as u64 - dropped);
    // The youngest are all there.
    assert!(bodies[30..].iter().all(|body| read_bodies.contains(&body)));
}

#[test]
fn what_could_not_be_written_is_written_to_another_segment() {
    let folder = TempDir::new().unwrap();
    let (mut spool, mut feed) = open(&folder);
    let entries = entries(3);
    entries[..4].iter().for_each(|entry| spool.add(entry));
    spool.sync().unwrap();
    // The segment is given up, and the next two cannot be begun.
    spool.abandon();
    for number in [2_usize, 3] {
        fs::create_dir(segment::path(folder.path(), number as u64)).unwrap();
        entries[4..8]
            .iter()
            .take(number)
            .for_each(|entry| spool.add(entry));
        spool.sync().unwrap_err();
        fs::remove_dir(segment::path(folder.path(), number as u64)).unwrap();
    }
    entries[8..].iter().for_each(|entry| spool.add(entry));
    spool.sync().unwrap();
    let expected = [&entries[..4], &entries[4..6], &entries[4..7], &entries[8..]].concat();
    assert_eq!(all(&mut feed), expected);
    let found = segment::all(folder.path()).unwrap();
    assert_eq!(found, [1, 4]);
}

#[test]
fn what_a_failed_write_has_left_behind_is_not_read() {
    let (entries, bytes, ends) = written(3);
    let (writer, _) = segment::read_head(&bytes).unwrap();
    let folder = TempDir::new().unwrap();
    fs::write(segment::path(folder.path(), 1), &bytes).unwrap();
    // The second event was acknowledged nowhere, so another took its place.
    let (_, chain) = segment::scan(
        &bytes.slice(..ends[3]),
        segment::read_head(&bytes).unwrap().1,
    );
    let Entry::Event(event) = &entries[11] else {
        panic!()
    };
    let text = serde_json::to_vec(event).unwrap();
    let mut second = segment::head(&writer, chain).to_vec();
    let link = (chain.number + 1, frame::link(chain.hash, &text), &text[..]);
    frame::write(&entries[11], Some(link), &mut second);
    fs::write(segment::path(folder.path(), 2), second).unwrap();
    let (spool, mut feed) = open(&folder);
    let read = all(&mut feed);
    assert_eq!(read[..4], entries[..4]);
    let events = read.iter().filter(|entry| matches!(entry, Entry::Event(_)));
    assert_eq!(events.collect::<Vec<_>>(), [&entries[3], &entries[11]]);
    drop(spool);
}

#[test]
fn a_segment_that_was_read_while_it_grew_is_read_to_its_end() {
    let folder = TempDir::new().unwrap();
    let (mut spool, mut feed) = Spool::open(folder.path(), 40 << 20).unwrap();
    let entries = entries(3);
    spool.add(&entries[0]);
    spool.sync().unwrap();
    // Something is written and not yet safe.
    let path = segment::path(folder.path(), 1);
    let length = fs::metadata(&path).unwrap().len();
    let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
    io::Write::write_all(&mut file, b"a part of what is to come").unwrap();
    assert_eq!(all(&mut feed), entries[..1]);
    file.set_len(length).unwrap();
    let long = Entry::Content(Content::new(vec![b'x'; 9 << 20].into()));
    let rest = [entries[1].clone(), long, entries[2].clone()];
    for entry in &rest {
        spool.add(entry);
        spool.sync().unwrap();
    }
    assert_eq!(all(&mut feed), rest);
}
