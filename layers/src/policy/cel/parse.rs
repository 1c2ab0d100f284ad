//! The parser goes into itself for every bracket and operator, and takes tens of kilobytes of stack each time.

use std::thread;

use cel::IdedExpr;

use super::{
    ExpressionError,
    check::{Found, check},
    environment,
    names::Vocabulary,
};

/// The longest expression.
const LENGTH: usize = 4_096;
/// The most brackets in each other.
const BRACKETS: usize = 32;
/// The stack on which one is parsed: more than the longest can take.
const STACK: usize = 128 << 20;

/// Reads and checks an expression.
pub(super) fn parse(
    source: &str,
    vocabulary: Vocabulary,
) -> Result<(IdedExpr, Found), ExpressionError> {
    if source.len() > LENGTH {
        return Err(ExpressionError::new(format!(
            "a condition may have {LENGTH} bytes, this one has {}",
            source.len()
        )));
    }
    if brackets(source) > BRACKETS {
        return Err(ExpressionError::new(format!(
            "a condition may have {BRACKETS} brackets in each other"
        )));
    }
    let read = || {
        let parsed = environment().parser().parse(source);
        let mut expression = parsed.map_err(|errors| {
            // Patterns are full of backslashes, of which CEL knows a few only.
            let hint = match source.contains('\\') {
                true => "\na text with backslashes is written r'…'",
                false => "",
            };
            // Behind the first the parser only guesses.
            let errors = errors.to_string();
            let first = errors.split("\nERROR").next().unwrap_or_default();
            ExpressionError::new(format!("{first}{hint}"))
        })?;
        let found = check(&mut expression, vocabulary)?;
        Ok((expression, found))
    };
    thread::scope(|scope| {
        let thread = thread::Builder::new().stack_size(STACK);
        let reading = thread.spawn_scoped(scope, read);
        let reading = reading.map_err(|error| ExpressionError::new(error.to_string()))?;
        let failed = |_| ExpressionError::new("the parser cannot read it");
        reading.join().map_err(failed)?
    })
}

/// How many brackets stand in each other. Those in texts are counted too: nobody needs so many there.
fn brackets(source: &str) -> usize {
    let mut open = 0_usize;
    let mut most = 0;
    for byte in source.bytes() {
        match byte {
            b'(' | b'[' | b'{' => {
                open += 1;
                most = most.max(open);
            }
            b')' | b']' | b'}' => open = open.saturating_sub(1),
            _ => {}
        }
    }
    most
}
