//! Code of other languages than the shell's.
//!
//! | folder | what |
//! |---|---|
//! | `tree` | Python, JavaScript, Ruby, PHP and Perl: parsed, and carried out in thought |
//! | `words` | all others: the names of their calls, where arguments are constants |
//! | `told` | what can be told of any of them by its words alone |

mod told;
mod tree;
mod words;

pub(super) use self::words::printed;
use crate::policy::effects::shell::{Data, Shell, State};

/// Carries out code, with something on its standard input and words behind it. The answer is what it writes.
pub(super) fn run(
    shell: &mut Shell<'_>,
    state: &mut State,
    language: &str,
    code: &str,
    stdin: &Data,
    argv: &[String],
) -> Data {
    told::all(shell, state, language, code);
    match tree::knows(language) {
        true => tree::run(shell, state, language, code, stdin, argv),
        false => words::run(shell, state, language, code, stdin),
    }
}

/// The same with nothing before it and nothing behind.
pub(super) fn scan(shell: &mut Shell<'_>, state: &mut State, language: &str, code: &str) {
    run(shell, state, language, code, &Data::default(), &[]);
}

/// Whether the name of a function is this one, behind whatever it belongs to.
fn is_end_of(name: &str, known: &str) -> bool {
    name.strip_suffix(known)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with(['.', ':', '$']))
}
