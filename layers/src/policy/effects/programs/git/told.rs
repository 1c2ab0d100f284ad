//! What git tells of a repository: where it is, and which branches there are.

use super::Args;
use crate::policy::effects::{
    mark,
    shell::{Data, Shell, State},
};

/// `rev-parse`: places in the repository, and what nobody knows.
pub(super) fn places(shell: &mut Shell<'_>, state: &State, words: &[String]) -> Data {
    let mut lines = Vec::new();
    let mut words = words.iter().map(String::as_str);
    while let Some(word) = words.next() {
        let line = match word {
            "--git-dir" | "--git-common-dir" | "--absolute-git-dir" => ".git".to_owned(),
            "--git-path" => format!(".git/{}", words.next().unwrap_or_default()),
            "--show-toplevel" | "--show-superproject-working-tree" => {
                shell.place.project().into_owned()
            }
            // The way up, if there is one.
            "--show-cdup" if state.cwd == shell.place.project() => String::new(),
            "--show-cdup" => format!("{}/", shell.place.project()),
            word if word.starts_with("--show-") || word.starts_with("--is-") => {
                mark::SOME.to_string()
            }
            word if word.starts_with('-') => continue,
            _ => mark::SOME.to_string(),
        };
        lines.push(line);
    }
    match lines.is_empty() {
        true => Data::hidden(),
        false => Data::text(lines.join("\n") + "\n"),
    }
}

/// Whether all branches are listed, and not only some.
pub(super) fn is_list(name: &str, words: &[String], args: &Args<'_>) -> bool {
    let is_some = |word: &String| {
        word.contains("merged")
            || word.starts_with("-v")
            || word.starts_with("--contains")
            || word.starts_with("--upload-pack")
            || word.starts_with("ext::")
    };
    if words.iter().any(is_some) {
        return false;
    }
    match name {
        "ls-remote" => args.operands.len() < 2 && !args.has(&["t", "tags"]),
        _ => args.operands.iter().all(|of| {
            let of = of.trim_end_matches('/');
            matches!(of, "refs" | "refs/heads") || of.starts_with("refs/remotes")
        }),
    }
}

/// A branch that stands for all of them, as it would be written.
pub(super) fn list(shell: &mut Shell<'_>, name: &str, words: &[String], args: &Args<'_>) -> Data {
    shell.lists_all = true;
    shell.made.remember("listed", "branches");
    let is_far =
        args.has(&["r", "remotes"]) || args.operands.iter().any(|of| of.contains("remotes"));
    let (short, full) = match is_far {
        true => (
            format!("origin/{}", mark::SOME),
            format!("refs/remotes/origin/{}", mark::SOME),
        ),
        false => (mark::SOME.to_string(), format!("refs/heads/{}", mark::SOME)),
    };
    let format = words.iter().find_map(|word| word.strip_prefix("--format="));
    Data::text(match (format, name) {
        (Some(format), _) => filled(format, &short, &full) + "\n",
        (None, "ls-remote") => format!("{}\t{full}\n", mark::SOME),
        (None, _) => short,
    })
}

/// `%(refname:short)` and its kin, filled in.
fn filled(format: &str, short: &str, full: &str) -> String {
    let mut pieces = format.split("%(");
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (field, rest) = piece.split_once(')').unwrap_or((piece, ""));
        match field {
            "refname" => out.push_str(full),
            field if field.starts_with("refname") => out.push_str(short),
            _ => out.push(mark::SOME),
        }
        out.push_str(rest);
    }
    out
}
