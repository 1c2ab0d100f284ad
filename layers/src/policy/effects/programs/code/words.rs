//! What can be told of code by its words alone.

use super::{MOST, literal};
use crate::policy::effects::{
    Act, Database, Exhaust, Persist, Process,
    shell::{Data, Shell, State},
};

/// What it tells the system of a Mac.
pub(super) fn script_of_a_mac(shell: &mut Shell<'_>, code: &str) {
    if code.contains("to shut down") || code.contains("to restart") {
        shell.act(Act::Process {
            what: Process::Shutdown,
            target: code.chars().take(80).collect(),
        });
    }
    if code.contains("make login item") || code.contains("make new login item") {
        shell.act(Act::Persist {
            what: Persist::Service,
            target: code.chars().take(80).collect(),
        });
    }
}

/// Functions of Emacs whose first argument says what is done.
pub(super) fn lisp(shell: &mut Shell<'_>, state: &mut State, code: &str) {
    let of = |name: &str| {
        let (_, rest) = code.split_once(name)?;
        literal(rest.trim_start()).map(|(text, _)| text)
    };
    for name in [
        "shell-command ",
        "shell-command-to-string ",
        "call-process-shell-command ",
    ] {
        if let Some(text) = of(name) {
            shell.text(state, &text, &Data::default());
        }
    }
    for name in ["delete-directory ", "delete-file "] {
        if let Some(path) = of(name) {
            let path = shell.path(state, &path);
            shell.act(Act::Delete {
                path,
                recursive: name == "delete-directory ",
            });
        }
    }
}

/// What is lost elsewhere: rows by the hand of a library, machines of a cloud, memory.
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
pub(super) fn sends(shell: &mut Shell<'_>, state: &State, code: &str) {
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
    let is_all = has(&[
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
    ]);
    let is_secret = |text: &str| super::super::is_secret(&shell.path(state, text));
    let mut words = code
        .split(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '(' | ')' | ','))
        .filter(|word| word.contains(['/', '.']));
    if is_all || words.by_ref().take(MOST).any(is_secret) {
        super::super::sent(shell, super::url_in(code), true, true);
    }
}
