//! Code of other languages than the shell's.
//!
//! | folder | what |
//! |---|---|
//! | `tree` | Python, JavaScript, Ruby, PHP, Perl and awk: parsed, and carried out in thought |
//! | `words` | all others: the names of their calls, where arguments are constants |
//! | `told` | what can be told of any of them by its words alone |

mod told;
mod tree;
mod words;

use super::tokens;
use crate::policy::effects::shell::{Data, Shell, State};

/// Code, and what it is given.
pub(super) struct Source<'c> {
    pub(super) language: &'c str,
    pub(super) text: &'c str,
    pub(super) stdin: &'c Data,
    /// The words behind it.
    pub(super) argv: &'c [String],
}

/// Carries out code. The answer is what it writes.
pub(super) fn run(shell: &mut Shell<'_>, state: &mut State, code: &Source<'_>) -> Data {
    // A second look at all of them: who reads a secret and sends something in the same code sends it, by whatever way.
    let since = shell.count();
    told::all(shell, state, code);
    let out = match tree::knows(code.language) {
        true => tree::run(shell, state, code),
        false => words::run(shell, state, code),
    };
    // A token that goes to the service whose it is.
    if !code.stdin.is_secret && !told::tells_all(code.text) {
        shell.own_tokens(since, |host| tokens::are_own(code.text, host));
    }
    out
}

/// The same with nothing before it and nothing behind.
pub(super) fn scan(shell: &mut Shell<'_>, state: &mut State, language: &str, text: &str) {
    let code = Source {
        language,
        text,
        stdin: &Data::default(),
        argv: &[],
    };
    run(shell, state, &code);
}

/// Whether the name of a function is this one, behind whatever it belongs to.
fn is_end_of(name: &str, known: &str) -> bool {
    name.strip_suffix(known)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with(['.', ':', '$']))
}
