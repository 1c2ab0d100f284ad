//! Programs by which settings of others are changed, and the files in which those stand.

use super::Command;
use crate::policy::effects::{
    Act, Write,
    shell::{Shell, State},
};

/// Programs, words that they begin with, parts of what follows, and the file that is written.
type Set = (
    &'static [&'static str],
    &'static [&'static str],
    &'static [&'static str],
    &'static str,
);

const SETS: &[Set] = &[
    (
        &["aws"],
        &["configure", "set"],
        &["access_key", "secret", "session_token"],
        "~/.aws/credentials",
    ),
    (
        &["aws"],
        &["configure", "set"],
        &["credential_process", "sso_", "role_arn", "source_profile"],
        "~/.aws/config",
    ),
    (
        &["aws"],
        &["configure", "import"],
        &[],
        "~/.aws/credentials",
    ),
    (
        &["npm", "pnpm", "yarn"],
        &["config", "set"],
        &[
            "_auth",
            "_password",
            "authtoken",
            "npmauthtoken",
            "npmauthident",
        ],
        "~/.npmrc",
    ),
    (
        &["npm", "pnpm"],
        &["set"],
        &["_auth", "_password"],
        "~/.npmrc",
    ),
    (
        &["poetry"],
        &["config"],
        &["pypi-token", "http-basic"],
        "~/.config/pypoetry/auth.toml",
    ),
    (&["gem"], &["credentials"], &[], "~/.gem/credentials"),
    (
        &["bundle", "bundler"],
        &["config"],
        &["github__com", "gems.", "token"],
        "~/.bundle/config",
    ),
    (
        &["composer"],
        &["config"],
        &["github-oauth", "http-basic", "gitlab-token", "bearer"],
        "~/.composer/auth.json",
    ),
    (
        &["kubectl", "oc"],
        &["config", "set-credentials"],
        &[],
        "~/.kube/config",
    ),
    (
        &["kubectl", "oc"],
        &["config", "set-cluster"],
        &[],
        "~/.kube/config",
    ),
    (
        &["rclone"],
        &["config", "create"],
        &[],
        "~/.config/rclone/rclone.conf",
    ),
    (
        &["rclone"],
        &["config", "update"],
        &[],
        "~/.config/rclone/rclone.conf",
    ),
    (
        &["rclone"],
        &["config", "password"],
        &[],
        "~/.config/rclone/rclone.conf",
    ),
    (
        &["gcloud"],
        &["auth", "activate-service-account"],
        &[],
        "~/.config/gcloud/credentials.db",
    ),
    (&["s3cmd"], &["--configure"], &[], "~/.s3cfg"),
    (&["cargo"], &["login"], &[], "~/.cargo/credentials.toml"),
    (&["vault"], &["login"], &[], "~/.vault-token"),
    (
        &["terraform", "tofu"],
        &["login"],
        &[],
        "~/.terraform.d/credentials.tfrc.json",
    ),
];

/// Programs that edit the file that they are given last, unless one of these words is all they are told.
const EDITORS: &[(&str, &[&str])] = &[
    ("plistbuddy", &["Print", "Exit", "Help"]),
    ("plutil", &["-p", "-lint", "-extract", "-type", "-help"]),
    ("crudini", &["--get", "--version"]),
    ("dasel", &["select"]),
    ("toml", &["get"]),
    ("tomlq", &[]),
    ("xmlstarlet", &["sel", "val", "el", "c14n", "fo"]),
    ("git-config", &["--get", "--list"]),
    ("jsonnet", &[]),
];

/// The files that are written.
pub(super) fn changed(shell: &mut Shell<'_>, state: &State, command: &Command<'_>) {
    let words = command.words;
    let has = |part: &&str| {
        words
            .iter()
            .any(|word| word.to_ascii_lowercase().contains(*part))
    };
    let begins = |verbs: &[&str]| {
        let mut rest = words
            .iter()
            .filter(|word| !word.starts_with('-') || verbs.contains(&word.as_str()));
        verbs
            .iter()
            .all(|verb| rest.next().is_some_and(|word| word == verb))
    };
    let set = SETS.iter().find(|(programs, verbs, parts, _)| {
        programs.contains(&command.name)
            && begins(verbs)
            && (parts.is_empty() || parts.iter().any(&has))
    });
    let mut file = set.map(|(.., file)| *file);
    // For the project alone.
    if file.is_some()
        && words
            .iter()
            .any(|word| matches!(word.as_str(), "--location=project" | "--local"))
    {
        file = Some("./.npmrc");
    }
    let editor = EDITORS.iter().find(|(name, _)| *name == command.name);
    if let Some((name, asks)) = editor {
        let told: Vec<&String> = match *name {
            "plistbuddy" => words.iter().skip_while(|word| *word != "-c").collect(),
            _ => words.iter().collect(),
        };
        let is_asked = |word: &&String| {
            let first = word.split_whitespace().next().unwrap_or_default();
            asks.contains(&first)
        };
        let edits = match *name {
            "plistbuddy" => {
                let pairs = words.windows(2).filter_map(|pair| match pair {
                    [option, told] if option == "-c" => Some(told),
                    _ => None,
                });
                pairs.into_iter().any(|told| !is_asked(&told))
            }
            "dasel" => words.iter().any(|word| word == "put" || word == "delete"),
            "xmlstarlet" => words.iter().any(|word| word == "-L" || word == "--inplace"),
            "tomlq" => words
                .iter()
                .any(|word| word == "-i" || word == "--in-place"),
            _ => !told.iter().any(is_asked),
        };
        if edits {
            file = words
                .iter()
                .rev()
                .find(|word| !word.starts_with('-'))
                .map(String::as_str);
        }
    }
    if let Some(file) = file {
        let path = shell.path(state, file);
        shell.act(Act::Write {
            path,
            how: Write::Edit,
        });
    }
}
