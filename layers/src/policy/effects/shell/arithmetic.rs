//! `$((…))`, as far as its numbers are known.

use super::{super::mark, State};

/// How deep parentheses, and variables that name others, may stand in one another.
const DEEPEST: usize = 16;
/// How long the text of a variable may be that is an expression.
const LONGEST: usize = 256;
/// How many numbers and names are looked at.
const STEPS: usize = 4096;

/// The operators of each level, those that bind least first. Longer ones stand before those they begin with.
const LEVELS: &[&[&str]] = &[
    &["||"],
    &["&&"],
    &["|"],
    &["^"],
    &["&"],
    &["==", "!="],
    &["<=", ">=", "<", ">"],
    &["<<", ">>"],
    &["+", "-"],
    &["*", "/", "%"],
    &["**"],
];
/// All operators, so that the longest is taken.
const OPERATORS: &[&str] = &[
    "<<=", ">>=", "**", "||", "&&", "==", "!=", "<=", ">=", "<<", ">>", "++", "--", "+=", "-=",
    "*=", "/=", "%=", "&=", "|=", "^=", "?", ":", ",", "|", "^", "&", "<", ">", "+", "-", "*", "/",
    "%", "!", "~", "(", ")", "=",
];

/// What an expression is, if its text tells. Variables that it sets are set; they are unknown, if that is not known.
pub(super) fn value(state: &mut State, text: &str) -> Option<i64> {
    if text.trim().is_empty() {
        return Some(0);
    }
    let mut reader = Reader {
        state,
        rest: text,
        depth: 0,
        steps: STEPS,
    };
    let value = reader.list();
    let is_read = reader.rest.trim().is_empty();
    value.filter(|_| is_read)
}

struct Reader<'s, 't> {
    state: &'s mut State,
    rest: &'t str,
    depth: usize,
    steps: usize,
}

impl<'t> Reader<'_, 't> {
    fn operator(&self) -> Option<&'static str> {
        let rest = self.rest.trim_start();
        let mut all = OPERATORS.iter();
        all.find(|operator| rest.starts_with(**operator)).copied()
    }

    fn skip(&mut self, length: usize) {
        let rest = self.rest.trim_start();
        self.rest = rest.get(length..).unwrap_or_default();
    }

    fn takes(&mut self, wanted: &str) -> bool {
        let is_there = self.operator() == Some(wanted);
        if is_there {
            self.skip(wanted.len());
        }
        is_there
    }

    fn list(&mut self) -> Option<i64> {
        let mut value = self.choice();
        while self.takes(",") {
            value = self.choice();
        }
        value
    }

    /// `a ? b : c`.
    fn choice(&mut self) -> Option<i64> {
        if self.depth >= DEEPEST {
            return None;
        }
        self.depth += 1;
        let mut value = self.binary(0);
        if self.takes("?") {
            let yes = self.choice();
            self.takes(":");
            let no = self.choice();
            value = value.and_then(|value| if value == 0 { no } else { yes });
        }
        self.depth -= 1;
        value
    }

    fn binary(&mut self, level: usize) -> Option<i64> {
        let Some(operators) = LEVELS.get(level) else {
            return self.unary();
        };
        let mut value = self.binary(level + 1);
        while let Some(operator) = self.operator().filter(|found| operators.contains(found)) {
            self.skip(operator.len());
            // Powers are read from the right.
            let other = match operator {
                "**" => self.binary(level),
                _ => self.binary(level + 1),
            };
            value = value
                .zip(other)
                .and_then(|(one, other)| calculated(operator, one, other));
        }
        value
    }

    fn unary(&mut self) -> Option<i64> {
        let Some(operator) = self.operator() else {
            return self.operand();
        };
        if self.depth >= DEEPEST {
            return None;
        }
        self.skip(operator.len());
        self.depth += 1;
        let value = match operator {
            "(" => {
                let value = self.list();
                self.takes(")");
                value
            }
            "++" | "--" => {
                let step = if operator == "++" { 1 } else { -1 };
                let name = self.name();
                let value = self.variable(name).and_then(|old| old.checked_add(step));
                self.set(name, value)
            }
            "-" => self.unary().and_then(i64::checked_neg),
            "+" => self.unary(),
            "!" => self.unary().map(|value| i64::from(value == 0)),
            "~" => self.unary().map(|value| !value),
            _ => None,
        };
        self.depth -= 1;
        value
    }

    fn operand(&mut self) -> Option<i64> {
        let Some(steps) = self.steps.checked_sub(1) else {
            self.rest = "";
            return None;
        };
        self.steps = steps;
        let rest = self.rest.trim_start();
        if rest.starts_with(|c: char| c.is_ascii_digit()) {
            let end =
                rest.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '#' | '@' | '_')));
            let (number, rest) = rest.split_at_checked(end.unwrap_or(rest.len()))?;
            self.rest = rest;
            return parsed(number);
        }
        let name = self.name();
        if name.is_empty() {
            // Whatever it is, it is no number that is known.
            self.rest = "";
            return None;
        }
        let Some(operator) = self.operator() else {
            return self.variable(name);
        };
        let old = self.variable(name);
        match operator {
            "=" => {
                self.skip(1);
                let value = self.choice();
                self.set(name, value)
            }
            "++" | "--" => {
                self.skip(2);
                let step = if operator == "++" { 1 } else { -1 };
                self.set(name, old.and_then(|old| old.checked_add(step)));
                old
            }
            operator
                if operator.ends_with('=') && !matches!(operator, "==" | "!=" | "<=" | ">=") =>
            {
                self.skip(operator.len());
                let other = self.choice();
                let value = old.zip(other).and_then(|(one, other)| {
                    calculated(operator.trim_end_matches('='), one, other)
                });
                self.set(name, value)
            }
            _ => old,
        }
    }

    fn name(&mut self) -> &'t str {
        let rest = self.rest.trim_start();
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        let (name, rest) = rest
            .split_at_checked(end.unwrap_or(rest.len()))
            .unwrap_or_default();
        self.rest = rest;
        name
    }

    /// What a variable counts as: its text is an expression again.
    fn variable(&mut self, name: &str) -> Option<i64> {
        let text = self.state.get(name).concat();
        // What nobody sets is nothing, unless it comes from outside: that has capitals.
        if text == mark::UNSET.to_string() && !name.contains(|c: char| c.is_ascii_uppercase()) {
            return Some(0);
        }
        if text.contains(mark::is_unknown) || text.len() > LONGEST {
            return None;
        }
        if text.trim().is_empty() {
            return Some(0);
        }
        if let Some(number) = parsed(text.trim()) {
            return Some(number);
        }
        if self.depth >= DEEPEST {
            return None;
        }
        let mut inner = Reader {
            state: self.state,
            rest: &text,
            depth: self.depth + 4,
            steps: self.steps,
        };
        let value = inner.list();
        self.steps = inner.steps;
        value
    }

    fn set(&mut self, name: &str, value: Option<i64>) -> Option<i64> {
        let text = value.map_or_else(|| mark::SOME.to_string(), |value| value.to_string());
        self.state.set(name, vec![text]);
        value
    }
}

fn calculated(operator: &str, one: i64, other: i64) -> Option<i64> {
    let bits = |other: i64| u32::try_from(other).ok();
    let told = |is: bool| Some(i64::from(is));
    match operator {
        "||" => told(one != 0 || other != 0),
        "&&" => told(one != 0 && other != 0),
        "|" => Some(one | other),
        "^" => Some(one ^ other),
        "&" => Some(one & other),
        "==" => told(one == other),
        "!=" => told(one != other),
        "<=" => told(one <= other),
        ">=" => told(one >= other),
        "<" => told(one < other),
        ">" => told(one > other),
        "<<" => one.checked_shl(bits(other)?),
        ">>" => one.checked_shr(bits(other)?),
        "+" => one.checked_add(other),
        "-" => one.checked_sub(other),
        "*" => one.checked_mul(other),
        "/" => one.checked_div(other),
        "%" => one.checked_rem(other),
        "**" => one.checked_pow(bits(other)?),
        _ => None,
    }
}

/// `10`, `0x1f`, `017`, `16#a9`.
pub(in super::super) fn parsed(number: &str) -> Option<i64> {
    if let Some(hex) = number
        .strip_prefix("0x")
        .or_else(|| number.strip_prefix("0X"))
    {
        return i64::from_str_radix(hex, 16).ok();
    }
    if let Some((base, digits)) = number.split_once('#') {
        let base: u32 = base.parse().ok().filter(|base| (2..=64).contains(base))?;
        return match base {
            ..=36 => i64::from_str_radix(digits, base).ok(),
            base => of_many(digits, base),
        };
    }
    match number.strip_prefix('0').filter(|octal| !octal.is_empty()) {
        Some(octal) => i64::from_str_radix(octal, 8).ok(),
        None => number.parse().ok(),
    }
}

/// Above thirty-six, small letters count less than capitals, and `@` and `_` follow.
fn of_many(digits: &str, base: u32) -> Option<i64> {
    let digit = |c: char| match c {
        '@' => Some(62),
        '_' => Some(63),
        'A'..='Z' => Some(u32::from(c) - u32::from('A') + 36),
        c => c.to_digit(36),
    };
    digits.chars().try_fold(0_i64, |sum, c| {
        let digit = digit(c).filter(|digit| *digit < base)?;
        sum.checked_mul(i64::from(base))?
            .checked_add(i64::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::{State, value};

    #[test]
    fn an_expression_is_what_a_shell_makes_of_it() {
        for (text, expected) in [
            ("1+2*3", Some(7)),
            ("(1 + 2) * 3 - -1", Some(10)),
            ("2**3**2", Some(512)),
            ("16#a9", Some(169)),
            ("64#12i + 1", Some(4243)),
            ("37#A", Some(36)),
            ("64#@_", Some(62 * 64 + 63)),
            ("37#B", None),
            ("0xFA1 == 4001 && 010 == 8", Some(1)),
            ("n*100+n", Some(4242)),
            ("m", Some(43)),
            ("n > 41 ? 7 : 8", Some(7)),
            ("x = 3, x += 4, x++ + x", Some(15)),
            ("!0 + ~0", Some(0)),
            ("unset + 1", Some(1)),
            ("OUTSIDE + 1", None),
            ("1 /", None),
            ("1/0", None),
            ("9223372036854775807 + 1", None),
        ] {
            let mut state = State::default();
            state.set("n", vec!["42".to_owned()]);
            state.set("m", vec!["n + 1".to_owned()]);
            assert_eq!(value(&mut state, text), expected, "{text}");
        }
        let deep = "(".repeat(10_000);
        assert_eq!(value(&mut State::default(), &deep), None);
    }
}
