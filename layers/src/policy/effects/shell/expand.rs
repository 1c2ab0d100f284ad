//! What a word becomes: variables, substitutions, quotes, fields.

use super::{
    super::{Act, Exhaust, mark},
    Data, Shell, State, arithmetic, braces,
    escapes::ansi,
    params::value,
    scan,
};

/// How many fields one word may become.
const MOST: usize = 256;

/// The fields of a word, while it is read.
#[derive(Default)]
struct Fields {
    done: Vec<String>,
    now: String,
    /// Something stands there, even if it is empty.
    is_there: bool,
    /// Nothing is split, as in an assignment.
    is_whole: bool,
}

impl Fields {
    fn literal(&mut self, text: &str) {
        self.now.push_str(text);
        self.is_there = true;
    }

    fn end(&mut self) {
        if self.is_there && self.done.len() < MOST {
            self.done.push(std::mem::take(&mut self.now));
        }
        self.now.clear();
        self.is_there = false;
    }

    /// What comes out of an expansion without quotes: it is split, and its stars are patterns.
    fn split(&mut self, text: &str, separators: &str) {
        for c in text.chars() {
            if separators.contains(c) {
                self.end();
                continue;
            }
            self.now.push(match c {
                '*' => mark::STAR,
                '?' => mark::ANY,
                '[' => mark::SET,
                c => c,
            });
            self.is_there = true;
        }
    }
}

impl Shell<'_> {
    /// The fields that a word becomes.
    pub(super) fn fields(&mut self, state: &mut State, word: &str) -> Vec<String> {
        let is_plain = !word.contains(|c| {
            matches!(
                c,
                '\'' | '"' | '\\' | '$' | '`' | '{' | '~' | '*' | '?' | '['
            )
        });
        if is_plain {
            return vec![word.to_owned()];
        }
        let words = if word.contains('{') {
            braces::expanded(word)
        } else {
            vec![word.to_owned()]
        };
        let mut all = Vec::new();
        for word in words {
            let mut fields = Fields::default();
            self.read(state, &word, &mut fields);
            fields.end();
            all.append(&mut fields.done);
        }
        all
    }

    /// What a word becomes where it is not split: in an assignment, behind `<`.
    pub(super) fn whole(&mut self, state: &mut State, word: &str) -> String {
        let mut fields = Fields {
            is_whole: true,
            ..Fields::default()
        };
        self.read(state, word, &mut fields);
        let mut whole = fields.done.join(" ");
        if !whole.is_empty() && fields.is_there {
            whole.push(' ');
        }
        whole.push_str(&fields.now);
        whole
    }

    /// What a here-document becomes, in which quotes are plain characters.
    pub(super) fn document(&mut self, state: &mut State, text: &str) -> String {
        if !text.contains(['$', '`', '\\']) {
            return text.to_owned();
        }
        let mut fields = Fields::default();
        self.double(state, text, &mut fields, true);
        fields.now
    }

    fn read(&mut self, state: &mut State, word: &str, fields: &mut Fields) {
        let mut rest = word;
        if let Some(after) = word.strip_prefix('~') {
            let name = after.split(['/', ':']).next().unwrap_or_default();
            if name
                .chars()
                .all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '+'))
            {
                match name {
                    "" => fields.literal(&state.get("HOME").concat()),
                    "+" => fields.literal(&state.cwd.clone()),
                    "-" => fields.literal(&state.before.clone()),
                    "root" => fields.literal("/root"),
                    name => fields.literal(&format!("/home/{name}")),
                }
                rest = after.get(name.len()..).unwrap_or_default();
            }
        }
        while let Some(c) = rest.chars().next() {
            let after = rest.get(c.len_utf8()..).unwrap_or_default();
            rest = match c {
                '\'' => {
                    let (inside, after) = after.split_once('\'').unwrap_or((after, ""));
                    fields.literal(inside);
                    after
                }
                '"' => {
                    let end = scan::double_quoted(after).unwrap_or(after.len());
                    self.double(state, after.get(..end).unwrap_or_default(), fields, false);
                    after.get(end + 1..).unwrap_or_default()
                }
                '\\' => {
                    let escaped = after.chars().next();
                    match escaped {
                        Some('\n') | None => {}
                        Some(c) => fields.literal(c.encode_utf8(&mut [0; 4])),
                    }
                    after
                        .get(escaped.map_or(0, char::len_utf8)..)
                        .unwrap_or_default()
                }
                '$' if after.starts_with('\'') => {
                    let (text, end) = ansi(after.get(1..).unwrap_or_default());
                    fields.literal(&text);
                    after.get(1 + end..).unwrap_or_default()
                }
                '$' if after.starts_with('"') => after,
                '$' if after.starts_with('[') && after.contains(']') => {
                    // The old way to write a sum.
                    let (sum, after) = after.split_once(']').unwrap_or((after, ""));
                    let value = self.arithmetic(state, sum.trim_start_matches('['));
                    fields.literal(&value);
                    after
                }
                '$' | '`' => {
                    let (values, after) = self.expansion(state, rest);
                    let separators = match fields.is_whole {
                        true => String::new(),
                        false => state.separators(),
                    };
                    for (place, value) in values.iter().enumerate() {
                        if place > 0 {
                            fields.end();
                        }
                        fields.split(value, &separators);
                    }
                    after
                }
                '[' if !after.contains(']') => {
                    fields.literal("[");
                    after
                }
                '*' | '?' | '[' => {
                    fields.split(c.encode_utf8(&mut [0; 4]), "");
                    after
                }
                _ => {
                    let end = rest.find(['\'', '"', '\\', '$', '`', '*', '?', '[']);
                    let end = end.filter(|end| *end > 0).unwrap_or(rest.len());
                    fields.literal(rest.get(..end).unwrap_or_default());
                    rest.get(end..).unwrap_or_default()
                }
            };
        }
    }

    /// What stands in double quotes.
    fn double(&mut self, state: &mut State, text: &str, fields: &mut Fields, is_document: bool) {
        fields.is_there = true;
        let mut rest = text;
        while let Some(at) = rest.find(['$', '`', '\\']) {
            fields.literal(rest.get(..at).unwrap_or_default());
            rest = rest.get(at..).unwrap_or_default();
            if let Some(after) = rest.strip_prefix('\\') {
                match after.chars().next() {
                    Some('\n') => {}
                    Some(c @ ('$' | '`' | '\\')) => fields.literal(c.encode_utf8(&mut [0; 4])),
                    Some('"') if !is_document => fields.literal("\""),
                    Some(c) => {
                        fields.literal("\\");
                        fields.literal(c.encode_utf8(&mut [0; 4]));
                    }
                    None => fields.literal("\\"),
                }
                rest = after
                    .get(after.chars().next().map_or(0, char::len_utf8)..)
                    .unwrap_or_default();
                continue;
            }
            let (values, after) = self.expansion(state, rest);
            let is_list = rest.starts_with("$@")
                || (rest.starts_with("${") && rest.contains("[@]}"))
                || rest.starts_with("${@");
            match (is_list, values.as_slice()) {
                (true, []) => fields.is_there = !fields.now.is_empty() || !after.is_empty(),
                (true, values) => {
                    for (place, value) in values.iter().enumerate() {
                        if place > 0 {
                            fields.end();
                        }
                        fields.literal(value);
                    }
                }
                (false, values) => fields.literal(&values.join(&joint(state))),
            }
            rest = after;
        }
        if !rest.is_empty() {
            fields.literal(rest);
        }
    }

    /// What a `$` or a backquote at the start becomes, and what follows it. It is not known any more, if it has become
    /// more than anybody writes.
    fn expansion<'t>(&mut self, state: &mut State, text: &'t str) -> (Vec<String>, &'t str) {
        let (values, rest) = self.expanded(state, text);
        let length: usize = values.iter().map(String::len).sum();
        self.grown = self.grown.saturating_add(length);
        match self.grown > super::MAX_GROWTH {
            true => (vec![mark::UNKNOWN.to_string()], rest),
            false => (values, rest),
        }
    }

    fn expanded<'t>(&mut self, state: &mut State, text: &'t str) -> (Vec<String>, &'t str) {
        if let Some(after) = text.strip_prefix('`') {
            let mut inner = String::new();
            let mut chars = after.char_indices();
            let mut end = after.len();
            while let Some((at, c)) = chars.next() {
                match c {
                    '`' => {
                        end = at + 1;
                        break;
                    }
                    '\\' => match chars.next() {
                        Some((_, c @ ('`' | '\\' | '$'))) => inner.push(c),
                        Some((_, c)) => {
                            inner.push('\\');
                            inner.push(c);
                        }
                        None => {}
                    },
                    c => inner.push(c),
                }
            }
            return (
                vec![self.substitution(state, &inner)],
                after.get(end..).unwrap_or_default(),
            );
        }
        let after = text.get(1..).unwrap_or_default();
        if after.starts_with("((")
            && let Some((inner, rest)) = scan::closed(after.get(2..).unwrap_or_default(), ')')
            && let Some(rest) = rest.strip_prefix(')')
        {
            let value = self.arithmetic(state, inner);
            return (vec![value], rest);
        }
        if let Some((inner, rest)) = after
            .strip_prefix('(')
            .and_then(|inner| scan::closed(inner, ')'))
        {
            return (vec![self.substitution(state, inner)], rest);
        }
        if let Some((inner, rest)) = after
            .strip_prefix('{')
            .and_then(|inner| scan::closed(inner, '}'))
        {
            return (self.parameter(state, inner), rest);
        }
        let Some(first) = after.chars().next() else {
            return (vec!["$".to_owned()], "");
        };
        let length = match first {
            '@' | '*' | '#' | '?' | '-' | '$' | '!' | '0'..='9' => 1,
            c if c.is_ascii_alphabetic() || c == '_' => after
                .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
                .unwrap_or(after.len()),
            _ => return (vec!["$".to_owned()], after),
        };
        let (name, rest) = after.split_at_checked(length).unwrap_or((after, ""));
        (value(state, name), rest)
    }

    /// What a command writes, without the lines' ends behind it.
    pub(super) fn substitution(&mut self, state: &mut State, text: &str) -> String {
        let mut inner = state.clone();
        let evidence = self.evidence.clone();
        let out = self.text(&mut inner, text, &Data::default());
        // What it has written stays.
        state.files = inner.files;
        self.evidence = evidence;
        if out.is_endless {
            self.act(Act::Exhaust {
                what: Exhaust::Memory,
            });
        }
        if out.is_secret {
            return out.service.unwrap_or(mark::SECRET).to_string();
        }
        match out {
            Data {
                is_for_shells: true,
                ..
            } => mark::HOOK.to_string(),
            Data {
                remote: Some(_), ..
            } => mark::REMOTE.to_string(),
            Data {
                text: Some(text), ..
            } => text.trim_end_matches('\n').to_owned(),
            Data {
                is_private: true, ..
            } => mark::PRIVATE.to_string(),
            Data {
                is_packed: true, ..
            } => mark::PACKED.to_string(),
            Data {
                is_content: true, ..
            } => mark::CONTENT.to_string(),
            _ => mark::UNKNOWN.to_string(),
        }
    }

    /// What a sum comes to.
    pub(in super::super) fn arithmetic(&mut self, state: &mut State, text: &str) -> String {
        self.number(state, text)
            .map_or_else(|| mark::SOME.to_string(), |number| number.to_string())
    }

    /// The same, if it is known. What stands in it runs.
    pub(in super::super) fn number(&mut self, state: &mut State, text: &str) -> Option<i64> {
        let text = if text.contains(['$', '`', '"', '\'']) {
            self.whole(state, text)
        } else {
            text.to_owned()
        };
        arithmetic::value(state, &text)
    }
}

/// What stands between the words of a list that becomes one.
fn joint(state: &State) -> String {
    state.separators().chars().take(1).collect()
}
