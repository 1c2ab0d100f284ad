//! Source that is parsed, and carried out in thought as a shell's text is.
//!
//! | folder | what |
//! |---|---|
//! | `syntax` | code of six languages becomes one kind of tree |
//! | `values` | what expressions are, and what can be done with them without any effect |
//! | `run` | carries out the tree |
//! | `acts` | what functions of libraries do |

mod acts;
mod run;
mod syntax;
#[cfg(test)]
mod tests;
mod values;

use self::run::Runner;
pub(super) use self::syntax::knows;
use super::{super::host, Source, is_end_of};
use crate::policy::effects::shell::{Data, Shell, State};

/// Carries out code. The answer is what it writes.
pub(super) fn run(shell: &mut Shell<'_>, state: &mut State, code: &Source<'_>) -> Data {
    let Some(node) = syntax::parsed(shell, code.language, code.text) else {
        return Data::hidden();
    };
    let mut runner = Runner::new(shell, state, code);
    runner.all(&node);
    Data {
        text: runner.out,
        ..Data::hidden()
    }
}
