//! Rules for connections that are given as a text, and not in words.

use super::{Command, executes};
use crate::policy::effects::shell::{Data, Shell, State};

/// How many rules of a text are told.
const MOST: usize = 64;

/// What such a text says is told as if each rule had been given in words. What the program itself does is told by others.
pub(super) fn run(shell: &mut Shell<'_>, state: &mut State, command: &Command<'_>) -> Option<Data> {
    let args = command.args(&["f", "file"]);
    let name = match command.name {
        "nft" | "pfctl" | "ipfw" => command.name,
        "iptables-restore" | "iptables-nft-restore" | "iptables-legacy-restore" => "iptables",
        "ip6tables-restore" => "ip6tables",
        "ip" | "tc" if args.operands.is_empty() => command.name,
        _ => return None,
    };
    let file = args
        .value(&["f", "file", "b", "batch"])
        .or(args.operands.first().copied());
    let data = match file.filter(|_| name != command.name || args.has(&["f", "file"])) {
        Some(file) if !matches!(file, "-" | "/dev/stdin") => shell.read_file(state, file),
        _ => command.stdin.clone(),
    };
    let text = data.text.unwrap_or_default();
    for rule in text
        .split(['\n', ';'])
        .map(str::trim)
        .filter(|rule| !rule.is_empty())
        .take(MOST)
    {
        let words: Vec<String> = rule.split_whitespace().map(str::to_owned).collect();
        executes(shell, name, &words);
    }
    None
}
