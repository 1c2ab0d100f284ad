//! What git shows of files, and which it writes: those in the repository, and any others.

use super::{super::is_secret, Args};
use crate::policy::effects::{
    Act, Scope, Write,
    shell::{Data, Shell, State},
};

/// How many words of a command are looked at.
const MOST: usize = 64;

/// Whether something is shown of a file that holds keys or the like. It is written down that it is read.
pub(super) fn reads_secret(
    shell: &mut Shell<'_>,
    state: &State,
    name: &str,
    words: &[String],
) -> bool {
    let has = |option: &str| words.iter().any(|word| word == option);
    let shows = match name {
        "diff" | "difftool" | "show" | "blame" | "annotate" | "cat-file" | "archive" => {
            let asks = ["--stat", "--name-only", "-e", "-t", "-s"];
            matches!(name, "blame" | "annotate" | "archive")
                || !asks.iter().any(|option| has(option))
        }
        "log" => has("-p") || has("-u") || has("--patch"),
        "grep" => !has("-l") && !has("-c") && !has("-q"),
        _ => false,
    };
    if !shows {
        return false;
    }
    // What is looked for is no file.
    let skip = usize::from(name == "grep" && !has("-e") && !has("-f"));
    let files = words
        .iter()
        .filter(|word| !word.starts_with('-'))
        .skip(skip);
    let mut found = false;
    for word in files.take(MOST) {
        // `HEAD:.env`
        let file = word.split_once(':').map_or(word.as_str(), |(_, file)| file);
        let path = shell.path(state, file);
        if is_secret(&path) {
            shell.act(Act::Read { path });
            found = true;
        }
    }
    found
}

/// Files that are brought from another commit: `checkout other -- x`, `restore --source=other x`.
pub(super) fn brought(shell: &mut Shell<'_>, state: &State, name: &str, words: &[String]) {
    let args = Args::of(words, &["s", "source", "b", "B", "pathspec-from-file"]);
    let files: Vec<&str> = match name {
        "restore" if args.value(&["s", "source"]).is_some() => args.operands.clone(),
        "restore" => Vec::new(),
        _ => {
            let at = words.iter().position(|word| word == "--");
            let (before, behind) = words.split_at(at.unwrap_or(words.len()));
            let from = before.iter().any(|word| !word.starts_with('-'));
            let behind = behind.iter().skip(1).filter(|_| from);
            behind.map(String::as_str).collect()
        }
    };
    for file in files.into_iter().take(MOST) {
        let path = shell.path(state, file);
        shell.act(Act::Write {
            path,
            how: Write::Replace,
        });
    }
}

/// `apply`, `am`: what their patches are for, or some files that are there.
pub(super) fn patched(shell: &mut Shell<'_>, state: &State, words: &[String], stdin: &Data) {
    let args = Args::of(
        words,
        &["p", "C", "directory", "exclude", "include", "whitespace"],
    );
    let folder = args.value(&["directory"]).unwrap_or(".");
    let mut texts: Vec<String> = Vec::new();
    if args.operands.is_empty() || args.operands.contains(&"-") {
        texts.extend(stdin.text.clone());
    }
    for file in args.operands.iter().take(MOST) {
        let path = shell.path(state, file).resolved;
        texts.extend(state.files.get(&path).and_then(|data| data.text.clone()));
    }
    let names = texts
        .iter()
        .flat_map(|text| text.lines())
        .filter_map(|line| {
            let starts = ["+++ ", "--- ", "rename to ", "copy to "];
            let name = starts.iter().find_map(|start| line.strip_prefix(start))?;
            let name = name.split('\t').next()?.trim().trim_matches('"');
            let bare = name.strip_prefix("a/").or_else(|| name.strip_prefix("b/"));
            (name != "/dev/null").then(|| format!("{folder}/{}", bare.unwrap_or(name)))
        });
    let mut files: Vec<String> = names.take(MOST).collect();
    files.dedup();
    if files.is_empty() {
        files.push(folder.to_owned());
    }
    for file in files {
        let path = shell.path(state, &file);
        shell.act(Act::Write {
            path,
            how: Write::Edit,
        });
    }
}

/// A folder that is said to be what a repository has checked out: what is not in that one goes.
pub(super) fn emptied(
    shell: &mut Shell<'_>,
    state: &State,
    global: &Args<'_>,
    name: &str,
    words: &[String],
) {
    let tree = global.value(&["work-tree"]).map(str::to_owned);
    let Some(tree) = tree.or_else(|| state.set_to("GIT_WORK_TREE")) else {
        return;
    };
    let args = Args::of(words, &["e", "exclude", "s", "source"]);
    let path = shell.path(state, &tree);
    if matches!(path.scope, Scope::Temporary | Scope::Below) {
        return;
    }
    let asks = args.has(&["n", "dry-run"]);
    match name {
        "clean" if args.has(&["f", "force"]) && !asks => shell.act(Act::Delete {
            path,
            recursive: true,
        }),
        "reset" if args.has(&["hard"]) => shell.act(Act::Write {
            path,
            how: Write::Replace,
        }),
        "checkout" | "restore" | "switch" | "read-tree" | "checkout-index" => {
            shell.act(Act::Write {
                path,
                how: Write::Replace,
            });
        }
        _ => {}
    }
}
