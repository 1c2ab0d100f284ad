//! What expressions are, where that can be told.

use std::collections::HashMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{MOST, arguments, last_call, list, literal, parts};
use crate::policy::effects::mark;

/// Constants of the code.
#[derive(Default)]
pub(super) struct Code {
    constants: HashMap<String, String>,
}

impl Code {
    pub(super) fn assignments(&mut self, code: &str) {
        for statement in code.split([';', '\n']).take(MOST) {
            let Some((name, value)) = statement.split_once('=') else {
                continue;
            };
            let name = name
                .trim()
                .rsplit([' ', '\t'])
                .next()
                .unwrap_or_default()
                .trim_start_matches('$');
            let is_name = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_');
            if let (true, Some(value)) = (is_name, self.value(value.trim())) {
                self.constants.insert(name.to_owned(), value);
            }
        }
    }

    /// What an expression is, if that can be told.
    pub(super) fn value(&self, text: &str) -> Option<String> {
        self.value_within(text, 8)
    }

    fn value_within(&self, text: &str, depth: usize) -> Option<String> {
        let depth = depth.checked_sub(1)?;
        let text = text.trim();
        let value = |text: &str| self.value_within(text, depth);
        // Sums: `a + b`, `a . b` of Perl and PHP, `Path(a) / b`.
        for separator in ['+', '/', '.'] {
            let terms = parts(text, separator);
            if let (true, [first, rest @ ..]) = (terms.len() > 1, terms.as_slice()) {
                let is_join = separator == '/';
                if separator == '.' && !terms.iter().all(|term| term.starts_with(['"', '\'', '$']))
                {
                    continue;
                }
                let mut all = value(first)?;
                for term in rest {
                    if is_join {
                        all.push('/');
                    }
                    all.push_str(&value(term).unwrap_or_else(|| mark::UNKNOWN.to_string()));
                }
                return Some(all);
            }
        }
        if let Some((text, rest)) = literal(text) {
            let rest = rest.trim();
            return match rest {
                "" => Some(text),
                "[::-1]" => Some(text.chars().rev().collect()),
                rest if rest.starts_with(".join(") => {
                    let inner = arguments(rest.get(6..)?)
                        .trim()
                        .trim_start_matches(['[', '('])
                        .trim_end_matches([']', ')']);
                    let items: Option<Vec<_>> = parts(inner, ',').into_iter().map(value).collect();
                    Some(items?.join(&text))
                }
                rest if rest.starts_with(".split(") => Some(text),
                _ if rest.starts_with(".format") || rest.starts_with('%') => Some(text),
                _ if rest.starts_with(".encode")
                    || rest.starts_with(".decode")
                    || rest.starts_with(".to") =>
                {
                    Some(text)
                }
                _ => None,
            };
        }
        if let Some(number) = text
            .strip_prefix("chr(")
            .or_else(|| text.strip_prefix("String.fromCharCode("))
        {
            let codes = arguments(number)
                .split(',')
                .map(|code| code.trim().parse::<u32>().ok().and_then(char::from_u32));
            return codes.collect();
        }
        if text.ends_with("Dir.home") || text.ends_with("os.homedir") {
            return Some("~".to_owned());
        }
        if let Some(inner) = text
            .strip_prefix("Dir[")
            .and_then(|text| text.strip_suffix(']'))
        {
            return value(inner);
        }
        if let Some((name, inner)) = last_call(text) {
            const SAME: [&str; 8] = [
                ".toString",
                ".decode",
                ".encode",
                ".strip",
                ".trim",
                ".split",
                ".lower",
                ".chomp",
            ];
            if let Some(of) = SAME.iter().find_map(|method| name.strip_suffix(method)) {
                return value(of);
            }
            // `["a", "b"].join(" ")`
            if let Some(items) = name.strip_suffix(".join").and_then(list) {
                let items: Option<Vec<_>> = items.into_iter().map(value).collect();
                return Some(items?.join(&value(inner).unwrap_or_default()));
            }
            if let (Some(of), [from, to]) =
                (name.strip_suffix(".replace"), parts(inner, ',').as_slice())
            {
                return Some(value(of)?.replace(&value(from)?, &value(to)?));
            }
            return match name {
                name if name.ends_with("expanduser")
                    || name.ends_with("Path")
                    || name.ends_with("str")
                    || name.ends_with("abspath")
                    || name.ends_with("realpath")
                    || name.ends_with("String")
                    || name.ends_with("glob")
                    || name.ends_with("quote")
                    || name.ends_with("expand_path")
                    || name.ends_with("expandvars") =>
                {
                    value(parts(inner, ',').first()?)
                }
                name if name.ends_with("home") || name.ends_with("homedir") => Some("~".to_owned()),
                name if name.ends_with("getcwd")
                    || name.ends_with("cwd")
                    || name.ends_with("pwd") =>
                {
                    Some(".".to_owned())
                }
                name if name.ends_with("join") || name.ends_with("resolve") => {
                    let items: Vec<_> = parts(inner, ',')
                        .into_iter()
                        .map(|part| value(part).unwrap_or_else(|| mark::UNKNOWN.to_string()))
                        .collect();
                    Some(items.join("/"))
                }
                name if name.ends_with("b64decode")
                    || name.ends_with("atob")
                    || name.ends_with("base64_decode")
                    || name.ends_with("decode64")
                    || name.ends_with("decode_base64")
                    || name.ends_with("Buffer.from") =>
                {
                    let args = parts(inner, ',');
                    let text = value(args.first()?)?;
                    if args.get(1).is_some_and(|kind| kind.contains("hex")) {
                        return unhex(&text);
                    }
                    String::from_utf8(STANDARD.decode(text.trim()).ok()?).ok()
                }
                name if name.ends_with("fromhex")
                    || name.ends_with("unhexlify")
                    || name.ends_with("hex2bin") =>
                {
                    unhex(&value(inner)?)
                }
                name if name.ends_with("getenv") || name.ends_with("environ.get") => {
                    environment(inner.trim_matches(['"', '\'']))
                }
                name if name.ends_with("bytes") => inner
                    .trim_matches(['[', ']'])
                    .split(',')
                    .map(|code| code.trim().parse::<u32>().ok().and_then(char::from_u32))
                    .collect(),
                name if name.ends_with("mkdtemp")
                    || name.ends_with("mktemp")
                    || name.ends_with("tmpdir")
                    || name.ends_with("gettempdir") =>
                {
                    Some("/tmp/x".to_owned())
                }
                _ => None,
            };
        }
        if let Some(rest) = text
            .strip_prefix("os.environ[")
            .or_else(|| text.strip_prefix("ENV["))
            .or_else(|| text.strip_prefix("$ENV{"))
        {
            return environment(rest.trim_end_matches([']', '}']).trim_matches(['"', '\'']));
        }
        if let Some(name) = text.strip_prefix("process.env.") {
            return environment(name);
        }
        self.constants.get(text.trim_start_matches('$')).cloned()
    }

    /// What a call is made of: `Path("x").write_text(…)`.
    pub(super) fn receiver(&self, before: &str) -> Option<String> {
        let start = before.rfind("Path(")?;
        self.value(before.get(start..)?.trim_end_matches('.'))
    }
}

fn environment(name: &str) -> Option<String> {
    matches!(name, "HOME" | "USERPROFILE").then(|| "~".to_owned())
}

fn unhex(text: &str) -> Option<String> {
    let digits: Vec<u8> = text
        .chars()
        .filter_map(|c| c.to_digit(16))
        .filter_map(|digit| u8::try_from(digit).ok())
        .collect();
    String::from_utf8(
        digits
            .chunks_exact(2)
            .map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit))
            .collect(),
    )
    .ok()
}
