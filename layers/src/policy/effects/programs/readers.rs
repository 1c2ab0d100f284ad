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
        false => &["n", "c", "f", "d", "k", "t"],
    });
    let mut data = Data::default();
    let skip = usize::from(is_filter && !args.has(&["e", "f", "regexp"]));
    let files: Vec<&str> = args.operands.iter().skip(skip).copied().collect();
    for file in &files {
        data = data.and(shell.read_file(state, file));
    }
    if files.is_empty() || files.contains(&"-") {
        data = data.and(command.stdin.clone());
    }
    let first_lines = |text: &str| {
        let count = args
            .value(&["n"])
            .or_else(|| command.words.iter().find_map(|word| word.strip_prefix('-')))?;
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
        "cat" | "sort" | "uniq" | "nl" | "bat" | "tac" | "less" | "more" | "tail" => data,
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
            let found = if is_list {
                mark::SOME.to_string()
            } else {
                mark::UNKNOWN.to_string()
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

/// The beginning of what never ends has an end, unless it is said to be very far.
fn head(data: &Data, text: Option<String>, args: &Args<'_>) -> Data {
    let bytes = args.value(&["c", "bytes"]).unwrap_or_default();
    Data {
        is_endless: data.is_endless && is_far(bytes),
        ..data.with_text(text)
    }
}

/// Whether so many bytes, with a unit behind them, are more than most disks have left.
pub(super) fn is_far(bytes: &str) -> bool {
    let digits = bytes.trim_end_matches(|c: char| c.is_alphabetic());
    let unit = bytes.get(digits.len()..).unwrap_or_default();
    unit.starts_with(['T', 'P', 'E'])
        || unit.starts_with('G') && digits.len() > 2
        || digits.len() > 11
}

fn cut(data: &Data, args: &Args<'_>) -> Data {
    let delimiter = args
        .value(&["d"])
        .and_then(|text| text.chars().next())
        .unwrap_or('\t');
    let field: Option<usize> = args.value(&["f"]).and_then(|field| field.parse().ok());
    let cut = |text: &str| {
        let field = field?.checked_sub(1)?;
        Some(
            text.lines()
                .map(|line| format!("{}\n", line.split(delimiter).nth(field).unwrap_or(line)))
                .collect::<String>(),
        )
    };
    data.with_text(data.text.as_deref().and_then(cut))
}
