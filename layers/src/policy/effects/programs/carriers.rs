//! Programs that turn files into others, or into another form: what was secret stays so. And those that change files in
//! their place.

use super::Command;
use crate::policy::effects::{
    Act, Scope, Write,
    shell::{Shell, State},
};

const CARRIERS: &[&str] = &[
    "tar",
    "gtar",
    "bsdtar",
    "zip",
    "7z",
    "7za",
    "rar",
    "gzip",
    "pigz",
    "bzip2",
    "xz",
    "zstd",
    "lz4",
    "brotli",
    "xxd",
    "od",
    "hexdump",
    "hd",
    "strings",
    "gpg",
    "gpg2",
    "age",
    "uuencode",
    "split",
    "csplit",
    "cpio",
    "pax",
    "rg",
    "ag",
    "ack",
    "bat",
    "pbcopy",
    "xclip",
    "qrencode",
    "sqlite3",
    "md5sum",
    "sha256sum",
    "paste",
];

/// Whether a program of this kind reads something secret. It is written down that it does.
pub(super) fn reads_secret(shell: &mut Shell<'_>, state: &State, command: &Command<'_>) -> bool {
    if !CARRIERS.contains(&command.name) {
        return false;
    }
    let mut found = false;
    let words = || command.words.iter().filter(|word| !word.starts_with('-'));
    // `tar -C folder name`
    let mut behind = command
        .words
        .iter()
        .skip_while(|word| !matches!(word.as_str(), "-C" | "--directory"));
    let folder = behind.nth(1).map(|folder| format!("{folder}/"));
    let within = folder
        .iter()
        .flat_map(|folder| words().map(move |word| format!("{folder}{word}")));
    for word in words().cloned().chain(within).take(256) {
        let path = shell.path(state, &word);
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

/// Options with which programs are told where to write.
const OUTPUTS: &[(&str, &[&str])] = &[
    ("unzip", &["d"]),
    ("sort", &["o", "output"]),
    ("openssl", &["out"]),
    ("gpg", &["o", "output"]),
    ("gpg2", &["o", "output"]),
    ("age", &["o", "output"]),
    ("pandoc", &["o", "output"]),
    ("ssh-keygen", &["f"]),
    ("shuf", &["o", "output"]),
    ("iconv", &["o", "output"]),
    ("envsubst", &["o"]),
    ("patch", &["o", "output"]),
    ("xmlstarlet", &["o"]),
];
/// Programs that change the files that they are given in their place, and how many words stand before these.
const IN_PLACE: &[(&str, usize)] = &[
    ("ed", 0),
    ("ex", 0),
    ("sponge", 0),
    ("patch", 0),
    ("sd", 2),
    ("rpl", 2),
    ("dos2unix", 0),
    ("unix2dos", 0),
    ("patchelf", 0),
];

/// What is written without a redirection: the output that an option names, and what an editor is given.
pub(super) fn outputs(shell: &mut Shell<'_>, state: &State, command: &Command<'_>) {
    let words = command.words;
    let mut targets: Vec<&str> = Vec::new();
    if let Some((_, options)) = OUTPUTS.iter().find(|(name, _)| *name == command.name) {
        let args = command.args(options);
        let only_reads = command.name == "ssh-keygen" && args.has(&["l", "y", "e", "F", "B", "Y"]);
        targets.extend(args.values(options).filter(|_| !only_reads));
    }
    match command.name {
        // What is patched is told by the patch, if no file is named.
        "patch" => {
            let args = command.args(&[
                "i",
                "input",
                "p",
                "strip",
                "d",
                "directory",
                "o",
                "output",
                "r",
                "F",
                "B",
                "D",
            ]);
            targets.extend(args.operands.first().filter(|_| !args.has(&["dry-run"])));
        }
        name if IN_PLACE.iter().any(|(known, _)| *known == name) => {
            let skip = IN_PLACE
                .iter()
                .find(|(known, _)| *known == name)
                .map_or(0, |(_, skip)| *skip);
            let args = command.args(&["set-rpath", "set-interpreter", "n", "f"]);
            targets.extend(args.operands.into_iter().skip(skip));
        }
        "split" => targets.extend(
            command
                .args(&["b", "l", "n", "a", "C"])
                .operands
                .get(1)
                .copied(),
        ),
        "awk" | "gawk" if words.iter().any(|word| word == "inplace") => {
            targets.extend(
                command
                    .args(&["i", "v", "F", "f"])
                    .operands
                    .into_iter()
                    .skip(1),
            );
        }
        _ => {}
    }
    for target in targets {
        let path = shell.path(state, target);
        shell.act(Act::Write {
            path,
            how: Write::Replace,
        });
    }
}

/// Options of programs that nobody looks into, by which they are told where to write.
const TOLD: &[&str] = &[
    "-o",
    "-out",
    "-O",
    "--out",
    "--output",
    "--outfile",
    "-outfile",
    "--out-file",
    "--output-file",
    "--target-path",
];

/// What such a program writes: where that is a place of its own, and no word for something else.
pub(super) fn told(shell: &mut Shell<'_>, state: &State, command: &Command<'_>) {
    let pairs = command.words.windows(2).filter_map(|pair| match pair {
        [option, file] if TOLD.contains(&option.as_str()) => Some(file.as_str()),
        _ => None,
    });
    let glued = command.words.iter().filter_map(|word| {
        let (option, file) = word.split_once('=')?;
        TOLD.contains(&option).then_some(file)
    });
    let files: Vec<&str> = pairs.chain(glued).take(16).collect();
    for file in files
        .into_iter()
        .filter(|file| file.starts_with(['/', '~', '.']))
    {
        let path = shell.path(state, file);
        shell.act(match path.scope {
            Scope::Device => Act::Disk {
                program: command.name.to_owned(),
                device: path.written,
            },
            _ => Act::Write {
                path,
                how: Write::Replace,
            },
        });
    }
}

/// `perl -i`: the files are edited.
pub(super) fn edits_in_place(shell: &mut Shell<'_>, state: &State, command: &Command<'_>) {
    if !matches!(command.name, "perl" | "ruby" | "yq") {
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
