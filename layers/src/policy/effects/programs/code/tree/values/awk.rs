//! What awk's functions give, and its operators. Texts and numbers are the same to it.

use super::{Args, MAX_ITEMS, MAX_TEXT, Value, format, texts};
use crate::policy::effects::mark;

/// What a function gives, if that can be told.
pub(in super::super) fn call(name: &str, args: &Args) -> Option<Value> {
    let text = |at: usize| known(&args.get(at));
    let number = |at: usize| number(&args.get(at));
    let made = |text: String| Some(Value::made(text));
    match name.strip_prefix("awk_")? {
        "op" => operation(&args.text(0)?, args.values.get(1..)?),
        "match" => pattern(&args.get(1))?.is_match(&text(0)?).into_value(),
        "count" => {
            text(1)?;
            Some(Value::Number(number(0)? + 1.0))
        }
        "fields" => {
            let fields = fields(&text(0)?, &text(1)?)?;
            count(fields.len())
        }
        "field" => field(&args.get(0), number(1)?, &text(2)?),
        "put" => {
            let mut all = fields(&text(0)?, &text(3)?)?;
            let at = index(number(1)?)?.checked_sub(1).filter(|at| *at < 256)?;
            if all.len() <= at {
                all.resize(at + 1, String::new());
            }
            *all.get_mut(at)? = args.get(2).written();
            made(all.join(&text(4)?))
        }
        "cut" => {
            let mut all = fields(&text(0)?, &text(2)?)?;
            all.resize(index(number(1)?)?.min(256), String::new());
            made(all.join(&text(3)?))
        }
        "at" => match args.get(0) {
            Value::Map(pairs) => {
                let key = text(1)?;
                let found = pairs.iter().find(|(name, _)| *name == key);
                Some(found.map_or(Value::Text(String::new()), |(_, value)| value.clone()))
            }
            _ => None,
        },
        "with" => match args.get(0) {
            Value::Map(pairs) => {
                let key = text(1)?;
                let mut all = pairs.to_vec();
                match all.iter_mut().find(|(name, _)| *name == key) {
                    Some((_, old)) => *old = args.get(2),
                    None => all.push((key, args.get(2))),
                }
                Some(Value::map(all))
            }
            _ => None,
        },
        "without" => match args.get(0) {
            Value::Map(pairs) => {
                let key = text(1)?;
                let others = pairs.iter().filter(|(name, _)| *name != key);
                Some(Value::map(others.cloned().collect()))
            }
            _ => None,
        },
        "in" => match args.get(1) {
            Value::Map(pairs) => {
                let key = text(0)?;
                pairs.iter().any(|(name, _)| *name == key).into_value()
            }
            _ => None,
        },
        "keys" => match args.get(0) {
            Value::Map(pairs) => Some(Value::texts(pairs.iter().map(|(key, _)| key.clone()))),
            Value::List(items) => Some(Value::texts((0..items.len()).map(|at| at.to_string()))),
            other => Some(other),
        },
        "length" => match args.get(0) {
            Value::Map(pairs) => count(pairs.len()),
            _ => count(text(0)?.chars().count()),
        },
        "substr" => {
            let from = number(1)?.round();
            let to = match args.values.get(2) {
                Some(_) => from + number(2)?.round(),
                None => f64::INFINITY,
            };
            let is_in = |at: usize| {
                let at = u32::try_from(at + 1).map_or(f64::INFINITY, f64::from);
                at >= from && at < to
            };
            let text = text(0)?;
            let chars = text.chars().enumerate();
            made(chars.filter(|(at, _)| is_in(*at)).map(|(_, c)| c).collect())
        }
        "index" => {
            let (text, part) = (text(0)?, text(1)?);
            match text.find(&part) {
                Some(at) => count(text.get(..at)?.chars().count() + 1),
                None => count(0),
            }
        }
        "find" => {
            let (text, pattern) = (text(0)?, pattern(&args.get(1))?);
            let (from, length) = match pattern.find(&text) {
                Some(found) => (
                    count(text.get(..found.start())?.chars().count() + 1)?,
                    count(found.as_str().chars().count())?,
                ),
                None => (Value::Number(0.0), Value::Number(-1.0)),
            };
            Some(Value::map(vec![
                ("1".to_owned(), from),
                ("2".to_owned(), length),
            ]))
        }
        "sub" | "gsub" => replaced(args, usize::from(name.ends_with("_sub"))).map(Value::made),
        "gensub" => {
            let most = match text(2)?.to_lowercase().as_str() {
                how if how.starts_with('g') => 0,
                "1" => 1,
                _ => return None,
            };
            let to = args.get(1);
            // Groups are not told apart here.
            let has_groups = known(&to)?.contains(['\\']);
            (!has_groups).then_some(())?;
            let of = args.values.get(3).cloned()?;
            replaced(&Args::of(vec![args.get(0), to, of]), most).map(Value::made)
        }
        "split" => {
            let parts = divided(&text(0)?, &args.get(1))?;
            let pairs = parts.into_iter().enumerate();
            let pairs = pairs.map(|(at, part)| ((at + 1).to_string(), Value::Text(part)));
            Some(Value::map(pairs.take(MAX_ITEMS).collect()))
        }
        "sprintf" => made(format::percent(&args.text(0)?, args.values.get(1..)?)),
        "tolower" => made(args.text(0)?.to_lowercase()),
        "toupper" => made(args.text(0)?.to_uppercase()),
        "int" => Some(Value::Number(number(0)?.trunc())),
        "strtonum" => {
            let text = text(0)?.to_lowercase();
            let radix =
                |digits: &str, radix| u32::from_str_radix(digits, radix).ok().map(f64::from);
            let value = match (text.strip_prefix("0x"), text.strip_prefix('0')) {
                (Some(digits), _) => radix(digits, 16),
                (_, Some(digits)) if !digits.is_empty() => radix(digits, 8),
                _ => number(0),
            };
            value.map(Value::Number)
        }
        "sqrt" => Some(Value::Number(number(0)?.sqrt())),
        "and" | "or" | "xor" | "lshift" | "rshift" => {
            let (a, b) = (texts::whole(number(0)?)?, texts::whole(number(1)?)?);
            let value = match name {
                "awk_and" => a & b,
                "awk_or" => a | b,
                "awk_xor" => a ^ b,
                "awk_lshift" => a.checked_shl(b)?,
                _ => a.checked_shr(b)?,
            };
            Some(Value::Number(f64::from(value)))
        }
        _ => None,
    }
}

/// How many steps a call is worth, beside its own.
pub(in super::super) fn steps(name: &str, args: &Args) -> usize {
    let is_pattern = matches!(
        name,
        "awk_match" | "awk_find" | "awk_sub" | "awk_gsub" | "awk_gensub" | "awk_split"
    );
    let length = |value: &Value| match value {
        Value::Pattern(pattern) => pattern.len(),
        Value::Text(text) => text.len(),
        _ => 0,
    };
    let is_record = matches!(name, "awk_field" | "awk_fields" | "awk_put" | "awk_cut");
    match (is_pattern, is_record) {
        (true, _) => 8 + args.values.iter().take(2).map(length).sum::<usize>() / 32,
        (_, true) => length(&args.get(0)) / 64,
        _ => 0,
    }
}

/// The records of a text, or what it is if it is none that is known.
pub(in super::super) fn records(input: &Value, by: &Value) -> Value {
    let Value::Text(text) = input else {
        return input.clone();
    };
    let is_only_mark = text.chars().all(mark::is_unknown);
    match (known(by).as_deref(), text.is_empty()) {
        (_, true) => Value::list(Vec::new()),
        _ if is_only_mark => input.clone(),
        (Some("\n"), _) => Value::texts(text.lines().map(str::to_owned)),
        (Some(by), _) if by.chars().count() == 1 => {
            let text = text.strip_suffix('\n').unwrap_or(text);
            Value::texts(text.split(by).map(str::to_owned))
        }
        _ => Value::Name("records()".to_owned()),
    }
}

/// The text of a value of which all is known.
fn known(value: &Value) -> Option<String> {
    let text = match value {
        Value::Text(text) => Some(text.clone()),
        Value::Number(_) => value.text(),
        _ => None,
    };
    text.filter(|text| !text.contains(mark::is_unknown))
}

/// What it is as a number: the digits that it begins with.
fn number(value: &Value) -> Option<f64> {
    if let Value::Number(n) = value {
        return Some(*n);
    }
    let text = known(value)?;
    let text = text.trim_start();
    let is_part = |(at, c): &(usize, char)| {
        c.is_ascii_digit() || *c == '.' || *at == 0 && matches!(c, '-' | '+')
    };
    let end: usize = text
        .char_indices()
        .take_while(is_part)
        .map(|(_, c)| c.len_utf8())
        .sum();
    Some(text.get(..end)?.parse().unwrap_or(0.0))
}

fn is_number(text: &str) -> bool {
    let text = text.trim();
    text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.'))
        && text.parse::<f64>().is_ok()
}

/// Whether it counts as true. A text that is `0` may be either.
fn truth(value: &Value) -> Option<bool> {
    match value {
        Value::Number(n) => Some(*n != 0.0),
        value => match known(value)?.as_str() {
            "" => Some(false),
            text if is_number(text) && number(value) == Some(0.0) => None,
            _ => Some(true),
        },
    }
}

fn operation(op: &str, terms: &[Value]) -> Option<Value> {
    let first = terms.first()?;
    match op {
        "!!" => return truth(first)?.into_value(),
        "!" => return (!truth(first)?).into_value(),
        "neg" => return Some(Value::Number(-number(first)?)),
        "num" => return Some(Value::Number(number(first)?)),
        "&&" | "||" => {
            // One that is so, or is not, may decide alone.
            let decides = op == "||";
            if terms.iter().any(|term| truth(term) == Some(decides)) {
                return decides.into_value();
            }
            let is_known = terms.iter().all(|term| truth(term).is_some());
            return is_known.then_some(!decides)?.into_value();
        }
        _ => {}
    }
    let mut rest = terms.iter().skip(1);
    if matches!(op, "<" | "<=" | "==" | "!=" | ">" | ">=") {
        return compared(op, first, rest.next()?)?.into_value();
    }
    let mut value = number(first)?;
    for term in rest {
        let next = number(term)?;
        value = match op {
            "+" => value + next,
            "-" => value - next,
            "*" => value * next,
            "/" if next != 0.0 => value / next,
            "%" if next != 0.0 => value % next,
            "^" => value.powf(next),
            _ => return None,
        };
    }
    Some(Value::Number(value))
}

/// As numbers, if both are.
fn compared(op: &str, left: &Value, right: &Value) -> Option<bool> {
    let (a, b) = (known(left)?, known(right)?);
    let order = match is_number(&a) && is_number(&b) {
        true => number(left)?.partial_cmp(&number(right)?)?,
        false => a.cmp(&b),
    };
    Some(match op {
        "<" => order.is_lt(),
        "<=" => order.is_le(),
        "==" => order.is_eq(),
        "!=" => order.is_ne(),
        ">" => order.is_gt(),
        _ => order.is_ge(),
    })
}

/// A field of a record. Of a record that is known in part, those that are.
fn field(record: &Value, at: f64, by: &str) -> Option<Value> {
    let Value::Text(text) = record else {
        return None;
    };
    if at == 0.0 {
        return Some(record.clone());
    }
    let is_whole = !text.contains(mark::is_unknown);
    let at = index(at)?.checked_sub(1)?;
    match fields(text, by)?.into_iter().nth(at) {
        Some(field) => Some(Value::Text(field)),
        None if is_whole => Some(Value::Text(String::new())),
        None => None,
    }
}

fn fields(record: &str, by: &str) -> Option<Vec<String>> {
    divided(record, &Value::Text(by.to_owned()))
}

/// A text in parts: by white space, by a sign, or by a pattern.
fn divided(text: &str, by: &Value) -> Option<Vec<String>> {
    let owned = |part: &str| part.to_owned();
    if text.is_empty() {
        return Some(Vec::new());
    }
    Some(match by {
        Value::Pattern(_) => pattern(by)?.split(text).map(owned).collect(),
        by => match known(by)?.as_str() {
            " " => text.split_whitespace().map(owned).collect(),
            "" => text.chars().map(String::from).collect(),
            by if by.chars().count() == 1 && by != "\\" => text.split(by).map(owned).collect(),
            by => regex(by)?.split(text).map(owned).collect(),
        },
    })
}

/// What stands in a text in the place of what a pattern finds; `&` is what was found.
fn replaced(args: &Args, most: usize) -> Option<String> {
    let (pattern, to, text) = (pattern(&args.get(0))?, args.text(1)?, known(&args.get(2))?);
    let (mut out, mut end) = (String::new(), 0);
    for (at, found) in pattern.find_iter(&text).enumerate() {
        if most > 0 && at >= most || out.len() > MAX_TEXT {
            break;
        }
        out.push_str(text.get(end..found.start())?);
        let mut chars = to.chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                '\\' if matches!(chars.peek(), Some('&' | '\\')) => out.extend(chars.next()),
                '&' => out.push_str(found.as_str()),
                c => out.push(c),
            }
        }
        end = found.end();
    }
    out.push_str(text.get(end..)?);
    Some(out)
}

fn pattern(value: &Value) -> Option<regex::Regex> {
    match value {
        Value::Pattern(pattern) => regex(pattern),
        value => regex(&known(value)?),
    }
}

fn regex(pattern: &str) -> Option<regex::Regex> {
    regex::RegexBuilder::new(pattern)
        .size_limit(64 << 10)
        .build()
        .ok()
}

fn index(at: f64) -> Option<usize> {
    usize::try_from(texts::whole(at.trunc())?).ok()
}

fn count(count: usize) -> Option<Value> {
    u32::try_from(count).ok().map(f64::from).map(Value::Number)
}

trait IntoValue {
    fn into_value(self) -> Option<Value>;
}

impl IntoValue for bool {
    fn into_value(self) -> Option<Value> {
        Some(Value::bool(self))
    }
}
