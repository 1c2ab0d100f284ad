//! Secrets that are known by the name under which they stand: `DB_PASSWORD=…`, `"apiKey": "…"`, `--token …`,
//! `Authorization: Bearer …`.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};

use super::{
    Class, Classes, header,
    names::names_secret,
    noise,
    text::{Set, Span, Step, Text},
};

/// How names of secrets are written. Passwords, which people choose, come first.
const NAMES: [&str; 43] = [
    "password",
    "Password",
    "PASSWORD",
    "passwd",
    "Passwd",
    "PASSWD",
    "passphrase",
    "Passphrase",
    "PASSPHRASE",
    "pwd",
    "PWD",
    "secret",
    "Secret",
    "SECRET",
    "token",
    "Token",
    "TOKEN",
    "api_key",
    "API_KEY",
    "apiKey",
    "ApiKey",
    "api-key",
    "Api-Key",
    "API-KEY",
    "apikey",
    "APIKEY",
    "access_key",
    "ACCESS_KEY",
    "accessKey",
    "AccessKey",
    "private_key",
    "PRIVATE_KEY",
    "privateKey",
    "encryption_key",
    "ENCRYPTION_KEY",
    "signing_key",
    "SIGNING_KEY",
    "credential",
    "CREDENTIAL",
    "auth_key",
    "AUTH_KEY",
    "PASS",
    "_pass",
];
/// How many of them are of passwords, next to the last two.
const PASSWORDS: usize = 11;
const HEADERS: [&str; 6] = [
    "Authorization",
    "authorization",
    "AUTHORIZATION",
    "Bearer ",
    "bearer ",
    "BEARER ",
];

static SEARCH: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    AhoCorasick::builder()
        .match_kind(MatchKind::LeftmostFirst)
        .build(NAMES.into_iter().chain(HEADERS))
        .ok()
});

static NAME: Set = Set::of(b"A-Za-z0-9_.-");
/// Without quotes around it.
static BARE: Set = Set::of(b"A-Za-z0-9!#$%&*+./:=?@^_~|-").and_beyond();
/// Between quotes.
static QUOTED: Set = Set::of(b"!#-&(-[]-_a-~").and_beyond();

/// The longest rest of a name behind the word in it, and the longest value that is looked at whole.
const REST: usize = 32;
pub(super) const LONGEST: usize = 512;
pub(super) const BLANKS: usize = 8;

pub(super) fn find(text: &Text<'_>, classes: Classes, found: &mut Vec<Span>) -> usize {
    let mut at = text.from;
    let mut open = usize::MAX;
    let Some(search) = SEARCH.as_ref() else {
        return open;
    };
    while let Some(hit) = search.find(aho_corasick::Input::new(text.bytes).range(at..)) {
        at = hit.end();
        let step = match hit.pattern().as_usize().checked_sub(NAMES.len()) {
            None => {
                let name = hit.pattern().as_usize();
                let is_password = name < PASSWORDS || name >= NAMES.len() - 2;
                assigned(text, hit.start(), hit.end(), is_password)
            }
            Some(0..=2) => header::authorization(text, hit.end()),
            Some(_) => header::bearer(text, hit.start(), hit.end()),
        };
        match step {
            Step::No => {}
            Step::More => open = open.min(hit.start()),
            Step::Found(mut span) => {
                span.seen_from = hit.start();
                at = span.end.max(at);
                if classes.has(span.class) {
                    found.push(span);
                }
            }
        }
    }
    open
}

/// What stands between a name and its value.
pub(super) struct Opening {
    pub(super) value: usize,
    quote: Option<u8>,
    /// An equals sign or a quote: somebody assigns, and does not merely speak.
    is_code: bool,
}

fn assigned(text: &Text<'_>, start: usize, end: usize, is_password: bool) -> Step {
    let rest = text.run(end, &NAME, REST);
    if rest.is_open {
        return Step::More;
    }
    let before = text.left(start, REST);
    let name = before
        .iter()
        .rev()
        .take_while(|byte| NAME.has(**byte))
        .count();
    let name = before.get(before.len() - name..).unwrap_or_default();
    if rest.is_long || !names_secret(name, rest.head) {
        return Step::No;
    }
    let opening = match open_value(text, rest.end, name) {
        Ok(opening) => opening,
        Err(step) => return step,
    };
    let set = if opening.quote.is_some() {
        &QUOTED
    } else {
        &BARE
    };
    let value = text.run(opening.value, set, LONGEST);
    if value.is_open {
        return Step::More;
    }
    let mut head = value.head;
    if let Some(quote) = opening.quote {
        let is_closed = value.is_long
            || matches!(text.at(value.end), Some(byte) if byte == quote || byte == b'\\');
        // What goes on with a blank is a sentence.
        if !is_closed {
            return Step::No;
        }
    } else {
        while let [shorter @ .., b'.' | b':' | b',' | b'&'] = head {
            head = shorter;
        }
    }
    if !is_secret(head, is_password, &opening) {
        return Step::No;
    }
    if value.is_long {
        return text.long(Class::AssignedSecret, opening.value, value.end, set);
    }
    Step::Found(Span::new(
        Class::AssignedSecret,
        opening.value,
        opening.value + head.len(),
    ))
}

pub(super) fn open_value(text: &Text<'_>, end: usize, name: &[u8]) -> Result<Opening, Step> {
    let unknown = |at: usize| {
        if text.is_open_at(at) {
            Step::More
        } else {
            Step::No
        }
    };
    let mut at = end;
    let quoted = quote(text, at).ok_or_else(|| unknown(at))?;
    at += quoted.1;
    // `config["password"] = …`
    at += usize::from(quoted.0.is_some() && text.at(at) == Some(b']'));
    let blanks = text.skip_blanks(at, BLANKS);
    let separator = text.at(blanks).ok_or_else(|| unknown(blanks))?;
    let mut is_code = quoted.0.is_some();
    match separator {
        b'=' | b':' => {
            is_code |= separator == b'=';
            at = blanks + 1;
            match text.at(at) {
                None => return Err(unknown(at)),
                // `:=`, `=>`; but two of a kind compare, or lead to a name.
                Some(b'=') if separator == b':' => (at, is_code) = (at + 1, true),
                Some(b'>') if separator == b'=' => at += 1,
                Some(byte) if byte == separator => return Err(Step::No),
                Some(_) => {}
            }
        }
        // `<password>…</password>`
        b'>' if blanks == end => (at, is_code) = (blanks + 1, true),
        // `--password …`
        _ if blanks > at && name.starts_with(b"--") => is_code = true,
        _ => return Err(Step::No),
    }
    at = text.skip_blanks(at, BLANKS);
    let opened = quote(text, at).ok_or_else(|| unknown(at))?;
    Ok(Opening {
        value: at + opened.1,
        quote: opened.0,
        is_code: is_code || opened.0.is_some(),
    })
}

/// The quote that stands at a place, if one does, and how many bytes it takes; `None` if more would have to be seen.
fn quote(text: &Text<'_>, at: usize) -> Option<(Option<u8>, usize)> {
    let byte = text.at(at)?;
    match byte {
        b'"' | b'\'' | b'`' => Some((Some(byte), 1)),
        // In a text inside of a text.
        b'\\' => match text.at(at + 1)? {
            quote @ (b'"' | b'\'') => Some((Some(quote), 2)),
            _ => Some((None, 0)),
        },
        _ => Some((None, 0)),
    }
}

fn is_secret(value: &[u8], is_password: bool, opening: &Opening) -> bool {
    if noise::is_reference(value) || noise::is_identity(value) || noise::is_example(value) {
        return false;
    }
    let has = |kind: fn(&u8) -> bool| value.iter().any(kind);
    let (digit, lower, upper) = (
        has(u8::is_ascii_digit),
        has(u8::is_ascii_lowercase),
        has(u8::is_ascii_uppercase),
    );
    let odd = value.iter().any(|byte| b"!@#$%^&*?~+|".contains(byte));
    let letters = lower || upper;
    if !letters || noise::is_path(value) {
        return false;
    }
    match is_password {
        // People choose them: what is no plain word is one.
        true if opening.is_code => value.len() >= 6 && (digit || odd),
        true => {
            value.len() >= 6
                && digit
                && (odd || upper || value.len() >= 7)
                && !has(|byte| *byte == b'/')
        }
        false => {
            value.len() >= 16
                && digit
                && noise::entropy(value) >= if lower && upper { 3.3 } else { 3.0 }
        }
    }
}
