//! What stands in files, on its way elsewhere: as it is, or packed.

use super::private;
use crate::policy::effects::{mark, shell::Data};

/// Programs that bring what they are given into a form in which it can be carried away.
const PACKERS: &[&str] = &[
    "base64", "base32", "basenc", "xxd", "od", "hexdump", "hd", "uuencode", "openssl", "gpg",
    "age", "gzip", "pigz", "bzip2", "xz", "zstd", "lz4", "brotli", "compress", "fold", "rev",
    "split",
];
/// Those that pack files whose names they are given.
const ARCHIVERS: &[&str] = &[
    "tar", "gtar", "bsdtar", "zip", "7z", "7za", "rar", "cpio", "pax",
];
/// Programs that tell what is here, without being given a file.
const TELLERS: &[&str] = &[
    "ls",
    "find",
    "env",
    "printenv",
    "ps",
    "history",
    "tree",
    "mysqldump",
    "pg_dump",
    "pg_dumpall",
    "psql",
    "mysql",
    "sqlite3",
    "mongodump",
    "ifconfig",
    "crontab",
    "last",
    "getent",
    "hostnamectl",
    "ip",
    "who",
    "w",
];
/// Commands of git that tell what is in a repository.
const TOLD_BY_GIT: &[&str] = &[
    "diff",
    "show",
    "log",
    "archive",
    "bundle",
    "format-patch",
    "grep",
];

/// What a program was given.
pub(super) struct Before {
    is_content: bool,
    is_packed: bool,
    is_private: bool,
    is_secret: bool,
}

impl Before {
    pub(super) fn of(stdin: &Data) -> Self {
        let text = stdin.text.as_deref().unwrap_or_default();
        Self {
            is_content: stdin.is_content
                || text.contains(|c| mark::is_content(c) || c == mark::HERE),
            is_packed: stdin.is_packed || text.contains(mark::PACKED),
            is_private: stdin.is_private || text.contains(mark::PRIVATE),
            is_secret: stdin.is_secret || text.contains(mark::SECRET),
        }
    }
}

/// What comes out of a program is content if content went in, or files were read; and packed if it packs.
pub(super) fn mark(name: &str, words: &[String], before: &Before, has_read: bool, out: &mut Data) {
    let is_known = out
        .text
        .as_deref()
        .is_some_and(|text| !text.contains(mark::is_unknown));
    if is_known {
        return;
    }
    let first = words.iter().find(|word| !word.starts_with('-'));
    let tells = TELLERS.contains(&name)
        || name == "git" && first.is_some_and(|word| TOLD_BY_GIT.contains(&word.as_str()));
    let archives = ARCHIVERS.contains(&name) && first.is_some();
    let given = words.iter().any(|word| word.contains(mark::is_content));
    out.is_content |= before.is_content || has_read || tells || archives || given;
    let packs = PACKERS.contains(&name) && !unpacks(words) || chops(name, words);
    let is_content = before.is_content || before.is_packed;
    private::mark(name, words, before.is_private, is_content, out);
    out.is_secret |= before.is_secret && packs;
    out.is_packed |= before.is_packed || archives || packs && out.is_content;
    out.is_packed |= packs && first.is_some_and(|_| out.text.is_none()) && reads_operands(name);
}

/// Whether a program reads the files that it is given, rather than made-up data.
fn reads_operands(name: &str) -> bool {
    !matches!(name, "openssl" | "gpg" | "age" | "fold" | "rev" | "split")
}

fn unpacks(words: &[String]) -> bool {
    words.iter().any(|word| {
        matches!(
            word.as_str(),
            "-d" | "-D" | "--decode" | "--decompress" | "-r" | "rand" | "dgst" | "x509"
        )
    })
}

/// Programs that cut content into pieces of a length.
fn chops(name: &str, words: &[String]) -> bool {
    let has = |letter: char| {
        let is = |word: &String| {
            word.starts_with('-') && !word.starts_with("--") && word.contains(letter)
        };
        words.iter().any(is)
    };
    match name {
        "head" | "tail" => has('c'),
        "cut" => has('c') || has('b'),
        "tr" => has('d') && has('c'),
        _ => false,
    }
}
