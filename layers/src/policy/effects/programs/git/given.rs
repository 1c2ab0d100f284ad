//! Settings that are given with a command: by `-c`, and in variables.

use super::{
    super::{env::words_of, hosts::git_setting},
    Args,
    settings::{self, Kind},
};
use crate::policy::effects::{
    Act, Persist, mark,
    shell::{Data, Shell, State},
};

/// How many settings are looked for in variables.
const MOST: usize = 64;
/// How many bytes of those that stand in one.
const MAX_PARAMETERS: usize = 8 << 10;

/// All of them, in the order in which they are read.
pub(super) fn settings(
    shell: &mut Shell<'_>,
    state: &State,
    global: &Args<'_>,
) -> Vec<(String, String)> {
    let set = |name: &str| Some(state.variable(name)).filter(|value| !value.contains(mark::UNSET));
    let mut all = Vec::new();
    // However many there are said to be, if that is not known.
    let count = set("GIT_CONFIG_COUNT").and_then(|count| count.trim().parse().ok());
    for at in 0..count.unwrap_or(8).min(MOST) {
        if let Some(key) = set(&format!("GIT_CONFIG_KEY_{at}")).filter(|key| !key.is_empty()) {
            all.push((key, state.variable(&format!("GIT_CONFIG_VALUE_{at}"))));
        }
    }
    // `'a.b=c'`, or `'a.b'='c'`
    let parameters = set("GIT_CONFIG_PARAMETERS").unwrap_or_default();
    let end = parameters.floor_char_boundary(MAX_PARAMETERS);
    let pairs = words_of(parameters.get(..end).unwrap_or_default());
    let pairs = pairs.into_iter().take(MOST);
    all.extend(pairs.map(|pair| pair_of(&pair)));
    if let Some(folder) = set("GIT_TEMPLATE_DIR").filter(|folder| !folder.is_empty()) {
        shell.act(Act::Persist {
            what: Persist::GitHook,
            target: mark::shown(&folder),
        });
    }
    all.extend(global.values(&["c"]).map(pair_of));
    for setting in global.values(&["config-env"]) {
        let (key, variable) = setting.split_once('=').unwrap_or_default();
        all.push((key.to_owned(), state.variable(variable)));
    }
    all
}

fn pair_of(setting: &str) -> (String, String) {
    let (key, value) = setting.split_once('=').unwrap_or((setting, ""));
    (key.to_owned(), value.to_owned())
}

/// A setting that holds for one command.
pub(super) fn once(shell: &mut Shell<'_>, state: &mut State, key: &str, value: &str) {
    git_setting(shell, key, value);
    settings::pushes(shell, key, value);
    if let Some(code) = value.strip_prefix('!') {
        shell.text(state, code, &Data::default());
        return;
    }
    match settings::kind(key, value) {
        Some(Kind::Folder) if key.to_lowercase() != "include.path" => shell.act(Act::Persist {
            what: Persist::GitHook,
            target: mark::shown(value),
        }),
        _ if settings::is_command(key) => {
            shell.text(state, value, &Data::default());
        }
        _ => {}
    }
}
