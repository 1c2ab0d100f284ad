//! Programs that pass on what they read: whole, or parts of it.

use super::{Args, Command};
use crate::policy::effects::{
    Act, Exhaust, mark,
    shell::{Data, Shell, State},
};

pub(super) fn run(shell: &mut Shell<'_>, state: &mut State, command: &Command<'_>) -> Data {
    let is_filter = matches!(
        command.name,
        "grep" | "egrep" | "fgrep" | "rg" | "jq" | "yq" | "ag"
    );
    // What takes a value in one of them is a mere flag in others.
    let args = command.args(match is_filter {
        true => &[
            "e",
            "f",
            "A",
            "B",
            "C",
            "m",
            "g",
            "t",
            "regexp",
            "file",
            "include",
            "exclude",
            "exclude-dir",
            "arg",
        ],
        false => &["n", "c", "f", "d", "k", "t", "b"],
    });
    let mut data = Data::default();
    let skip = usize::from(is_filter && !args.has(&["e", "f", "regexp"]));
    let files: Vec<&str> = args.operands.iter().skip(skip).copied().collect();
    for file in &files {
        data = data.and(match super::is_stdin(file) {
            true => command.stdin.clone(),
            false => shell.read_file(state, file),
        });
    }
    if files.is_empty() {
        data = data.and(command.stdin.clone());
    }
    let first_lines = |text: &str| {
        let count = args
            .value(&["n"])
            .or_else(|| command.words.iter().find_map(|word| word.strip_prefix('-')))?;
        let count = count.trim_start_matches(['n', '+']);
        let count: usize = count.parse().ok()?;
        Some(
            text.lines()
                .take(count)
                .map(|line| format!("{line}\n"))
                .collect::<String>(),
        )
    };
    // Who looks for something does not mean all that runs.
    let leaves_out = args.has(&["v", "invert-match"]);
    shell.lists_all &= !is_filter || leaves_out;
    let text = data.text.clone();
    match command.name {
        "sort" | "tac" | "tail" if data.is_endless => {
            shell.act(Act::Exhaust {
                what: Exhaust::Memory,
            });
            Data::default()
        }
        "tail" => {
            let last = |text: String| {
                let from = args.value(&["n"]).and_then(|count| count.strip_prefix('+'));
                let lines = text.lines().count();
                let skip = match from.and_then(|from| from.parse::<usize>().ok()) {
                    Some(from) => from.saturating_sub(1),
                    None => {
                        let count = args.value(&["n"]).or_else(|| {
                            command.words.iter().find_map(|word| word.strip_prefix('-'))
                        });
                        let count = count.and_then(|count| count.parse().ok());
                        lines.saturating_sub(count.unwrap_or(10))
                    }
                };
                let lines = text.lines().skip(skip);
                lines.map(|line| format!("{line}\n")).collect::<String>()
            };
            let is_bytes = args.has(&["c", "bytes", "f", "F"]);
            let text = text.map(|text| if is_bytes { text } else { last(text) });
            data.with_text(text)
        }
        "tac" => data.with_text(text.map(|text| {
            let lines = text.lines().rev();
            lines.map(|line| format!("{line}\n")).collect()
        })),
        "cat" | "sort" | "uniq" | "nl" | "bat" | "less" | "more" => data,
        "head" => head(
            &data,
            text.map(|text| first_lines(&text).unwrap_or(text)),
            &args,
        ),
        // A part of a text is no more than the whole of it.
        "grep" | "egrep" | "fgrep" | "rg" | "ag" if files.is_empty() => data,
        "gunzip" | "zcat" | "bzcat" | "xzcat" | "xz" | "gzip" | "strings" => data.with_text(None),
        "cut" => cut(&data, &args),
        "wc" => Data::text(mark::SOME.to_string()),
        _ if is_filter && !files.is_empty() && data.remote.is_none() => {
            let is_list = command
                .words
                .iter()
                .any(|word| word.starts_with('-') && !word.starts_with("--") && word.contains('l'));
            let found = match is_list || args.has(&["files-with-matches"]) {
                true => listed(&files, args.has(&["r", "R", "recursive"])),
                false => mark::UNKNOWN.to_string(),
            };
            Data {
                text: Some(found),
                is_secret: data.is_secret,
                ..Data::hidden()
            }
        }
        _ => Data {
            is_hidden: true,
            text: None,
            ..data
        },
    }
}

/// The names of the files in which something is found: those that were named, or some below them.
fn listed(files: &[&str], is_recursive: bool) -> String {
    let names = files.iter().map(|file| {
        let name = file.rsplit('/').next().unwrap_or(file);
        let is_file = name.trim_start_matches('.').contains('.') || name.contains(mark::is_glob);
        match is_recursive && !is_file {
            true => format!("{}/{}\n", file.trim_end_matches('/'), mark::SOME),
            false => format!("{file}\n"),
        }
    });
    names.collect()
}

/// The beginning of what never ends has an end, unless it is said to be very far.
fn head(data: &Data, text: Option<String>, args: &Args<'_>) -> Data {
    let bytes = args.value(&["c", "bytes"]).unwrap_or_default();
    // As much as there is, if that is asked for.
    let is_asked = bytes.contains(mark::UNKNOWN);
    Data {
        is_endless: data.is_endless && (is_asked || is_far(bytes)),
        ..data.with_text(text)
    }
}

/// More bytes than most disks have left.
const FAR: u64 = 50 << 30;

/// Whether so many bytes, with a unit behind them, are that far.
pub(super) fn is_far(bytes: &str) -> bool {
    let end = bytes
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(bytes.len());
    let (digits, unit) = bytes.split_at_checked(end).unwrap_or((bytes, ""));
    let shift = match unit.chars().next().map(|unit| unit.to_ascii_uppercase()) {
        Some('K') => 10,
        Some('M') => 20,
        Some('G') => 30,
        Some('T') => 40,
        Some('P') => 50,
        Some('E') => 60,
        _ => 0,
    };
    // More digits than a number has are far as well.
    let Ok(count) = digits.parse::<u64>() else {
        return digits.len() > 11;
    };
    count > FAR >> shift || shift >= 40 && count > 0
}

fn cut(data: &Data, args: &Args<'_>) -> Data {
    let delimiter = args
        .value(&["d", "delimiter"])
        .and_then(|text| text.chars().next())
        .unwrap_or('\t');
    let fields = args.value(&["f", "fields"]).and_then(ranges);
    let characters = args
        .value(&["c", "b", "characters", "bytes"])
        .and_then(ranges);
    let is_in = |ranges: &[(usize, usize)], at: usize| {
        ranges
            .iter()
            .any(|(from, to)| (*from..=*to).contains(&(at + 1)))
    };
    let line = |line: &str| -> Option<String> {
        if let Some(ranges) = &characters {
            let chars = line.chars().enumerate();
            let kept = chars.filter(|(at, _)| is_in(ranges, *at));
            return Some(kept.map(|(_, c)| c).collect());
        }
        let ranges = fields.as_ref()?;
        if !line.contains(delimiter) {
            return Some(line.to_owned());
        }
        let kept = line.split(delimiter).enumerate();
        let kept: Vec<&str> = kept
            .filter(|(at, _)| is_in(ranges, *at))
            .map(|(_, field)| field)
            .collect();
        Some(kept.join(delimiter.encode_utf8(&mut [0; 4])))
    };
    let cut = |text: &str| {
        let lines = text.lines().map(|text| Some(line(text)? + "\n"));
        lines.collect::<Option<String>>()
    };
    data.with_text(data.text.as_deref().and_then(cut))
}

/// `1,3-5,7-`.
fn ranges(text: &str) -> Option<Vec<(usize, usize)>> {
    let range = |part: &str| {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        let from = if from.is_empty() {
            1
        } else {
            from.parse().ok()?
        };
        let to = match to {
            "" => usize::MAX,
            to => to.parse().ok()?,
        };
        Some((from, to))
    };
    text.split(',').map(range).collect()
}
