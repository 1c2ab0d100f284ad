//! What can be told of code by its words alone, whatever its language.

use super::{
    super::{builtins, host, is_secret, sent},
    Source,
};
use crate::policy::effects::{
    Act, Database, Exhaust,
    shell::{Shell, State},
};

/// The most words that are looked at.
const MOST: usize = 256;

pub(super) fn all(shell: &mut Shell<'_>, state: &State, code: &Source<'_>) {
    let (language, code) = (code.language, code.text);
    sends(shell, state, code);
    asks_cloud(shell, code);
    exhausts(shell, code);
    let has = |words: &[&str]| words.iter().any(|word| code.contains(word));
    let is_shell = has(&[
        "dup2(",
        "pty.spawn",
        "/bin/sh",
        "/bin/bash",
        "sh -i",
        "open(STDIN",
    ]);
    if is_shell && has(&["socket", "Socket", "fsockopen"]) {
        builtins::backdoor(shell, language);
    }
}

/// Parts of libraries that ask a cloud for the keys of this machine, and nothing else.
const FETCHERS: &[&str] = &[
    "InstanceMetadataFetcher",
    "InstanceMetadataProvider",
    "ContainerMetadataFetcher",
    "IMDSFetcher",
    "fromInstanceMetadata",
    "fromContainerMetadata",
    "MetadataService",
    "EC2MetadataUtils",
    "EC2MetadataCredentials",
    "InstanceProfileCredentials",
    "ec2_metadata",
    "ec2metadata",
    "get_service_account_token",
    "gcp-metadata",
];

/// Who asks for the keys of a machine by a library asks the same address.
fn asks_cloud(shell: &mut Shell<'_>, code: &str) {
    if FETCHERS.iter().any(|name| code.contains(name)) {
        sent(shell, Some("169.254.169.254".to_owned()), false, false);
    }
}

/// What is lost elsewhere: rows by the hand of a library, machines of a cloud.
pub(super) fn losses(shell: &mut Shell<'_>, code: &str) {
    let has = |words: &[&str]| words.iter().any(|word| code.contains(word));
    if has(&[
        ".delete_all",
        ".destroy_all",
        "objects.all().delete()",
        "deleteMany({})",
        ".drop_all(",
    ]) {
        shell.act(Act::Database {
            what: Database::DeleteAll,
            target: code.chars().take(80).collect(),
        });
    }
    let is_cloud = has(&[
        "boto3",
        "aws-sdk",
        "@aws-sdk",
        "google.cloud",
        "@google-cloud",
        "azure.mgmt",
    ]);
    let takes = [
        "terminate_instances",
        ".delete_",
        ".delete()",
        "Terminate",
        "DeleteBucket",
        "begin_delete",
        "deleteBucket",
    ];
    if is_cloud && has(&takes) {
        shell.act(Act::Infrastructure {
            program: "code".to_owned(),
            target: code.chars().take(80).collect(),
        });
    }
}

/// Memory that is taken without end.
fn exhausts(shell: &mut Shell<'_>, code: &str) {
    let has = |words: &[&str]| words.iter().any(|word| code.contains(word));
    let is_endless = has(&[
        "while True",
        "while 1",
        "while(1)",
        "while(true)",
        "while (true)",
        "while (1)",
        "while:",
    ]);
    let ends = has(&[
        "break", "sleep", "return", "input", "read", "await", "next", "exit", "recv", "accept",
        "yield", "raise",
    ]);
    let grows = has(&["append(", "push(", ".=", "+=", "++]"]);
    let is_huge = ["*10**1", "x1e9", "x1e1"]
        .iter()
        .any(|word| code.replace(' ', "").contains(word));
    if is_endless && !ends && grows || is_huge {
        shell.act(Act::Exhaust {
            what: Exhaust::Memory,
        });
    }
}

/// Keys that are read and sent away in the same code.
fn sends(shell: &mut Shell<'_>, state: &State, code: &str) {
    let has = |words: &[&str]| words.iter().any(|word| code.contains(word));
    let is_sent = has(&[
        ".post(",
        ".put(",
        "urlopen(",
        "http.client",
        "HTTPSConnection",
        "socket",
        "Socket",
        "smtplib",
        "fetch(",
        "http.request",
        "https.request",
        "https.get",
        "http.get",
        "Net::HTTP",
        "LWP::",
        "HTTP::Tiny",
        "curl_",
        "requests.get",
        "file_get_contents(\"http",
        "file_get_contents('http",
        "TCPSocket",
    ]);
    if !is_sent {
        return;
    }
    let is_all = tells_all(code);
    let is_secret = |text: &str| is_secret(&shell.path(state, text));
    let mut words = code
        .split(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '(' | ')' | ','))
        .filter(|word| word.contains(['/', '.']));
    if is_all || words.by_ref().take(MOST).any(is_secret) {
        sent(shell, url_in(code), true, true);
    }
}

/// Whether all variables are meant.
pub(super) fn tells_all(code: &str) -> bool {
    const WAYS: &[&str] = &[
        "dict(os.environ)",
        "str(os.environ)",
        "dumps(os.environ",
        "(process.env)",
        "data=os.environ",
        "json=os.environ",
        "ENV.to_h",
        "ENV.to_a",
        "%ENV",
        "getenv()",
    ];
    WAYS.iter().any(|way| code.contains(way))
}

/// The host of the first URL in the code.
pub(super) fn url_in(code: &str) -> Option<String> {
    let at = code.find("http")?;
    host(code.get(at..)?.split(['"', '\'', ')', ' ']).next()?)
}
