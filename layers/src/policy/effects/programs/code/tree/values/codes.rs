//! Codes: characters by number, texts in other letters, parts of them.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE},
};

use super::{
    MAX_ITEMS, MAX_TEXT, Value, format, paths,
    texts::{self, whole},
};

/// Text that is written in another way, by the name of that.
pub(in super::super) fn decoded(text: &str, how: &str) -> Option<String> {
    match how.to_lowercase().replace(['-', '_'], "").as_str() {
        "base64" | "base64codec" => base64(text),
        "hex" | "hexcodec" => hex(text),
        "rot13" => Some(text.chars().map(rotated).collect()),
        "unicodeescape" => Some(crate::policy::effects::shell::unescaped(text)),
        _ => None,
    }
}

pub(in super::super) fn base64(text: &str) -> Option<String> {
    let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let bytes = STANDARD
        .decode(&text)
        .or_else(|_| STANDARD_NO_PAD.decode(text.trim_end_matches('=')))
        .or_else(|_| URL_SAFE.decode(&text))
        .ok()?;
    Some(of_bytes(bytes))
}

/// Bytes as a text. Those that are none have a character each.
pub(in super::super) fn of_bytes(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|error| error.as_bytes().iter().copied().map(char::from).collect())
}

pub(in super::super) fn hex(text: &str) -> Option<String> {
    let digits: Option<Vec<u8>> = text
        .chars()
        .filter(|c| !c.is_whitespace() && *c != ':')
        .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect();
    let bytes = digits?
        .chunks_exact(2)
        .map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit))
        .collect();
    Some(of_bytes(bytes))
}

/// `%72%6d`
pub(in super::super) fn unquoted(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = [rest.next()?, rest.next()?];
        let digits = std::str::from_utf8(&digits).ok()?.to_owned();
        bytes.push(u8::from_str_radix(&digits, 16).ok()?);
    }
    String::from_utf8(bytes).ok()
}

/// A letter in full width as the letter that it is.
pub(in super::super) fn narrow(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        '\u{3000}' => ' ',
        c => c,
    }
}

fn rotated(c: char) -> char {
    let base = match c {
        'a'..='z' => b'a',
        'A'..='Z' => b'A',
        _ => return c,
    };
    match u8::try_from(c) {
        Ok(byte) => char::from(base + (byte - base + 13) % 26),
        Err(_) => c,
    }
}

/// Characters by their numbers.
pub(in super::super) fn of_codes(items: &[Value]) -> Option<String> {
    items
        .iter()
        .map(|item| char::from_u32(whole(item.number()?)?))
        .collect()
}

/// One of a text or a list; from the end, if it is below zero.
pub(in super::super) fn index(of: &Value, at: &Value) -> Option<Value> {
    let at = at.number()?;
    match of {
        Value::Text(text) => {
            let at = place(at, text.chars().count())?;
            text.chars().nth(at).map(|c| Value::Text(c.to_string()))
        }
        Value::List(items) => items.get(place(at, items.len())?).cloned(),
        _ => None,
    }
}

fn place(at: f64, length: usize) -> Option<usize> {
    match at < 0.0 {
        false => usize::try_from(whole(at)?).ok(),
        true => length.checked_sub(usize::try_from(whole(-at)?).ok()?),
    }
}

/// A part of something, as Python says it.
pub(in super::super) fn slice<T: Clone>(
    all: &[T],
    from: Option<f64>,
    to: Option<f64>,
    step: Option<f64>,
) -> Option<Vec<T>> {
    let bound = |at: f64| place(at, all.len()).unwrap_or(0).min(all.len());
    let step = step.unwrap_or(1.0);
    if step == 0.0 {
        return None;
    }
    let every = usize::try_from(whole(step.abs())?).ok()?;
    if step > 0.0 {
        let (from, to) = (from.map_or(0, bound), to.map_or(all.len(), bound));
        let part = all.get(from..to).unwrap_or_default();
        return Some(part.iter().step_by(every).cloned().collect());
    }
    // From the end: the bounds are the other way round.
    let from = from.map_or(all.len(), |from| (bound(from) + 1).min(all.len()));
    let to = to.map_or(0, |to| bound(to) + 1);
    let part = all.get(to..from).unwrap_or_default();
    Some(part.iter().rev().step_by(every).cloned().collect())
}

/// What an operation gives, if that can be told.
pub(in super::super) fn operation(op: &str, left: &Value, right: &Value) -> Value {
    if let (Some(a), Some(b)) = (left.number(), right.number()) {
        return arithmetic(op, a, b).map_or(Value::unknown(), Value::Number);
    }
    // A byte of bytes is a number.
    let byte = |value: &Value| match value {
        Value::Text(text) if text.chars().count() == 1 => {
            text.chars().next().map(|c| f64::from(u32::from(c)))
        }
        value => value.number(),
    };
    if let ("^" | "&" | "|" | "<<" | ">>", Some(a), Some(b)) = (op, byte(left), byte(right)) {
        return arithmetic(op, a, b).map_or(Value::unknown(), Value::Number);
    }
    match (op, left, right) {
        ("+", Value::List(a), Value::List(b)) => {
            Value::list(a.iter().chain(b.iter()).cloned().collect())
        }
        ("|", Value::Map(a), Value::Map(b)) => {
            Value::map(a.iter().chain(b.iter()).cloned().collect())
        }
        ("*", Value::List(items), Value::Number(times)) => {
            let times = whole(*times).and_then(|times| usize::try_from(times).ok());
            let times = times.filter(|times| items.len().saturating_mul(*times) <= MAX_ITEMS);
            times.map_or(Value::unknown(), |times| {
                let again = std::iter::repeat_n(items, times);
                Value::list(again.flat_map(|items| items.iter().cloned()).collect())
            })
        }
        ("+", Value::List(_), _) | ("+", _, Value::List(_)) => Value::unknown(),
        ("*", Value::Text(text), Value::Number(times))
        | ("*", Value::Number(times), Value::Text(text)) => {
            texts::repeated(text, *times).unwrap_or(Value::unknown())
        }
        ("%", Value::Text(text), values) => {
            let values = match values {
                Value::List(items) => items.to_vec(),
                value => vec![value.clone()],
            };
            Value::made(format::percent(text, &values))
        }
        ("+", a, b) if a.text().is_some() || b.text().is_some() => {
            let (a, b) = (a.written(), b.written());
            match a.len() + b.len() <= MAX_TEXT {
                true => Value::Text(a + &b),
                false => Value::unknown(),
            }
        }
        // Paths that are joined.
        ("/", a, b) if a.text().is_some() || b.text().is_some() => {
            paths::joined_path(&[a.clone(), b.clone()])
        }
        ("==", Value::Text(a), Value::Text(b)) => Value::bool(a == b),
        ("!=", Value::Text(a), Value::Text(b)) => Value::bool(a != b),
        _ => Value::unknown(),
    }
}

fn arithmetic(op: &str, a: f64, b: f64) -> Option<f64> {
    let bits = || Some((whole(a)?, whole(b)?));
    Some(match op {
        "+" => a + b,
        "-" => a - b,
        "*" => a * b,
        "/" => a / b,
        "//" => (a / b).floor(),
        "%" => a.rem_euclid(b),
        "**" => a.powf(b),
        "<" => f64::from(u8::from(a < b)),
        ">" => f64::from(u8::from(a > b)),
        "<=" => f64::from(u8::from(a <= b)),
        ">=" => f64::from(u8::from(a >= b)),
        "==" => f64::from(u8::from(a == b)),
        "!=" => f64::from(u8::from(a != b)),
        "^" => bits().map(|(a, b)| f64::from(a ^ b))?,
        "|" => bits().map(|(a, b)| f64::from(a | b))?,
        "&" => bits().map(|(a, b)| f64::from(a & b))?,
        "<<" => bits().and_then(|(a, b)| Some(f64::from(a.checked_shl(b)?)))?,
        ">>" => bits().and_then(|(a, b)| Some(f64::from(a.checked_shr(b)?)))?,
        _ => return None,
    })
}
