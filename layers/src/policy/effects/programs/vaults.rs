//! Stores of passwords, and programs that lay them open.

use super::Command;
use crate::policy::effects::{
    Act,
    shell::{Data, Shell, State},
};

/// A program, words that are among its arguments, and the store that it lays open as a whole.
const DUMPS: &[(&str, &[&str], &str)] = &[
    ("security", &["dump-keychain"], "~/Library/Keychains"),
    ("security", &["export"], "~/Library/Keychains"),
    ("chainbreaker", &[], "~/Library/Keychains"),
    (
        "secret-tool",
        &["search", "--all"],
        "~/.local/share/keyrings",
    ),
    (
        "secret-tool",
        &["search", "--unlock"],
        "~/.local/share/keyrings",
    ),
    ("seahorse", &["--export"], "~/.local/share/keyrings"),
    ("kwallet-query", &["-l"], "~/.local/share/kwalletd"),
    (
        "kwallet-query",
        &["--list-entries"],
        "~/.local/share/kwalletd",
    ),
    ("getent", &["shadow"], "/etc/shadow"),
    ("getent", &["gshadow"], "/etc/gshadow"),
    ("unshadow", &[], "/etc/shadow"),
    ("john", &["/etc/shadow"], "/etc/shadow"),
    ("bw", &["export"], "~/.config/Bitwarden CLI"),
    ("bw", &["list", "items"], "~/.config/Bitwarden CLI"),
    ("lpass", &["export"], "~/.config/lpass"),
    ("rbw", &["export"], "~/.config/rbw"),
    ("gopass", &["grep"], "~/.password-store"),
    ("pass", &["grep"], "~/.password-store"),
    ("keepassxc-cli", &["export"], "~/.password-store"),
    ("1password", &["export"], "~/.config/op"),
    ("mimipenguin", &[], "/etc/shadow"),
    ("lazagne", &["all"], "~/.local/share/keyrings"),
];
/// Programs that write out one thing that they keep, and words that are among their arguments then.
const EACH: &[(&str, &[&str])] = &[
    ("op", &["item", "get"]),
    ("op", &["document", "get"]),
    ("op", &["read"]),
    ("op", &["inject"]),
    ("bw", &["get"]),
    ("bws", &["secret", "get"]),
    ("bws", &["secret", "list"]),
    ("lpass", &["show"]),
    ("rbw", &["get"]),
    ("rbw", &["code"]),
    ("dcli", &["password"]),
    ("dcli", &["read"]),
    ("keepassxc-cli", &["show"]),
    ("keepassxc-cli", &["attachment-export"]),
    ("kpcli", &[]),
    ("keyring", &["get"]),
    ("security", &["find-generic-password"]),
    ("security", &["find-internet-password"]),
    ("security", &["find-key"]),
    ("secret-tool", &["lookup"]),
    ("secret-tool", &["search"]),
    ("ykman", &["oath", "accounts", "code"]),
    ("ykman", &["oath", "accounts", "uri"]),
    ("oathtool", &[]),
    ("chamber", &["read"]),
    ("chamber", &["export"]),
    ("chamber", &["env"]),
    ("doppler", &["secrets"]),
    ("infisical", &["secrets"]),
    ("infisical", &["export"]),
    ("teller", &["show"]),
    ("teller", &["env"]),
    ("teller", &["export"]),
    ("envchain", &["env"]),
    ("sops", &["-d"]),
    ("sops", &["--decrypt"]),
    ("sops", &["decrypt"]),
    ("sops", &["exec-env", "env"]),
    ("ansible-vault", &["view"]),
    ("ansible-vault", &["decrypt"]),
    ("systemd-creds", &["cat"]),
    ("systemd-creds", &["decrypt"]),
    ("credstash", &["get"]),
    ("credstash", &["getall"]),
    ("berglas", &["access"]),
    ("az", &["keyvault", "secret", "show"]),
    ("heroku", &["config"]),
    ("npm", &["token", "list"]),
    ("aws-vault", &["export"]),
    ("saml2aws", &["script"]),
];
/// Stores that take the name of something for the wish to see it, unless a command of theirs stands there.
const BY_NAME: &[&str] = &["pass", "gopass"];
const COMMANDS: &[&str] = &[
    "init",
    "ls",
    "list",
    "find",
    "search",
    "insert",
    "add",
    "set",
    "edit",
    "generate",
    "rm",
    "remove",
    "delete",
    "mv",
    "move",
    "rename",
    "cp",
    "copy",
    "git",
    "help",
    "version",
    "audit",
    "alias",
    "clone",
    "completion",
    "config",
    "create",
    "new",
    "env",
    "fsck",
    "fscopy",
    "history",
    "link",
    "merge",
    "mounts",
    "process",
    "pwgen",
    "recipients",
    "reorg",
    "setup",
    "sync",
    "templates",
    "unclip",
    "update",
    "import",
];

/// Whether one of these stores shows something.
fn shows(name: &str, words: &[String]) -> bool {
    let first = words.iter().find(|word| !word.starts_with('-'));
    BY_NAME.contains(&name) && first.is_some_and(|word| !COMMANDS.contains(&word.as_str()))
}

pub(super) fn run(shell: &mut Shell<'_>, state: &mut State, command: &Command<'_>) -> Option<Data> {
    let words = command.words;
    let has = |wanted: &[&str]| {
        wanted
            .iter()
            .all(|part| words.iter().any(|word| word == part))
    };
    let dump = DUMPS
        .iter()
        .find(|(program, wanted, _)| *program == command.name && has(wanted));
    let is_secret = EACH
        .iter()
        .any(|(program, wanted)| *program == command.name && has(wanted))
        || shows(command.name, words)
        || command.name == "gpg" && words.iter().any(|word| word.starts_with("--export-secret"))
        || command.name == "kwallet-query" && has(&["-r"]);
    if let Some((.., store)) = dump {
        let path = shell.path(state, store);
        shell.act(Act::Read { path });
    }
    if dump.is_none() && !is_secret {
        return None;
    }
    super::executes(shell, command.name, words);
    Some(Data {
        is_secret: true,
        ..Data::hidden()
    })
}

#[cfg(test)]
mod tests {
    use crate::policy::{
        ToolCall,
        effects::{Effects, Place},
    };

    #[test]
    fn a_store_that_is_laid_open_is_read() {
        for (command, read) in [
            (
                "security dump-keychain -d login.keychain",
                "read(~/Library/Keychains)",
            ),
            ("sudo getent shadow", "read(/etc/shadow)"),
        ] {
            let input = serde_json::json!({ "command": command }).to_string();
            let effects = Effects::of(&ToolCall::new("Bash", input), &Place::default());
            assert!(
                effects.iter().any(|effect| effect.to_string() == read),
                "{command}"
            );
        }
    }
}
