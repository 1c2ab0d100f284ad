//! Where files lie that matter.

use super::Kind;
use crate::policy::{
    effects::{PathRef, Scope, is_secret},
    policies::guard::names::{is_at, is_name, is_somewhere},
};

/// Below a home directory.
const AT_HOME: &[(Kind, &[&str])] = &[
    (
        Kind::Agents,
        &[
            ".claude/settings*.json",
            ".claude.json",
            ".claude/hooks",
            ".claude/plugins",
            ".claude/remote-settings.json",
            ".codex/config.toml",
            ".codex/hooks*",
            ".codex/rules",
            ".cursor/mcp.json",
            ".cursor/hooks*",
            ".cursor/cli-config.json",
            ".gemini/settings.json",
            ".gemini/extensions",
            ".copilot/mcp-config.json",
            ".factory/mcp.json",
            ".config/amp",
            ".augment/settings.json",
            ".aws/amazonq/mcp.json",
            ".qwen/settings.json",
            ".config/opencode",
            ".config/goose",
            ".codeium/windsurf/mcp_config.json",
            ".continue/config*",
            ".aider.conf.yml",
            ".config/zed/settings.json",
            ".config/code/user/settings.json",
            ".config/code/user/mcp.json",
            "library/application support/claude/claude_desktop_config.json",
            ".config/claude/claude_desktop_config.json",
        ],
    ),
    (
        Kind::Credentials,
        &[
            ".ssh",
            ".gnupg",
            ".aws",
            ".azure",
            ".kube",
            ".docker/config.json",
            ".config/gcloud",
            ".config/gh",
            ".config/hub",
            ".config/op",
            ".config/rclone",
            ".netrc",
            "_netrc",
            ".authinfo*",
            ".git-credentials",
            ".config/git/credentials",
            ".pgpass",
            ".my.cnf",
            ".npmrc",
            ".yarnrc*",
            ".pypirc",
            ".gem/credentials",
            ".cargo/credentials*",
            ".vault-token",
            ".terraform.d/credentials*",
            ".terraformrc",
            ".password-store",
            ".local/share/keyrings",
            ".claude/.credentials.json",
            ".codex/auth.json",
            ".gemini/oauth_creds.json",
            "library/keychains",
            ".local/share/kwalletd",
            ".config/bitwarden cli",
            ".config/lpass",
            ".config/rbw",
            ".config/google-chrome",
            ".mozilla",
            "library/application support/google/chrome",
            ".electrum",
            ".bitcoin",
            ".ethereum",
        ],
    ),
    (
        Kind::Startup,
        &[
            ".bashrc*",
            ".bash_profile",
            ".bash_login",
            ".bash_logout",
            ".bash_aliases",
            ".profile",
            ".zshrc*",
            ".zprofile",
            ".zshenv",
            ".zlogin",
            ".zlogout",
            ".oh-my-zsh",
            ".kshrc",
            ".cshrc",
            ".tcshrc",
            ".login",
            ".inputrc",
            ".xinitrc",
            ".xprofile",
            ".xsession*",
            ".xsessionrc",
            ".pam_environment",
            ".config/fish",
            ".config/autostart",
            ".config/environment.d",
            ".config/powershell",
            ".config/nushell",
            ".vimrc",
            ".config/nvim/init.*",
            ".emacs",
            ".emacs.d/init.el",
            ".tmux.conf",
            ".pythonrc*",
            ".direnvrc",
            ".local/bin",
            "bin",
        ],
    ),
    (
        Kind::Services,
        &[
            ".config/systemd",
            ".local/share/systemd",
            "library/launchagents",
            "library/launchdaemons",
        ],
    ),
    (
        Kind::Git,
        &[".gitconfig", ".config/git", ".git-templates", ".githooks"],
    ),
];

/// From the root.
const AT_ROOT: &[(Kind, &[&str])] = &[
    (
        Kind::Credentials,
        &[
            "etc/shadow*",
            "etc/gshadow*",
            "etc/sudoers",
            "etc/sudoers.d",
            "etc/ssl/private",
            "etc/ssh",
            "etc/kubernetes",
            "etc/krb5.keytab",
            "run/secrets",
            "var/run/secrets",
            "library/keychains",
            "system/library/keychains",
            "proc/*/environ",
        ],
    ),
    (
        Kind::Startup,
        &[
            "etc/profile",
            "etc/profile.d",
            "etc/bash.bashrc",
            "etc/bashrc",
            "etc/zsh*",
            "etc/environment",
            "etc/skel",
            "etc/ld.so.preload",
            "etc/update-motd.d",
            "etc/xdg/autostart",
            "etc/fish",
        ],
    ),
    (
        Kind::Services,
        &[
            "etc/cron*",
            "etc/anacrontab",
            "var/spool/cron",
            "var/spool/at",
            "etc/systemd",
            "lib/systemd",
            "usr/lib/systemd",
            "etc/init.d",
            "etc/init",
            "etc/rc.local",
            "etc/rc.d",
            "etc/xinetd.d",
            "etc/udev/rules.d",
            "etc/networkmanager/dispatcher.d",
            "etc/modules-load.d",
            "library/launchdaemons",
            "library/launchagents",
        ],
    ),
    (
        Kind::Agents,
        &[
            "etc/claude-code",
            "library/application support/claudecode",
            "etc/codex",
        ],
    ),
    (Kind::Git, &["etc/gitconfig"]),
];

/// Wherever they lie.
const ANYWHERE: &[(Kind, &[&str])] = &[
    (
        Kind::Git,
        &[
            ".git/hooks",
            ".git/config",
            ".git/config.worktree",
            ".git/info/attributes",
            ".git/modules/*/hooks",
            ".git/modules/*/config",
        ],
    ),
    (
        Kind::Agents,
        &[
            ".claude/settings*.json",
            ".claude/hooks",
            ".mcp.json",
            ".codex/config.toml",
            ".codex/hooks*",
            ".cursor/mcp.json",
            ".cursor/hooks*",
            ".vscode/mcp.json",
            ".gemini/settings.json",
            ".roo/mcp.json",
        ],
    ),
];

/// Names of files that hold keys, in a project as well.
const KEYS: &[&str] = &[
    "*.pem",
    "*.p12",
    "*.pfx",
    "*.jks",
    "*.keystore",
    "*.kdbx",
    "*.ppk",
    "*.keychain",
    "*.keychain-db",
    "id_rsa",
    "id_dsa",
    "id_ecdsa*",
    "id_ed25519*",
    ".git-credentials",
    ".netrc",
    ".pgpass",
    "authorized_keys",
    "authorized_keys2",
    "service-account*.json",
    "wallet.dat",
];

/// What agents write for themselves, and what is kept only to be faster.
const NOTES: &[&str] = &[
    ".cache",
    "library/caches",
    ".claude/plans",
    ".claude/todos",
    ".claude/projects/*/memory",
    ".claude/claude.md",
    ".codex/agents.md",
    ".codex/memories",
    ".codex/plans",
];

/// Files of the system that hold nothing.
const NOTHING: &[&str] = &[
    "/dev/null",
    "/dev/stdout",
    "/dev/stderr",
    "/dev/tty",
    "/dev/fd",
    "/dev/stdin",
];

/// Why a file matters that is changed; with `tree`, also for what lies below it.
pub(super) fn changed(path: &PathRef, tree: bool) -> Option<Kind> {
    let there = |path: &PathRef| {
        if NOTHING.iter().any(|nothing| path.is_within(nothing)) {
            return None;
        }
        let tree = tree || path.all;
        named(path, tree).or_else(|| scope(path))
    };
    let collapsed = path.collapsed.as_deref();
    there(path).or_else(|| collapsed.and_then(there))
}

/// Whether a file holds keys, for whoever reads it.
pub(super) fn is_key(path: &PathRef) -> bool {
    let there = |path: &PathRef| {
        let is_public = [".pub", "known_hosts", ".ssh/config", ".gitconfig"]
            .iter()
            .any(|end| path.resolved.ends_with(end))
            || is_example(path.name());
        !is_public
            && (is_secret(path)
                || is_secret(&lower(path))
                || path.scope != Scope::Temporary
                    && named(path, path.all) == Some(Kind::Credentials))
    };
    there(path) || path.collapsed.as_deref().is_some_and(there)
}

/// Whether it matters by its name, wherever it is.
pub(super) fn is_named(path: &PathRef) -> bool {
    named(path, path.all).is_some()
}

fn lower(path: &PathRef) -> PathRef {
    PathRef {
        resolved: path.resolved.to_ascii_lowercase(),
        ..path.clone()
    }
}

fn is_example(name: &str) -> bool {
    ["example", "sample", "template"]
        .iter()
        .any(|word| name.contains(word))
}

/// By its name, or the names of the folders around it.
fn named(path: &PathRef, tree: bool) -> Option<Kind> {
    let resolved = path.resolved.as_str();
    let find = |table: &[(Kind, &[&str])], is: &dyn Fn(&str) -> bool| {
        let found = table
            .iter()
            .find(|(_, entries)| entries.iter().any(|entry| is(entry)));
        found.map(|(kind, _)| *kind)
    };
    if let Some(home) = path.in_home()
        && let Some(kind) = find(AT_HOME, &|entry| is_at(home, entry, tree))
    {
        return Some(kind);
    }
    if resolved.starts_with('/')
        && let Some(kind) = find(AT_ROOT, &|entry| is_at(resolved, entry, tree))
    {
        return Some(kind);
    }
    // What is temporary is nobody's settings.
    if path.scope == Scope::Temporary {
        return None;
    }
    if let Some(kind) = find(ANYWHERE, &|entry| is_somewhere(resolved, entry, tree)) {
        return Some(kind);
    }
    let name = path.name();
    let is_key = !is_example(name) && KEYS.iter().any(|key| is_name(name, key));
    (is_key && !path.all && !name.ends_with(".pub")).then_some(Kind::Credentials)
}

/// By where it is.
fn scope(path: &PathRef) -> Option<Kind> {
    match path.scope {
        Scope::Root | Scope::Home | Scope::System | Scope::Device => Some(Kind::System),
        Scope::InHome | Scope::Beside => {
            let home = path.in_home().unwrap_or_default();
            let is_note = NOTES.iter().any(|note| is_at(home, note, false));
            (!is_note).then_some(Kind::Outside)
        }
        Scope::Above | Scope::Elsewhere => Some(Kind::Outside),
        Scope::Project | Scope::Below | Scope::Temporary | Scope::Unknown => None,
    }
}
