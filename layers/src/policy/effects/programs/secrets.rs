//! Keys and tokens: who writes them out, and into what they are packed.

use crate::policy::effects::shell::{Data, Shell, State};

/// Programs that write out what is in the files they are given, in whatever form.
const READERS: &[&str] = &[
    "tar", "bsdtar", "gtar", "zip", "7z", "gzip", "bzip2", "xz", "zstd", "xxd", "od", "hexdump",
    "base64", "base32", "openssl", "gpg", "strings", "head", "tail", "sed", "awk", "cut", "sort",
    "nl", "tac", "rev", "dd", "jq", "cp", "ln", "mv", "install", "cpio", "split", "uuencode",
    "paste", "column", "fold", "fmt", "expand", "pr", "join", "comm", "diff", "less", "more",
    "bat", "awk", "gawk", "mawk", "perl", "python3", "grep", "rg", "yq", "tee", "uniq", "iconv",
    "dos2unix", "envsubst", "pandoc", "hd", "pigz", "lz4", "brotli", "cat", "shuf", "look",
];
/// Of these, those that write into another file.
const PACKERS: &[&str] = &[
    "tar", "bsdtar", "gtar", "zip", "7z", "gpg", "openssl", "cp", "ln", "mv", "install", "dd",
];
/// Commands that write out keys and tokens: their program, and words among its arguments.
const PRINTERS: &[(&str, &[&str])] = &[
    ("kubectl", &["get", "secret"]),
    ("kubectl", &["get", "secrets"]),
    ("kubectl", &["config", "--raw"]),
    ("oc", &["whoami", "-t"]),
    ("gcloud", &["auth", "print-access-token"]),
    ("gcloud", &["auth", "print-identity-token"]),
    ("gcloud", &["secrets", "access"]),
    ("gh", &["auth", "token"]),
    ("git", &["credential", "fill"]),
    ("glab", &["auth", "token"]),
    ("heroku", &["auth:token"]),
    ("aws", &["configure", "export-credentials"]),
    ("aws", &["secretsmanager", "get-secret-value"]),
    ("aws", &["ssm", "--with-decryption"]),
    ("aws", &["sts", "get-session-token"]),
    ("az", &["account", "get-access-token"]),
    ("vault", &["read"]),
    ("vault", &["kv", "get"]),
    ("op", &["read"]),
    ("op", &["item", "get"]),
    ("pass", &["show"]),
    ("bw", &["get"]),
    ("security", &["find-generic-password"]),
    ("security", &["find-internet-password"]),
    ("security", &["dump-keychain"]),
    ("secret-tool", &["lookup"]),
    ("gpg", &["--export-secret-keys"]),
    ("gpg", &["--export-secret-subkeys"]),
    ("doctl", &["auth", "token"]),
    ("docker", &["secret", "inspect"]),
    ("export", &["-p"]),
    ("declare", &["-p"]),
    ("declare", &["-x"]),
    ("compgen", &["-e"]),
];

/// What a program has written, and whether that is secret.
pub(super) fn marked(
    shell: &Shell<'_>,
    state: &mut State,
    name: &str,
    words: &[String],
    out: Data,
) -> Data {
    let has = |wanted: &&str| words.iter().any(|word| word == wanted);
    let prints = PRINTERS
        .iter()
        .any(|(program, wanted)| *program == name && wanted.iter().all(&has))
        || name == "set" && words.is_empty();
    let is_reader = READERS.contains(&name);
    if !prints && !is_reader {
        return out;
    }
    let folder = words.iter().skip_while(|word| *word != "-C").nth(1);
    let is_secret = |word: &String| {
        // `if=x` of `dd`.
        let file = word.split_once('=').map_or(word.as_str(), |(_, file)| file);
        super::is_secret(&shell.path(state, file))
            || folder.is_some_and(|folder| {
                super::is_secret(&shell.path(state, &format!("{folder}/{file}")))
            })
    };
    let named = is_reader && words.iter().take(64).any(is_secret);
    if !prints && !named {
        return out;
    }
    if named && PACKERS.contains(&name) {
        let files: Vec<_> = words
            .iter()
            .take(64)
            .filter(|word| !is_secret(word))
            .map(|word| word.split_once('=').map_or(word.as_str(), |(_, file)| file))
            .map(|file| shell.path(state, file).resolved)
            .collect();
        for file in files {
            state
                .files
                .entry(file)
                .or_insert_with(Data::hidden)
                .is_secret = true;
        }
    }
    Data {
        is_secret: true,
        is_hidden: true,
        service: super::tokens::printed(name).filter(|_| prints),
        ..out
    }
}
