//! Conditions that are known: `true`, `[ a = b ]`, `(( 1 < 2 ))`. What is not run then sets nothing.

use brush_parser::ast::{
    BinaryPredicate as Two, Command, CommandPrefixOrSuffixItem as Item, CompoundCommand,
    CompoundList, ExtendedTestExpr, Pipeline, SeparatorOperator, UnaryPredicate as One,
};

use super::{super::mark, Shell, State, matches};

impl Shell<'_> {
    /// Whether what stands behind `if` or `while` is known to be so.
    pub(super) fn condition(&mut self, state: &mut State, list: &CompoundList) -> Option<bool> {
        match list.0.as_slice() {
            [item] if item.0.additional.is_empty() => {
                let waits = !matches!(item.1, SeparatorOperator::Async);
                self.truth(state, &item.0.first).filter(|_| waits)
            }
            _ => None,
        }
    }

    /// Whether a command is known to succeed. Nothing is run for that.
    pub(super) fn truth(&mut self, state: &mut State, pipeline: &Pipeline) -> Option<bool> {
        let [command] = pipeline.seq.as_slice() else {
            return None;
        };
        let is_so = match command {
            Command::Simple(command) => {
                let words = command.word_or_name.iter().chain(
                    command
                        .suffix
                        .iter()
                        .flat_map(|suffix| &suffix.0)
                        .filter_map(|item| match item {
                            Item::Word(word) => Some(word),
                            _ => None,
                        }),
                );
                let mut argv = Vec::new();
                for word in words.take(8) {
                    if word.value.contains("$(") || word.value.contains('`') {
                        return None;
                    }
                    argv.extend(self.fields(state, &word.value));
                }
                if argv
                    .first()
                    .is_some_and(|name| state.functions.contains_key(name))
                {
                    return None;
                }
                let argv: Vec<&str> = argv.iter().map(String::as_str).collect();
                plain(&argv)
            }
            Command::ExtendedTest(test, _) => self.tested(state, &test.expr),
            Command::Compound(CompoundCommand::Arithmetic(sum), _)
                if !sum.expr.value.contains('`') && !sum.expr.value.contains("$(") =>
            {
                let mut aside = state.clone();
                self.number(&mut aside, &sum.expr.value)
                    .map(|value| value != 0)
            }
            _ => None,
        }?;
        Some(is_so != pipeline.bang)
    }

    fn tested(&mut self, state: &mut State, test: &ExtendedTestExpr) -> Option<bool> {
        let is_plain = |text: &str| !text.contains("$(") && !text.contains('`');
        match test {
            ExtendedTestExpr::And(one, other) => {
                let (one, other) = (self.tested(state, one), self.tested(state, other));
                match (one, other) {
                    (Some(false), _) | (_, Some(false)) => Some(false),
                    (one, other) => one.zip(other).map(|(one, other)| one && other),
                }
            }
            ExtendedTestExpr::Or(one, other) => {
                let (one, other) = (self.tested(state, one), self.tested(state, other));
                match (one, other) {
                    (Some(true), _) | (_, Some(true)) => Some(true),
                    (one, other) => one.zip(other).map(|(one, other)| one || other),
                }
            }
            ExtendedTestExpr::Not(test) => self.tested(state, test).map(|is_so| !is_so),
            ExtendedTestExpr::Parenthesized(test) => self.tested(state, test),
            ExtendedTestExpr::UnaryTest(kind, word) if is_plain(&word.value) => {
                let word = self.whole(state, &word.value);
                match kind {
                    One::StringHasZeroLength => one("-z", &word),
                    One::StringHasNonZeroLength => one("-n", &word),
                    _ => None,
                }
            }
            ExtendedTestExpr::BinaryTest(kind, first, second)
                if is_plain(&first.value) && is_plain(&second.value) =>
            {
                let (first, second) = (
                    self.whole(state, &first.value),
                    self.whole(state, &second.value),
                );
                let sign = match kind {
                    Two::StringExactlyMatchesPattern | Two::StringExactlyMatchesString => "=",
                    Two::StringDoesNotExactlyMatchPattern
                    | Two::StringDoesNotExactlyMatchString => "!=",
                    Two::ArithmeticEqualTo => "-eq",
                    Two::ArithmeticNotEqualTo => "-ne",
                    Two::ArithmeticLessThan => "-lt",
                    Two::ArithmeticLessThanOrEqualTo => "-le",
                    Two::ArithmeticGreaterThan => "-gt",
                    Two::ArithmeticGreaterThanOrEqualTo => "-ge",
                    _ => return None,
                };
                two(&first, sign, &second)
            }
            _ => None,
        }
    }
}

/// Whether a command whose words are known succeeds.
fn plain(argv: &[&str]) -> Option<bool> {
    let inner = match argv {
        ["true" | ":" | "/bin/true" | "/usr/bin/true", ..] => return Some(true),
        ["false" | "/bin/false" | "/usr/bin/false", ..] => return Some(false),
        ["[", inner @ .., "]"] | ["test", inner @ ..] => inner,
        _ => return None,
    };
    match inner {
        ["!", inner @ ..] if !inner.is_empty() => {
            let argv: Vec<&str> = ["test"].into_iter().chain(inner.iter().copied()).collect();
            plain(&argv).map(|is_so| !is_so)
        }
        [] => Some(false),
        [word] => one("-n", word),
        [sign, word] => one(sign, word),
        [first, sign, second] => two(first, sign, second),
        _ => None,
    }
}

fn one(sign: &str, word: &str) -> Option<bool> {
    if word.contains(mark::is_unknown) {
        return None;
    }
    match sign {
        "-z" => Some(word.is_empty()),
        "-n" => Some(!word.is_empty()),
        _ => None,
    }
}

fn two(first: &str, sign: &str, second: &str) -> Option<bool> {
    if first.contains(mark::is_unknown) || second.contains(mark::is_unknown) {
        return None;
    }
    let numbers = || {
        first
            .trim()
            .parse::<i64>()
            .ok()
            .zip(second.trim().parse().ok())
    };
    match sign {
        "=" | "==" => Some(matches(second, first)),
        "!=" => Some(!matches(second, first)),
        "-eq" => numbers().map(|(first, second)| first == second),
        "-ne" => numbers().map(|(first, second)| first != second),
        "-lt" => numbers().map(|(first, second)| first < second),
        "-le" => numbers().map(|(first, second)| first <= second),
        "-gt" => numbers().map(|(first, second)| first > second),
        "-ge" => numbers().map(|(first, second)| first >= second),
        _ => None,
    }
}
