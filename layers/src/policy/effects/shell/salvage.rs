//! What can still be made out of text that no shell would take as a whole. A shell carries out the lines before the fault.

use super::{Data, Shell, State};

/// Every piece that looks like a command, by itself.
pub(super) fn commands(shell: &mut Shell<'_>, state: &mut State, text: &str) -> Data {
    for line in text.lines() {
        for piece in line.split([';', '|', '&', '(', ')', '{', '}', '`']) {
            let mut words = Vec::new();
            for word in piece.split_whitespace() {
                let word = word
                    .trim_matches(['"', '\''])
                    .replace(['"', '\'', '\\'], "");
                let is_keyword = matches!(
                    word.as_str(),
                    "then" | "do" | "else" | "if" | "while" | "until" | "!" | "" | "$"
                );
                if !(is_keyword && words.is_empty()) {
                    words.extend(shell.fields(state, &word.replace('`', "")));
                }
            }
            if !words.is_empty() {
                shell.invoke(state, words, Data::default());
            }
        }
    }
    Data::default()
}
