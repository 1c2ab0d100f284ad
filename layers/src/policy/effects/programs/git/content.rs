//! What git shows of files: of those in the repository, and of any others.

use super::super::is_secret;
use crate::policy::effects::{
    Act,
    shell::{Shell, State},
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
