//! Awk, taken apart into words and signs.

use crate::policy::effects::{mark, shell::unescaped};

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// The end of a line.
    Line,
    Number(f64),
    Text(String),
    Pattern(String),
    Name(String),
    /// A name with a parenthesis right behind it.
    Call(String),
    /// A word that has its meaning from the language.
    Word(&'static str),
    Sign(&'static str),
    /// What a shell has put there, and nobody knows.
    Gap(char),
}

const WORDS: &[&str] = &[
    "BEGIN",
    "END",
    "BEGINFILE",
    "ENDFILE",
    "function",
    "func",
    "if",
    "else",
    "while",
    "for",
    "do",
    "break",
    "continue",
    "next",
    "nextfile",
    "exit",
    "return",
    "delete",
    "in",
    "getline",
    "print",
    "printf",
    "switch",
    "case",
    "default",
];

/// The longest first.
const SIGNS: &[&str] = &[
    "**=", "&&", "||", "==", "<=", ">=", "!=", "!~", "++", "--", "+=", "-=", "*=", "/=", "%=",
    "^=", "**", ">>", "|&", "{", "}", "(", ")", "[", "]", ";", ",", "+", "-", "*", "/", "%", "^",
    "!", ">", "<", "|", "?", ":", "~", "$", "=", "@",
];

/// All tokens, and whether there was something among them that is none.
pub(super) fn tokens(code: &str) -> (Vec<Token>, bool) {
    let mut tokens: Vec<Token> = Vec::new();
    let mut is_faulty = false;
    let mut rest = code;
    while let Some(c) = rest.chars().next() {
        let behind = rest.get(c.len_utf8()..).unwrap_or_default();
        let (token, after) = match c {
            '\n' => (Token::Line, behind),
            // A line that goes on.
            '\\' if behind.trim_start_matches('\r').starts_with('\n') => {
                rest = behind.trim_start_matches('\r').get(1..).unwrap_or_default();
                continue;
            }
            c if c.is_whitespace() => {
                rest = behind;
                continue;
            }
            '#' => {
                rest = behind
                    .get(behind.find('\n').unwrap_or(behind.len())..)
                    .unwrap_or_default();
                continue;
            }
            '"' => match closed(behind, false) {
                Some((text, after)) => {
                    let text = text.replace("\\\n", "");
                    (Token::Text(unescaped(&text)), after)
                }
                None => return (tokens, true),
            },
            '/' if !tokens.last().is_some_and(is_operand) => match closed(behind, true) {
                Some((pattern, after)) => (Token::Pattern(pattern.replace("\\/", "/")), after),
                None => return (tokens, true),
            },
            c if c.is_ascii_digit()
                || c == '.' && behind.starts_with(|c: char| c.is_ascii_digit()) =>
            {
                number(rest)
            }
            c if c.is_alphabetic() || c == '_' => name(rest),
            c if mark::is_unknown(c) || mark::is_glob(c) => (Token::Gap(c), behind),
            _ => match SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
                Some(sign) => (
                    Token::Sign(sign),
                    rest.get(sign.len()..).unwrap_or_default(),
                ),
                None => {
                    is_faulty = true;
                    rest = behind;
                    continue;
                }
            },
        };
        tokens.push(token);
        rest = after;
    }
    (tokens, is_faulty)
}

/// Whether an operand may end here, so that a slash behind it divides.
fn is_operand(token: &Token) -> bool {
    match token {
        Token::Number(_) | Token::Text(_) | Token::Name(_) | Token::Gap(_) | Token::Pattern(_) => {
            true
        }
        Token::Sign(sign) => matches!(*sign, ")" | "]" | "$" | "++" | "--"),
        _ => false,
    }
}

/// Up to the quote, or the slash, that ends it. In brackets a slash is one.
fn closed(text: &str, is_pattern: bool) -> Option<(&str, &str)> {
    let (mut is_escaped, mut set) = (false, None::<usize>);
    for (at, c) in text.char_indices() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '\n' if is_pattern => return None,
            '[' if is_pattern && set.is_none() => set = Some(at),
            // The first in brackets is no end of them.
            ']' if set.is_some_and(|open| {
                let inside = text.get(open + 1..at).unwrap_or_default();
                !inside.is_empty() && inside != "^"
            }) =>
            {
                set = None;
            }
            '/' if is_pattern && set.is_none() => {
                return Some((text.get(..at)?, text.get(at + 1..)?));
            }
            '"' if !is_pattern => return Some((text.get(..at)?, text.get(at + 1..)?)),
            _ => {}
        }
    }
    None
}

fn number(text: &str) -> (Token, &str) {
    let is_hex = text.starts_with("0x") || text.starts_with("0X");
    let mut is_exponent = false;
    let end = text
        .char_indices()
        .skip(if is_hex { 2 } else { 0 })
        .find(|(_, c)| {
            let is_part = match c {
                c if is_hex => c.is_ascii_hexdigit(),
                '+' | '-' => is_exponent,
                'e' | 'E' => true,
                c => c.is_ascii_digit() || *c == '.',
            };
            is_exponent = matches!(c, 'e' | 'E');
            !is_part
        })
        .map_or(text.len(), |(at, _)| at);
    let (digits, after) = text.split_at_checked(end).unwrap_or((text, ""));
    let number = match digits.get(2..).filter(|_| is_hex) {
        Some(digits) => u32::from_str_radix(digits, 16).ok().map(f64::from),
        None => digits.trim_end_matches(['e', 'E', '+', '-']).parse().ok(),
    };
    (Token::Number(number.unwrap_or(0.0)), after)
}

fn name(text: &str) -> (Token, &str) {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | ':');
    let end = text
        .char_indices()
        .find(|(at, c)| {
            // `space::name`, and no other colon.
            let is_space = *c == ':'
                && !text.get(*at..).is_some_and(|rest| rest.starts_with("::"))
                && !text.get(..*at).is_some_and(|before| before.ends_with(':'));
            !is_part(*c) || is_space
        })
        .map_or(text.len(), |(at, _)| at);
    let (name, after) = text.split_at_checked(end).unwrap_or((text, ""));
    let token = match WORDS.iter().find(|word| **word == name) {
        Some(word) => Token::Word(word),
        None if after.starts_with('(') => Token::Call(name.to_owned()),
        None => Token::Name(name.to_owned()),
    };
    (token, after)
}
