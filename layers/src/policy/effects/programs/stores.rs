//! Stores of clouds, and what is brought to them.

use super::{Args, Command, address::Address, is_secret};
use crate::policy::effects::shell::{Data, Shell, State};

/// Programs, what is said to them to bring something there, how a place there begins, and the host.
const STORES: &[(&str, &[&str], &[&str], &str)] = &[
    ("aws", &["cp", "mv", "sync"], &["s3://"], "s3.amazonaws.com"),
    (
        "s3cmd",
        &["put", "sync", "cp"],
        &["s3://"],
        "s3.amazonaws.com",
    ),
    (
        "s5cmd",
        &["cp", "mv", "sync", "pipe"],
        &["s3://"],
        "s3.amazonaws.com",
    ),
    (
        "s4cmd",
        &["put", "sync", "cp"],
        &["s3://"],
        "s3.amazonaws.com",
    ),
    (
        "gsutil",
        &["cp", "mv", "rsync"],
        &["gs://", "s3://"],
        "storage.googleapis.com",
    ),
    (
        "gcloud",
        &["cp", "mv", "rsync"],
        &["gs://"],
        "storage.googleapis.com",
    ),
    (
        "azcopy",
        &["copy", "cp", "sync"],
        &["https://"],
        "blob.core.windows.net",
    ),
    (
        "b2",
        &["upload-file", "upload", "sync"],
        &["b2://", ""],
        "backblazeb2.com",
    ),
    ("swift", &["upload"], &[""], "swift"),
    ("huggingface-cli", &["upload"], &[""], "huggingface.co"),
    ("hf", &["upload"], &[""], "huggingface.co"),
    ("ipfs", &["add"], &[""], "ipfs.io"),
    ("gdrive", &["upload"], &[""], "drive.google.com"),
    ("megaput", &[""], &[""], "mega.nz"),
    ("dropbox_uploader", &["upload"], &[""], "dropbox.com"),
    ("croc", &["send"], &[""], "croc.schollz.com"),
    (
        "wormhole",
        &["send", "tx"],
        &[""],
        "relay.magic-wormhole.io",
    ),
    (
        "magic-wormhole",
        &["send"],
        &[""],
        "relay.magic-wormhole.io",
    ),
];
/// Commands of which one option has what is brought there.
const BY_OPTION: &[(&str, &[&str], &[&str], &str)] = &[
    (
        "aws",
        &[
            "put-object",
            "upload-part",
            "publish",
            "send-message",
            "put-record",
            "put-item",
            "invoke",
            "put-secret-value",
            "create-secret",
            "put-parameter",
        ],
        &[
            "body",
            "message",
            "message-body",
            "data",
            "item",
            "payload",
            "secret-string",
            "value",
        ],
        "amazonaws.com",
    ),
    (
        "az",
        &["upload", "upload-batch"],
        &["f", "file", "s", "source", "data"],
        "blob.core.windows.net",
    ),
    (
        "oci",
        &["put", "bulk-upload"],
        &["file", "src-dir"],
        "oraclecloud.com",
    ),
    (
        "wrangler",
        &["put"],
        &["f", "file"],
        "r2.cloudflarestorage.com",
    ),
    (
        "ibmcloud",
        &["upload", "object-put"],
        &["file", "body"],
        "cloud-object-storage.appdomain.cloud",
    ),
];
const VALUED: &[&str] = &[
    "exclude",
    "include",
    "profile",
    "region",
    "acl",
    "endpoint-url",
    "storage-class",
    "cache-control",
    "content-type",
    "metadata",
    "sse",
    "sse-kms-key-id",
    "grants",
    "expires",
    "only-show-errors",
    "x",
    "filter",
    "exclude-from",
    "include-from",
    "config",
    "account-name",
    "container-name",
    "c",
    "n",
    "name",
    "d",
    "destination",
    "transfers",
    "checkers",
    "bwlimit",
    "h",
    "o",
    "host",
    "host-bucket",
    "e",
    "j",
    "account-key",
    "sas-token",
    "connection-string",
    "auth-mode",
    "subscription",
    "project",
    "account",
    "body",
    "bucket",
    "key",
    "message",
    "topic-arn",
    "f",
    "file",
    "s",
    "source",
    "data",
    "payload",
    "queue-url",
    "message-body",
];

/// What is brought to a store.
pub(super) fn uploads(shell: &mut Shell<'_>, state: &State, command: &Command<'_>) {
    let dry = command
        .words
        .iter()
        .any(|word| matches!(word.as_str(), "--dryrun" | "--dry-run"));
    if dry {
        return;
    }
    let args = command.args(VALUED);
    let says = |words: &[&str]| {
        words
            .iter()
            .any(|word| word.is_empty() || args.operands.contains(word))
    };
    let endpoint = args.value(&["endpoint-url", "host"]).map(Address::of_url);
    let mut send = |host: &str, files: &[&str]| {
        let is_secret = files
            .iter()
            .any(|file| holds(shell, state, &command.stdin, file));
        // Whoever asks for it there, or the machine that somebody has named, is no store of one's own.
        let is_new =
            endpoint.is_some() || matches!(command.name, "croc" | "wormhole" | "magic-wormhole");
        let is_private = is_new
            && files
                .iter()
                .any(|file| super::private::is_personal(&shell.path(state, file)));
        let address = endpoint.clone().unwrap_or_else(|| Address::at(host, ""));
        address.given(shell, is_secret, is_private, true);
    };
    let option = BY_OPTION
        .iter()
        .find(|(program, words, ..)| *program == command.name && says(words));
    if let Some((_, _, options, host)) = option {
        let files: Vec<&str> = args.values(options).collect();
        send(host, &files);
        return;
    }
    let store = STORES
        .iter()
        .find(|(program, words, ..)| *program == command.name && says(words));
    let Some((_, words, places, host)) = store else {
        remotes(shell, state, command, &args);
        return;
    };
    let is_whole = words.contains(&"");
    let files = args.operands.iter().copied();
    let files: Vec<&str> = match is_whole {
        true => files.collect(),
        false => files
            .skip_while(|word| !words.contains(word))
            .skip(1)
            .collect(),
    };
    let is_there = |word: &str| places.iter().any(|place| word.starts_with(place));
    match files.as_slice() {
        [] => {}
        all if places.contains(&"") => send(host, all),
        [from @ .., to] if is_there(to) && from.iter().any(|from| !is_there(from)) => {
            // The address of some says the host.
            let named = to
                .starts_with("https://")
                .then(|| Address::of_url(to).shown())
                .flatten();
            send(named.as_deref().unwrap_or(host), from);
        }
        // From standard input.
        [to] if is_there(to) && command.stdin.is_any() => send(host, &["-"]),
        _ => {}
    }
}

/// Programs whose places elsewhere begin with a name that somebody has given them.
fn remotes(shell: &mut Shell<'_>, state: &State, command: &Command<'_>, args: &Args<'_>) {
    let brings = [
        "copy", "copyto", "sync", "move", "moveto", "rcat", "bisync", "cp", "mirror", "pipe",
        "put", "mv",
    ];
    let verb = args.first();
    let is_up = match (command.name, args.operands.as_slice()) {
        ("rclone", [_, _, rest @ ..]) => {
            brings.contains(&verb) && rest.iter().any(|to| to.contains(':'))
                || verb == "rcat" && args.nth(1).contains(':')
        }
        ("mc" | "mcli", [_, .., to]) => {
            brings.contains(&verb) && to.contains('/') && !to.starts_with(['.', '/', '~'])
        }
        ("restic" | "borg" | "duplicity" | "kopia", _) => {
            let to = command.words.iter().any(|word| {
                [
                    "sftp:", "rest:", "s3:", "b2:", "gs:", "azure:", "ssh://", "scp://", "s3://",
                    "ftp://",
                ]
                .iter()
                .any(|place| word.starts_with(place))
            });
            let brings = ["backup", "create", "snapshot", "full", "incremental"];
            let is_told = brings.iter().any(|word| args.operands.contains(word));
            to && (is_told || command.name == "duplicity")
        }
        _ => false,
    };
    if !is_up {
        return;
    }
    let files = args.operands.iter().skip(1);
    let is_secret = files
        .clone()
        .any(|file| holds(shell, state, &command.stdin, file))
        || command.stdin.is_secret;
    let url = files
        .clone()
        .chain(args.operands.first())
        .find(|word| word.contains("://"));
    // `:sftp,host=x:folder`
    let mut named = args
        .operands
        .iter()
        .filter_map(|word| word.split_once("host="));
    let named = named.next().map(|(_, host)| {
        let host = host.split([',', ':']).next().unwrap_or(host);
        host.trim_matches(['\'', '"'])
    });
    let address = url.map_or_else(
        || Address::at(named.unwrap_or(command.name), ""),
        |url| {
            // `:webdav,url='https://host':folder`
            let start = url.find("http").filter(|_| url.starts_with(':'));
            let url = start.and_then(|start| url.get(start..)).unwrap_or(url);
            Address::of_url(url.split(['\'', '"', ',']).next().unwrap_or(url))
        },
    );
    // A place that has been set up before is no stranger's.
    let is_new = args.operands.iter().any(|word| word.starts_with(':'));
    let is_private = is_new
        && files
            .clone()
            .any(|file| super::private::is_packed(&shell.path(state, file)));
    address.given(shell, is_secret, is_private, true);
}

/// Whether what is brought there is secret.
fn holds(shell: &Shell<'_>, state: &State, stdin: &Data, file: &str) -> bool {
    if file == "-" {
        return stdin.is_secret;
    }
    let file = file.rsplit_once("://").map_or(file, |(_, file)| file);
    let path = shell.path(state, file);
    is_secret(&path)
        || super::tokens::leaks(file, None)
        || state
            .files
            .get(&path.resolved)
            .is_some_and(|data| data.is_secret)
}
