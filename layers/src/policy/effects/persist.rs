//! Files that mean more than what is in them.

use super::{PathRef, Persist, mark, shell::matches};

/// Whether a file holds keys, tokens or the like.
pub(crate) fn is_secret(path: &PathRef) -> bool {
    if let Some(home) = path.in_home() {
        let folders = [
            ".ssh",
            ".aws",
            ".gnupg",
            ".kube",
            ".docker/config.json",
            ".config/gcloud",
            ".azure",
            ".netrc",
            ".npmrc",
            ".pypirc",
            ".git-credentials",
            ".pgpass",
            ".config/gh",
            ".claude/.credentials.json",
            ".codex/auth.json",
            ".password-store",
            "Library/Keychains",
            ".vault-token",
            ".terraform.d/credentials",
            ".bash_history",
            ".zsh_history",
            ".cargo/credentials",
            ".mozilla",
            ".config/google-chrome",
            ".electrum",
            ".bitcoin",
            ".ethereum",
            "Library/Application Support/Google/Chrome",
            ".my.cnf",
            ".config/op",
            ".local/share/keyrings",
        ];
        let is_public = home.ends_with(".pub")
            || home.ends_with("known_hosts")
            || home.ends_with(".ssh/config");
        if folders.iter().any(|folder| {
            home.strip_prefix(folder)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '.']))
                || could_be(home, folder)
        }) && !is_public
        {
            return true;
        }
    }
    let name = path.name();
    let names = [
        "id_rsa",
        "id_ed25519",
        "id_ecdsa",
        "id_dsa",
        ".env",
        ".netrc",
        ".pgpass",
        "credentials",
        "credentials.json",
        "secrets.yml",
        "secrets.yaml",
        "secrets.json",
        "service-account.json",
        "kubeconfig",
        ".git-credentials",
        "shadow",
        "master.key",
        ".npmrc",
        ".pypirc",
        "wallet.dat",
        "terraform.tfstate",
        ".htpasswd",
        "environ",
    ];
    let is_example =
        name.contains("example") || name.contains("sample") || name.contains("template");
    if is_example {
        return false;
    }
    names.contains(&name)
        || name.starts_with(".env.")
        || [
            ".pem",
            ".key",
            ".p12",
            ".pfx",
            ".keystore",
            ".jks",
            ".kdbx",
            ".ppk",
            ".asc",
        ]
        .iter()
        .any(|end| name.ends_with(end))
        || path.is_within("/etc/shadow")
        || path.is_within("/var/run/secrets")
        || path.is_within("/run/secrets")
        || path.is_within("/etc/ssl/private")
}

/// Whether a path in which a shell would fill something in could become this one, or what is below it.
fn could_be(path: &str, wanted: &str) -> bool {
    if !path.contains(['?', '[', '*']) {
        return false;
    }
    let mut names = path.split('/');
    wanted.split('/').all(|wanted| {
        names.next().is_some_and(|name| {
            let known = name.chars().filter(|c| c.is_alphanumeric()).count();
            let pattern = name
                .replace('*', mark::STAR.encode_utf8(&mut [0; 4]))
                .replace('?', mark::ANY.encode_utf8(&mut [0; 4]))
                .replace('[', mark::SET.encode_utf8(&mut [0; 4]));
            name == wanted || known > 1 && name.starts_with('.') && matches(&pattern, wanted)
        })
    })
}

/// What will run because a file is written.
pub(super) fn kind(path: &PathRef) -> Option<Persist> {
    let resolved = path.resolved.as_str();
    // Python carries out what is in such files whenever it starts.
    let is_site = resolved.ends_with(".pth") || resolved.ends_with("/sitecustomize.py");
    if is_site && resolved.contains("-packages/") {
        return Some(Persist::Startup);
    }
    if let Some(home) = path.in_home() {
        let name = home.rsplit('/').next().unwrap_or_default();
        let startup = [
            ".bashrc",
            ".bash_profile",
            ".bash_login",
            ".bash_logout",
            ".bash_aliases",
            ".profile",
            ".zshrc",
            ".zprofile",
            ".zshenv",
            ".zlogin",
            ".zlogout",
            ".kshrc",
            ".cshrc",
            ".tcshrc",
            ".xinitrc",
            ".xprofile",
            ".xsession",
            ".inputrc",
            ".pam_environment",
            ".login",
            ".config/fish/config.fish",
            ".vimrc",
            ".config/nvim/init.lua",
        ];
        if startup.contains(&home)
            && home != ".vimrc"
            && home != ".config/nvim/init.lua"
            && home != ".inputrc"
        {
            return Some(Persist::Startup);
        }
        if home.starts_with(".ssh/")
            && matches!(
                name,
                "authorized_keys" | "authorized_keys2" | "rc" | "environment"
            )
        {
            return Some(Persist::Key);
        }
        if home.starts_with(".config/systemd/user")
            || home.starts_with(".local/share/systemd")
            || home.starts_with("Library/LaunchAgents")
        {
            return Some(Persist::Service);
        }
        if matches!(name, "usercustomize.py" | "sitecustomize.py") {
            return Some(Persist::Startup);
        }
        if home.starts_with(".config/autostart")
            || home.starts_with(".config/fish/conf.d")
            || home.starts_with(".config/environment.d")
        {
            return Some(Persist::Startup);
        }
        if home.starts_with(".git-templates") || home.starts_with(".config/git/hooks") {
            return Some(Persist::GitHook);
        }
    }
    let within = |folders: &[&str]| folders.iter().any(|folder| path.is_within(folder));
    if within(&[
        "/etc/cron.d",
        "/etc/cron.daily",
        "/etc/cron.hourly",
        "/etc/cron.weekly",
        "/etc/cron.monthly",
        "/etc/crontab",
        "/var/spool/cron",
        "/etc/anacrontab",
        "/var/spool/at",
    ]) {
        return Some(Persist::Schedule);
    }
    if within(&[
        "/etc/systemd",
        "/lib/systemd",
        "/usr/lib/systemd",
        "/etc/init.d",
        "/etc/rc.local",
        "/etc/init",
        "/Library/LaunchDaemons",
        "/Library/LaunchAgents",
        "/etc/rc.d",
        "/etc/xinetd.d",
    ]) {
        return Some(Persist::Service);
    }
    if within(&[
        "/etc/profile",
        "/etc/profile.d",
        "/etc/bash.bashrc",
        "/etc/bashrc",
        "/etc/zsh",
        "/etc/zshrc",
        "/etc/environment",
        "/etc/update-motd.d",
        "/etc/skel",
        "/etc/X11/xinit",
    ]) {
        return Some(Persist::Startup);
    }
    if within(&["/etc/ld.so.preload", "/etc/ld.so.conf", "/etc/ld.so.conf.d"]) {
        return Some(Persist::Preload);
    }
    if within(&[
        "/etc/sudoers",
        "/etc/sudoers.d",
        "/etc/passwd",
        "/etc/shadow",
        "/etc/group",
        "/etc/pam.d",
        "/etc/security",
    ]) {
        return Some(Persist::Account);
    }
    if within(&["/etc/ssh/sshd_config", "/root/.ssh"])
        || resolved.ends_with("/.ssh/authorized_keys")
    {
        return Some(Persist::Key);
    }
    if resolved.contains("/.git/hooks/") && !resolved.ends_with(".sample")
        || resolved.starts_with(".git/hooks/")
    {
        return Some(Persist::GitHook);
    }
    None
}
