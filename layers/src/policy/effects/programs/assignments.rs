//! `read` and `mapfile`: what a line becomes.

use super::{Args, Command};
use crate::policy::effects::{
    mark,
    shell::{Data, State},
};

/// How many lines become elements.
const MOST: usize = 256;

pub(super) fn read(state: &mut State, command: &Command<'_>) -> Data {
    let valued: &[&str] = match command.name {
        "read" => &["p", "n", "t", "d", "u", "N", "i", "a"],
        _ => &["d", "n", "O", "s", "u", "C", "c"],
    };
    let args = Args::of(command.words, valued);
    let stdin = &command.stdin;
    let text = match &stdin.text {
        _ if stdin.is_secret => mark::SECRET.to_string(),
        Some(text) => text.clone(),
        None if stdin.remote.is_some() => mark::REMOTE.to_string(),
        None if stdin.is_private => mark::PRIVATE.to_string(),
        None if stdin.is_packed => mark::PACKED.to_string(),
        None if stdin.is_content => mark::LINE.to_string(),
        None => mark::SOME.to_string(),
    };
    if command.name != "read" {
        let name = args.operands.last().copied().unwrap_or("MAPFILE");
        let items: Vec<String> = match args.value(&["d"]) {
            Some(end) => {
                let end = end.chars().next().unwrap_or('\0');
                text.split(end).take(MOST).map(str::to_owned).collect()
            }
            None => text.lines().take(MOST).map(str::to_owned).collect(),
        };
        state.set(name, items);
        return Data::text("");
    }
    let line = match args.value(&["d"]) {
        // All of it, up to what is not there.
        Some("") => text.as_str(),
        Some(end) => text.split(end).next().unwrap_or_default(),
        None => text.lines().next().unwrap_or_default(),
    };
    let line: String = match args.value(&["n", "N"]).and_then(|count| count.parse().ok()) {
        Some(count) => line.chars().take(count).collect(),
        None => line.to_owned(),
    };
    let separators = state.separators();
    if let Some(name) = args.value(&["a"]) {
        let items = words(&line, &separators, usize::MAX);
        state.set(name, items);
        return Data::text("");
    }
    let names: &[&str] = match args.operands.as_slice() {
        [] => &["REPLY"],
        names => names,
    };
    // Nobody knows which part of it is whose.
    if line.contains(mark::is_unknown) {
        for name in names {
            state.set(name, vec![line.clone()]);
        }
        return Data::text("");
    }
    let mut values = words(&line, &separators, names.len()).into_iter();
    for name in names {
        state.set(name, vec![values.next().unwrap_or_default()]);
    }
    Data::text("")
}

/// A line taken apart; the last word has all that is left.
fn words(line: &str, separators: &str, most: usize) -> Vec<String> {
    let is_blank = |c: char| c.is_whitespace() && separators.contains(c);
    let mut rest = line.trim_matches(is_blank);
    let mut words = Vec::new();
    while !rest.is_empty() && words.len() < MOST {
        let end = rest.find(|c| separators.contains(c));
        match end.filter(|_| words.len() + 1 < most) {
            None => {
                words.push(rest.to_owned());
                break;
            }
            Some(end) => {
                words.push(rest.get(..end).unwrap_or_default().to_owned());
                let behind = rest.get(end..).unwrap_or_default();
                // Blanks around one separator are one with it.
                let after = behind.trim_start_matches(is_blank);
                let is_sign = |c: char| separators.contains(c) && !c.is_whitespace();
                rest = match after.strip_prefix(is_sign) {
                    Some(after) => after.trim_start_matches(is_blank),
                    None => after,
                };
            }
        }
    }
    words
}
