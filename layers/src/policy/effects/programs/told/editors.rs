//! Programs that give a file to an editor, which may be any program.

use super::super::{Command, quoted};
use crate::policy::effects::{
    Act, Write, mark,
    shell::{Data, Shell, State},
};

/// Programs that give a file to the editor of whoever runs them: what stands before the file, and which file it is, if it is
/// always the same.
const EDITING: &[(&str, &[&str], Option<&str>)] = &[
    ("visudo", &[], Some("/etc/sudoers")),
    ("vipw", &[], Some("/etc/passwd")),
    ("vigr", &[], Some("/etc/group")),
    ("sudoedit", &[], None),
    ("ansible-vault", &["edit"], None),
    ("ansible-vault", &["create"], None),
    ("sops", &["edit"], None),
    ("sops", &[], None),
    ("crontab", &["-e"], Some("/var/spool/cron/crontabs/me")),
    (
        "systemctl",
        &["edit"],
        Some("/etc/systemd/system/override.conf"),
    ),
    ("git", &["config", "--edit"], Some(".git/config")),
    ("git", &["config", "-e"], Some(".git/config")),
    ("chezmoi", &["edit"], None),
    ("gopass", &["edit"], None),
    ("pass", &["edit"], None),
    (
        "rails",
        &["credentials:edit"],
        Some("config/credentials.yml.enc"),
    ),
    ("eyaml", &["edit"], None),
];

/// An editor that has been set here is given a file, and what it reads is what the program is given.
pub(in super::super) fn edited(shell: &mut Shell<'_>, state: &mut State, command: &Command<'_>) {
    let fits = |(name, verbs, _): &&(&str, &[&str], Option<&str>)| {
        *name == command.name
            && verbs
                .iter()
                .all(|verb| command.words.iter().any(|word| word == verb))
    };
    let Some((_, verbs, file)) = EDITING.iter().find(fits) else {
        return;
    };
    let args = command.args(&["f", "vault-password-file", "vault-id", "u", "x"]);
    let named = args
        .operands
        .iter()
        .find(|word| !verbs.contains(word))
        .copied();
    let editors = [
        "SUDO_EDITOR",
        "GIT_EDITOR",
        "VISUAL",
        "EDITOR",
        "SYSTEMD_EDITOR",
    ];
    let Some(editor) = editors.iter().find_map(|name| state.set_to(name)) else {
        return;
    };
    let only_checks = args.has(&["c", "check", "d", "decrypt"])
        || command.words.iter().any(|word| word == "--version");
    let Some(file) = args
        .value(&["f"])
        .or(*file)
        .or(named)
        .filter(|_| !only_checks)
    else {
        return;
    };
    let path = shell.path(state, file);
    let is_sealed = !matches!(command.name, "git" | "chezmoi" | "systemctl");
    let known = Data {
        is_secret: is_sealed,
        is_content: true,
        ..Data::hidden()
    };
    let place = format!("/tmp/edited{}", mark::SOME);
    let opened = shell.path(state, &place).resolved;
    state.files.insert(opened.clone(), known);
    let at = if is_sealed {
        place
    } else {
        path.written.clone()
    };
    let first = editor.split_whitespace().next().unwrap_or_default();
    let is_usual = matches!(
        first.rsplit('/').next(),
        Some("vim" | "vi" | "nano" | "true" | "code" | "emacs" | "nvim")
    );
    let line = format!("{editor} {}", quoted(&at));
    shell.text(state, &line, &command.stdin);
    state.files.remove(&opened);
    if !is_usual {
        shell.act(Act::Write {
            path,
            how: Write::Edit,
        });
    }
}
