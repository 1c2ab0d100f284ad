//! Programs that turn files into others, or into another form: what was secret stays so. And those that change files in
//! their place.

use super::Command;
use crate::policy::effects::{
    Act, Write,
    shell::{Shell, State},
};

const CARRIERS: &[&str] = &[
    "tar", "gtar", "bsdtar", "zip", "7z", "7za", "rar", "gzip", "pigz", "bzip2", "xz", "zstd",
    "lz4", "brotli", "xxd", "od", "hexdump", "hd", "strings", "gpg", "gpg2", "age", "uuencode",
    "split", "csplit", "cpio", "pax", "rg", "ag", "ack", "bat", "pbcopy", "xclip", "qrencode",
];

/// Whether a program of this kind reads something secret. It is written down that it does.
pub(super) fn reads_secret(shell: &mut Shell<'_>, state: &State, command: &Command<'_>) -> bool {
    if !CARRIERS.contains(&command.name) {
        return false;
    }
    let mut found = false;
    for word in command.words.iter().filter(|word| !word.starts_with('-')) {
        let path = shell.path(state, word);
        let is_known = state
            .files
            .get(&path.resolved)
            .is_some_and(|data| data.is_secret);
        if is_known || super::is_secret(&path) {
            shell.act(Act::Read { path });
            found = true;
        }
    }
    found
}

/// Whether such a program writes what it reads in another form.
pub(super) fn passes_on(name: &str) -> bool {
    CARRIERS.contains(&name)
}

/// `perl -i`: the files are edited.
pub(super) fn edits_in_place(shell: &mut Shell<'_>, state: &State, command: &Command<'_>) {
    if !matches!(command.name, "perl" | "ruby") {
        return;
    }
    let letters = |word: &str| word.strip_prefix('-').map(str::to_owned);
    // `-i.bak` is one, `-Mbigint` is none.
    let is_in_place = command
        .words
        .iter()
        .filter_map(|word| letters(word))
        .any(|letters| {
            let flags: String = letters
                .chars()
                .take_while(char::is_ascii_lowercase)
                .collect();
            flags.contains('i')
        });
    if !is_in_place {
        return;
    }
    let mut words = command.words.iter();
    while let Some(word) = words.next() {
        match letters(word) {
            Some(letters) if letters.ends_with(['e', 'E']) => drop(words.next()),
            Some(_) => {}
            None => {
                let path = shell.path(state, word);
                shell.act(Act::Write {
                    path,
                    how: Write::Edit,
                });
            }
        }
    }
}
