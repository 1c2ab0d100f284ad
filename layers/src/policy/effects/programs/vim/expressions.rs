//! Expressions of `vim`: texts, numbers, and functions that do something.

use super::{super::code, DEEPEST, MOST};
use crate::policy::effects::{
    Act, Write, mark,
    shell::{Data, Shell, State},
};

/// How long a text may get.
const LONGEST: usize = 16 << 10;

/// An expression of such an editor, carried out as it is read.
pub(super) struct Expression<'x, 's, 'p> {
    shell: &'x mut Shell<'p>,
    state: &'x mut State,
    rest: &'s str,
    depth: usize,
}

impl<'x, 's, 'p> Expression<'x, 's, 'p> {
    pub(super) fn of(shell: &'x mut Shell<'p>, state: &'x mut State, rest: &'s str) -> Self {
        Self {
            shell,
            state,
            rest,
            depth: 0,
        }
    }

    /// All of it, as a text; values one after the other have a blank between them.
    pub(super) fn all(&mut self) -> String {
        let mut out = self.joined();
        while !self.rest.is_empty() && !self.rest.starts_with('|') && out.len() < LONGEST {
            let before = self.rest.len();
            let next = self.joined();
            if self.rest.len() == before {
                break;
            }
            out.push(' ');
            out.push_str(&next);
        }
        out
    }

    /// Values with operators between them: `.` and `..` join, `+` and its kin calculate.
    fn joined(&mut self) -> String {
        let mut value = self.value();
        loop {
            self.rest = self.rest.trim_start();
            let operator = ["..", ".", "+", "-", "*", "||", "&&"]
                .iter()
                .find(|operator| self.rest.starts_with(*operator));
            let Some(operator) = operator else {
                return value;
            };
            self.rest = self.rest.get(operator.len()..).unwrap_or_default();
            let other = self.value();
            let numbers = value
                .trim()
                .parse::<i64>()
                .ok()
                .zip(other.trim().parse::<i64>().ok());
            let number = numbers.and_then(|(one, other)| match *operator {
                "+" => one.checked_add(other),
                "-" => one.checked_sub(other),
                "*" => one.checked_mul(other),
                _ => None,
            });
            match number {
                Some(number) => value = number.to_string(),
                None if value.len() < LONGEST => value.push_str(&other),
                None => {}
            }
        }
    }

    fn value(&mut self) -> String {
        self.rest = self.rest.trim_start();
        if self.depth > DEEPEST {
            self.rest = "";
            return String::new();
        }
        self.depth += 1;
        let value = self.one();
        self.depth -= 1;
        value
    }

    fn one(&mut self) -> String {
        let Some(first) = self.rest.chars().next() else {
            return String::new();
        };
        match first {
            '"' | '\'' => self.text(first),
            '(' => self.inside(')').join(""),
            '[' => self.inside(']').join("\n"),
            '$' | '&' | '@' => {
                self.rest = self.rest.get(1..).unwrap_or_default();
                let name = self.name().to_owned();
                match first {
                    '$' => self.state.variable(&name),
                    _ => mark::SOME.to_string(),
                }
            }
            '0'..='9' => {
                let end = self
                    .rest
                    .find(|c: char| !c.is_ascii_alphanumeric())
                    .unwrap_or(self.rest.len());
                let (number, rest) = self.rest.split_at_checked(end).unwrap_or_default();
                self.rest = rest;
                crate::policy::effects::shell::arithmetic(number)
                    .map_or_else(|| number.to_owned(), |n| n.to_string())
            }
            c if c.is_alphabetic() || c == '_' => {
                let name = self.name().to_owned();
                match self.rest.starts_with('(') {
                    true => {
                        let args = self.inside(')');
                        self.called(&name, &args)
                    }
                    false => {
                        let name = name.trim_start_matches("g:");
                        self.state
                            .set_to(&format!("vim:{name}"))
                            .unwrap_or_else(|| mark::SOME.to_string())
                    }
                }
            }
            _ => {
                self.rest = self.rest.get(first.len_utf8()..).unwrap_or_default();
                String::new()
            }
        }
    }

    fn name(&mut self) -> &'s str {
        let end = self
            .rest
            .find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | ':' | '#'))
            .unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at_checked(end).unwrap_or_default();
        self.rest = rest;
        name
    }

    fn text(&mut self, quote: char) -> String {
        let mut out = String::new();
        let mut chars = self.rest.char_indices().skip(1).peekable();
        while let Some((at, c)) = chars.next() {
            if c == quote {
                if quote == '\'' && chars.peek().is_some_and(|(_, next)| *next == '\'') {
                    chars.next();
                    out.push('\'');
                    continue;
                }
                self.rest = self.rest.get(at + 1..).unwrap_or_default();
                return out;
            }
            match c {
                '\\' if quote == '"' => out.extend(chars.next().map(|(_, c)| match c {
                    'n' => '\n',
                    't' => '\t',
                    c => c,
                })),
                c => out.push(c),
            }
        }
        self.rest = "";
        out
    }

    /// What stands between brackets, by its commas.
    fn inside(&mut self, end: char) -> Vec<String> {
        self.rest = self.rest.get(1..).unwrap_or_default();
        let mut all = Vec::new();
        while all.len() < MOST {
            self.rest = self.rest.trim_start_matches([' ', ',']);
            if self.rest.is_empty() || self.rest.starts_with(end) {
                break;
            }
            let before = self.rest.len();
            all.push(self.joined());
            if self.rest.len() == before {
                self.rest = self.rest.get(1..).unwrap_or_default();
            }
        }
        self.rest = self.rest.strip_prefix(end).unwrap_or(self.rest);
        all
    }

    fn called(&mut self, name: &str, args: &[String]) -> String {
        let arg = |place: usize| args.get(place).cloned().unwrap_or_default();
        match name {
            "system" | "systemlist" | "job_start" | "jobstart" | "term_start" | "termopen" => {
                let line = arg(0).replace('\n', " ");
                let stdin = args
                    .get(1)
                    .map(|text| Data::text(text.as_str()))
                    .unwrap_or_default();
                let out = self.shell.text(self.state, &line, &stdin);
                out.text.unwrap_or_else(|| mark::SOME.to_string())
            }
            "expand" | "fnamemodify" | "resolve" | "simplify" | "trim" | "string"
            | "shellescape" | "fnameescape" | "str2nr" | "glob" => arg(0),
            "printf" => super::super::formats::printf(args),
            "join" => arg(0).replace('\n', args.get(1).map_or(" ", String::as_str)),
            "nr2char" => arg(0)
                .parse::<u32>()
                .ok()
                .and_then(char::from_u32)
                .map(String::from)
                .unwrap_or_default(),
            "delete" => {
                let path = self.shell.path(self.state, &arg(0));
                let recursive = arg(1) == "rf";
                self.shell.act(Act::Delete { path, recursive });
                String::new()
            }
            "writefile" => {
                let how = match arg(2).contains('a') {
                    true => Write::Append,
                    false => Write::Replace,
                };
                let path = self.shell.path(self.state, &arg(1));
                super::super::content(self.shell, &path, &Data::text(arg(0)));
                self.shell.act(Act::Write { path, how });
                String::new()
            }
            "rename" | "filecopy" => {
                let (from, to) = (
                    self.shell.path(self.state, &arg(0)),
                    self.shell.path(self.state, &arg(1)),
                );
                self.shell.act(match name {
                    "rename" => Act::Move { from, to },
                    _ => Act::Copy { from, to },
                });
                String::new()
            }
            "readfile" => {
                let data = self.shell.read_file(self.state, &arg(0));
                data.text.unwrap_or_else(|| mark::SOME.to_string())
            }
            "setenv" => {
                self.shell.assigned(self.state, &arg(0), vec![arg(1)]);
                String::new()
            }
            "execute" | "luaeval" | "py3eval" | "eval" => {
                let code = arg(0);
                let language = match name {
                    "luaeval" => "lua",
                    "py3eval" => "python",
                    _ => return code,
                };
                code::scan(self.shell, self.state, language, &code);
                String::new()
            }
            _ => mark::SOME.to_string(),
        }
    }
}
