//! The rules of the house that no compiler keeps: who may know whom, and what is done in one place only.
//!
//! Each rule is a function of manifests or sources that answers with complaints. Each test asks it about the house, and
//! then about a small offence, so that a rule that has gone blind is noticed.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that panics has failed, as it should"
)]

#[path = "house/source.rs"]
mod source;

use std::fs;

use source::{Source, everything, root, sources};
use toml::{Table, Value};

/// What rooms may share. Whatever is added here is known to all of them.
const SHARED: [&str; 2] = ["connect", "future"];

/// The only places where bodies are written.
const BODIES: [&str; 2] = ["src/body/", "src/testing/"];

#[test]
fn src_depends_on_neither_layers_nor_sidecar() {
    let rule =
        |manifest: &Table| depends_on(manifest, &EVERY_KIND, &["luthien-tower", "luthien-sidecar"]);
    keeps(rule(&manifest("src")));
    let offence = "[target.'cfg(unix)'.dev-dependencies]\nlayers = { package = 'luthien-tower' }";
    breaks(rule(&table(offence)), "on luthien-tower");
}

#[test]
fn layers_do_not_depend_on_the_sidecar() {
    let rule = |manifest: &Table| depends_on(manifest, &EVERY_KIND, &["luthien-sidecar"]);
    keeps(rule(&manifest("layers")));
    let offence = "[dev-dependencies]\nluthien-sidecar.workspace = true";
    breaks(rule(&table(offence)), "on luthien-sidecar");
}

#[test]
fn src_knows_no_runtime_no_database_and_no_server() {
    let foreign = ["tokio", "sqlx", "axum", "hyper"];
    let rule = |manifest: &Table| depends_on(manifest, &["dependencies"], &foreign);
    keeps(rule(&manifest("src")));
    breaks(
        rule(&table("[dependencies]\nhyper-util = '0.1'")),
        "on hyper-util",
    );
    keeps(rule(&table("[dev-dependencies]\ntokio = '1'")));
}

#[test]
fn no_room_knows_another() {
    let rooms = rooms();
    for room in &rooms {
        for source in sources(&format!("layers/src/{room}")) {
            keeps(knows_another(&source, room, &rooms));
        }
    }
    let rooms = ["limit", "rate"].map(str::to_owned);
    for (offence, complaint) in [
        ("use crate::rate::Rule;", "crate::rate"),
        (
            "use crate::{future::ResponseFuture, rate::{Per, Rule}};",
            "crate::rate",
        ),
        ("use crate::stack::Stack;", "crate::stack"),
        ("use super::super::{self, rate::Rule};", "super::rate"),
        ("fn per(per: luthien::rate::Per) {}", "luthien::rate"),
    ] {
        let source = Source::new("layers/src/limit/layer.rs", offence);
        breaks(knows_another(&source, "limit", &rooms), complaint);
    }
    let sound = "//! See `crate::rate`.\nuse crate::{future::ResponseFuture, limit::Limit};";
    let source = Source::new("layers/src/limit/layer.rs", sound);
    keeps(knows_another(&source, "limit", &rooms));
}

#[test]
fn every_room_is_a_feature() {
    keeps(without_feature(&manifest("layers"), &rooms()));
    let offence = table("[features]\nlimit = []");
    let rooms = ["limit", "rate"].map(str::to_owned);
    breaks(without_feature(&offence, &rooms), "rate = [");
}

#[test]
fn frames_are_polled_in_one_place() {
    let rule = |source: &Source| {
        let found = source.lines(&["fn", "poll_frame"]);
        let found = found
            .into_iter()
            .filter(|_| !BODIES.iter().any(|home| source.path.starts_with(home)));
        let advice = "a body of its own ends wrongly somewhere: use `Tap`, `Rewrite` or `Holding` of src/body/, or put it there";
        complain(source, found, advice)
    };
    for source in everything() {
        keeps(rule(&source));
    }
    let offence = "impl Body for Mine { fn poll_frame(self: Pin<&mut Self>) {} }";
    breaks(
        rule(&Source::new("layers/src/rate/body.rs", offence)),
        "rate/body.rs:1",
    );
    keeps(rule(&Source::new("src/body/mine.rs", offence)));
}

#[test]
fn nothing_is_unsafe() {
    let rule = |source: &Source| {
        let advice = "find a crate that does it and is read by many, or do without";
        complain(source, source.lines(&["unsafe"]), advice)
    };
    for source in everything() {
        keeps(rule(&source));
    }
    let offence = "// unsafe\nfn f() { unsafe { g() } }";
    breaks(rule(&Source::new("src/f.rs", offence)), "src/f.rs:2");
    keeps(rule(&Source::new(
        "src/f.rs",
        "/// `unsafe`\nfn f() { \"unsafe\"; }",
    )));
}

#[test]
fn streams_are_cut_into_events_in_one_place() {
    for source in ["src", "layers/src", "sidecar/src", "examples"]
        .into_iter()
        .flat_map(sources)
    {
        keeps(cuts_streams(&source));
    }
    for offence in [
        "struct Framer { buffer: Vec<u8> }",
        "fn f() { let framer = luthien_core::sse::Framer::new(1); }",
        r#"fn f(s: &[u8]) { memmem::find(s, b"\n\n"); }"#,
    ] {
        let source = Source::new("layers/src/rate/count.rs", offence);
        breaks(cuts_streams(&source), "src/body/");
    }
}

#[test]
fn src_starts_no_task_and_has_no_queue_without_a_bound() {
    let rule = |source: &Source| {
        let advice = "answer a future and let the caller run it; give queues a bound and say what happens when they are full";
        let starts = [
            "spawn",
            "spawn_blocking",
            "spawn_local",
            "unbounded",
            "unbounded_channel",
        ];
        let found = starts.iter().flat_map(|name| source.lines(&[name]));
        let queues = source.lines(&["std", "::", "sync", "::", "mpsc"]);
        complain(source, found.chain(queues), advice)
    };
    for source in sources("src") {
        keeps(rule(&source));
    }
    for offence in [
        "fn f() { tokio::spawn(g()); }",
        "use tokio::{task::spawn, time};",
        "fn f() { mpsc::unbounded_channel::<u8>(); }",
        "fn f() { std::sync::mpsc::channel::<u8>(); }",
    ] {
        breaks(rule(&Source::new("src/f.rs", offence)), "src/f.rs:1");
    }
}

#[test]
fn every_package_inherits_what_the_workspace_says() {
    let members = manifest(".")["workspace"]["members"].clone();
    for member in members.as_array().unwrap() {
        keeps(says_itself(&manifest(member.as_str().unwrap())));
    }
    let sound = "package = { edition.workspace = true, rust-version.workspace = true, license.workspace = true }\nlints.workspace = true";
    keeps(says_itself(&table(sound)));
    for (from, to, complaint) in [
        (
            "edition.workspace = true",
            "edition = '2021'",
            "edition.workspace",
        ),
        (
            "rust-version.workspace = true, ",
            "",
            "rust-version.workspace",
        ),
        (
            "lints.workspace = true",
            "lints.rust.unsafe_code = 'allow'",
            "lints.workspace",
        ),
    ] {
        breaks(says_itself(&table(&sound.replace(from, to))), complaint);
    }
}

// The rules.

const EVERY_KIND: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];

/// Complains of dependencies of these kinds on these packages, or on what belongs to them (`tokio-util` to `tokio`).
fn depends_on(manifest: &Table, kinds: &[&str], forbidden: &[&str]) -> Vec<String> {
    let targets = manifest.get("target").and_then(Value::as_table);
    let targets = targets.into_iter().flatten();
    let tables = targets.filter_map(|(_, target)| target.as_table());
    let lists = tables.chain([manifest]).flat_map(|table| {
        let lists = kinds.iter().filter_map(|kind| table.get(*kind));
        lists.filter_map(Value::as_table).flatten()
    });
    let names = lists.map(|(name, how)| {
        let renamed = how.get("package").and_then(Value::as_str);
        renamed.unwrap_or(name)
    });
    let belongs = |name: &str, to: &str| {
        let rest = name.strip_prefix(to);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    };
    let found = names.filter(|name| forbidden.iter().any(|to| belongs(name, to)));
    found
        .map(|name| {
            format!("{kinds:?} name a dependency on {name}, against the direction sidecar -> layers -> src: move what needs it outwards")
        })
        .collect()
}

/// Complains of whatever a file of `room` knows of its neighbours.
fn knows_another(source: &Source, room: &str, rooms: &[String]) -> Vec<String> {
    let paths = source.paths(&["crate", "super", "luthien"]);
    let forbidden = paths
        .into_iter()
        .filter(|(root, name, _)| match root.as_str() {
            "crate" => *name != room && !SHARED.contains(&name.as_str()),
            _ => *name != room && rooms.contains(name),
        });
    forbidden
        .map(|(root, name, line)| {
            format!(
                "{}:{line}: a room says {root}::{name}. Rooms do not know each other: leave a fact in the extensions (src/facts.rs), put what both need into src/, or list it in `SHARED` here",
                source.path
            )
        })
        .collect()
}

fn without_feature(manifest: &Table, rooms: &[String]) -> Vec<String> {
    let features = manifest["features"].as_table().unwrap();
    let missing = rooms.iter().filter(|room| !features.contains_key(*room));
    missing
        .map(|room| format!("layers/src/{room}/ can not be left out: write `{room} = []` into [features] of layers/Cargo.toml, and `#[cfg(feature = \"{room}\")]` before its `mod`"))
        .collect()
}

fn cuts_streams(source: &Source) -> Vec<String> {
    let path = source.path.as_str();
    let home = path.starts_with("src/sse/");
    let of_tests = path.contains("tests") || path.contains("testing");
    let mut found = Vec::new();
    if !home {
        found.extend(source.lines(&["struct", "Framer"]));
    }
    if !home && !of_tests && !path.starts_with("src/body/") {
        found.extend(source.lines(&["Framer", "::", "new"]));
        found.extend(source.lines(&[r#"b"\n\n""#]));
    }
    let advice = "look at the `Chunk`s that come: they are events already. Only src/sse/ knows where events end, and only src/body/ asks it";
    complain(source, found, advice)
}

/// Complains of what a package says itself and should inherit.
fn says_itself(manifest: &Table) -> Vec<String> {
    let inherits = |value: Option<&Value>| {
        let value = value.and_then(|value| value.get("workspace"));
        value.and_then(Value::as_bool) == Some(true)
    };
    let package = &manifest["package"];
    let members = ["edition", "rust-version", "license"];
    let members = members.map(|member| (member, package.get(member)));
    let all = members
        .into_iter()
        .chain([("lints", manifest.get("lints"))]);
    let missing = all.filter(|(_, value)| !inherits(*value));
    missing
        .map(|(member, _)| {
            format!(
                "write `{member}.workspace = true`, in place of what {:?} says of {member} itself",
                package.get("name")
            )
        })
        .collect()
}

#[track_caller]
#[expect(
    clippy::needless_pass_by_value,
    reason = "what a rule answers is read here and nowhere else"
)]
fn keeps(complaints: Vec<String>) {
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

/// The rule sees the offence.
#[track_caller]
#[expect(clippy::needless_pass_by_value, reason = "as above")]
fn breaks(complaints: Vec<String>, words: &str) {
    assert_eq!(complaints.len(), 1, "{complaints:?}");
    assert!(complaints[0].contains(words), "{complaints:?}");
}

fn complain(source: &Source, lines: impl IntoIterator<Item = usize>, advice: &str) -> Vec<String> {
    let lines = lines.into_iter();
    lines
        .map(|line| format!("{}:{line}: {advice}", source.path))
        .collect()
}

// What they look at.

fn table(text: &str) -> Table {
    text.parse().unwrap()
}

fn manifest(folder: &str) -> Table {
    table(&fs::read_to_string(root().join(folder).join("Cargo.toml")).unwrap())
}

/// The folders of layers/src/.
fn rooms() -> Vec<String> {
    let entries = fs::read_dir(root().join("layers/src")).unwrap();
    let folders = entries
        .map(Result::unwrap)
        .filter(|entry| entry.path().is_dir());
    let rooms: Vec<_> = folders
        .map(|folder| folder.file_name().into_string().unwrap())
        .collect();
    assert!(rooms.contains(&"limit".to_owned()), "the rooms have moved");
    rooms
}
