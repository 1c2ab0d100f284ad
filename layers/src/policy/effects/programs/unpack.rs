//! Programs that unpack what has been made shorter: where it is written out, what comes out is known.

use std::io::Read;

use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

use super::Command;
use crate::policy::effects::{
    MAX_TEXT,
    shell::{Data, Shell, State},
};

/// Those that unpack, whatever they are told.
const ALWAYS: &[&str] = &[
    "gunzip",
    "unpigz",
    "zcat",
    "gzcat",
    "uncompress",
    "bunzip2",
    "bzcat",
    "unxz",
    "xzcat",
    "unlzma",
    "lzcat",
    "unzstd",
    "zstdcat",
    "unlz4",
    "lz4cat",
    "lunzip",
];
/// Those that unpack if they are told to.
const TOLD: &[&str] = &[
    "gzip", "pigz", "bzip2", "pbzip2", "lbzip2", "xz", "pixz", "lzma", "lzip", "zstd", "pzstd",
    "lz4", "brotli", "lzop", "compress",
];
/// What names of packed files end in.
const ENDS: &[&str] = &[
    ".gz", ".z", ".Z", ".bz2", ".xz", ".lzma", ".lz", ".zst", ".lz4", ".br", ".lzo", ".zz",
];

pub(super) fn run(shell: &mut Shell<'_>, state: &mut State, command: &Command<'_>) -> Option<Data> {
    let name = command.name;
    let is_told = TOLD.contains(&name);
    if !is_told && !ALWAYS.contains(&name) && !matches!(name, "zlib-flate" | "openssl") {
        return None;
    }
    let args = command.args(&[
        "S",
        "suffix",
        "p",
        "processes",
        "T",
        "threads",
        "o",
        "output",
    ]);
    let unpacks = match name {
        "zlib-flate" => command.words.iter().any(|word| word == "-uncompress"),
        "openssl" => command.words.first().is_some_and(|word| word == "zlib") && args.has(&["d"]),
        _ if is_told => {
            args.has(&["d", "decompress", "uncompress"]) && !args.has(&["l", "list", "t", "test"])
        }
        _ => true,
    };
    if !unpacks {
        return None;
    }
    let files: Vec<&str> = match name {
        "openssl" | "zlib-flate" => Vec::new(),
        _ => args.operands.clone(),
    };
    if files.is_empty() {
        return Some(unpacked(&command.stdin));
    }
    // Into a file beside it, unless it is to be shown.
    let is_shown = name.ends_with("cat") || args.has(&["c", "stdout", "to-stdout"]);
    let mut out = Data::default();
    for file in files {
        let data = match super::is_stdin(file) {
            true => command.stdin.clone(),
            false => shell.read_file(state, file),
        };
        let data = unpacked(&data);
        let beside = ENDS.iter().find_map(|end| file.strip_suffix(end));
        match args.value(&["o", "output"]).or(beside) {
            Some(target) if !is_shown => shell.write_file(state, target, false, &data),
            _ => out = out.and(data),
        }
    }
    Some(out)
}

/// The same as it was before it was packed; hidden, if nobody can tell.
fn unpacked(data: &Data) -> Data {
    let bytes = data.bytes.as_deref().map(<[u8]>::to_vec);
    let bytes = bytes.or_else(|| {
        let text = data.text.as_deref()?;
        let bytes = text.chars().map(|c| u8::try_from(u32::from(c)).ok());
        bytes.collect::<Option<Vec<u8>>>()
    });
    let inner = bytes.and_then(|bytes| {
        let bytes = bytes.as_slice();
        read(MultiGzDecoder::new(bytes))
            .or_else(|| read(ZlibDecoder::new(bytes)))
            .or_else(|| read(DeflateDecoder::new(bytes)))
    });
    data.with_bytes(inner)
}

/// No more than is looked at.
fn read(from: impl Read) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let most = u64::try_from(MAX_TEXT + 1).ok()?;
    from.take(most).read_to_end(&mut out).ok()?;
    (!out.is_empty() && out.len() <= MAX_TEXT).then_some(out)
}
