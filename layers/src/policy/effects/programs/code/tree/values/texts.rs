//! What texts can do without any effect, and where methods of values begin.

use super::{Args, MAX_ITEMS, MAX_TEXT, Value, codes, letters, lists};

/// What a method gives; `None` for one that is not known here.
pub(in super::super) fn method(of: &Value, name: &str, args: &Args) -> Option<Value> {
    match of {
        Value::Text(text) => of_text(text, name, args),
        Value::List(items) => lists::method(items, name, args),
        Value::Number(number) => match name {
            "toString" | "to_s" if args.values.is_empty() => of.text().map(Value::Text),
            "to_i" | "valueOf" => Some(of.clone()),
            "to_bytes" => {
                let length = args.get(0).number().and_then(whole).filter(|n| *n <= 4)?;
                let is_little = args.text(1).is_some_and(|order| order == "little");
                let bytes = whole(*number)?.to_be_bytes();
                let mut bytes = bytes.get(4 - usize::try_from(length).ok()?..)?.to_vec();
                if is_little {
                    bytes.reverse();
                }
                Some(Value::made(codes::of_bytes(bytes)))
            }
            "succ" | "next" => Some(Value::Number(number + 1.0)),
            "pred" => Some(Value::Number(number - 1.0)),
            "chr" => char::from_u32(whole(*number)?).map(|c| Value::Text(c.to_string())),
            _ => None,
        },
        Value::Map(pairs) => match name {
            "get" | "fetch" | "pop" => {
                let key = args.text(0)?;
                let found = pairs.iter().find(|(name, _)| *name == key);
                Some(found.map_or_else(|| args.get(1), |(_, value)| value.clone()))
            }
            "keys" => Some(Value::texts(pairs.iter().map(|(key, _)| key.clone()))),
            "values" => Some(Value::list(
                pairs.iter().map(|(_, value)| value.clone()).collect(),
            )),
            "items" | "entries" => Some(lists::entries(pairs)),
            _ => None,
        },
        Value::Pattern(_) => Some(Value::unknown()),
        _ => None,
    }
}

fn of_text(text: &str, name: &str, args: &Args) -> Option<Value> {
    let made = |text: String| Some(Value::made(text));
    match name {
        "succ" | "next" if args.values.is_empty() => made(letters::succeeding(text)),
        "strip" | "trim" | "rstrip" | "trimEnd" | "lstrip" | "trimStart" | "chomp" => {
            let set: Vec<char> = match args.text(0) {
                Some(set) => set.chars().collect(),
                None => vec![' ', '\t', '\n', '\r'],
            };
            let text = match name {
                "rstrip" | "trimEnd" | "chomp" => text.trim_end_matches(set.as_slice()),
                "lstrip" | "trimStart" => text.trim_start_matches(set.as_slice()),
                _ => text.trim_matches(set.as_slice()),
            };
            made(text.to_owned())
        }
        "encode" | "decode" | "toString" | "valueOf" | "to_s" | "to_str" | "tobytes" | "dup"
        | "freeze" | "force_encoding" | "as_posix" | "expanduser" | "absolute" | "normalize"
        | "toLocaleString" | "format" | "resolve"
            if args.values.is_empty() && args.named.is_empty() =>
        {
            made(text.to_owned())
        }
        "encode" | "decode" | "toString" => {
            let how = args.text(0).unwrap_or_default();
            codes::decoded(text, &how)
                .or_else(|| Some(text.to_owned()))
                .and_then(made)
        }
        "lower" | "toLowerCase" | "downcase" | "casefold" => made(text.to_lowercase()),
        "upper" | "toUpperCase" | "upcase" => made(text.to_uppercase()),
        "swapcase" => made(text.chars().map(swapped).collect()),
        "replace" | "replaceAll" | "gsub" | "sub" if args.values.len() >= 2 => {
            let to = args.text(1)?;
            match args.get(0) {
                Value::Pattern(pattern) => made(replaced(&pattern, text, &to)?),
                from => {
                    let from = from.text()?;
                    let grows = to.len() > from.len() && text.len() > MAX_TEXT / (to.len() + 1);
                    (!grows).then(|| text.replace(&from, &to)).and_then(made)
                }
            }
        }
        "removeprefix" => {
            let part = args.text(0)?;
            made(text.strip_prefix(part.as_str()).unwrap_or(text).to_owned())
        }
        "removesuffix" => {
            let part = args.text(0)?;
            made(text.strip_suffix(part.as_str()).unwrap_or(text).to_owned())
        }
        "join" => {
            let items = args.values.first()?.items()?;
            joined(&items, text)
        }
        "split" | "lines" | "splitlines" | "chars" | "bytes" | "rsplit" => {
            let by = args.text(0).filter(|_| name.ends_with("split"));
            match (name, by) {
                ("bytes", _) => Some(Value::list(
                    text.bytes()
                        .map(|byte| Value::Number(f64::from(byte)))
                        .collect(),
                )),
                ("chars", _) => Value::Text(text.to_owned()).items().map(Value::list),
                (_, Some(by)) if by.is_empty() => {
                    Value::Text(text.to_owned()).items().map(Value::list)
                }
                (_, Some(by)) => Some(Value::texts(text.split(&by).map(str::to_owned))),
                ("lines" | "splitlines", _) => Some(Value::texts(text.lines().map(str::to_owned))),
                _ if matches!(args.get(0), Value::Pattern(pattern) if pattern.is_empty()) => {
                    Value::Text(text.to_owned()).items().map(Value::list)
                }
                _ if matches!(args.get(0), Value::Pattern(_)) => Some(Value::texts(
                    text.split([' ', ',', '|', '-', '_', ':'])
                        .map(str::to_owned),
                )),
                _ => Some(Value::texts(text.split_whitespace().map(str::to_owned))),
            }
        }
        "format" => made(formatted(text, args)),
        "substitute" | "safe_substitute" => made(substituted(text, args)),
        "concat" => {
            let mut all = vec![Value::Text(text.to_owned())];
            all.extend(args.values.iter().cloned());
            joined(&all, "")
        }
        "reverse" => made(text.chars().rev().collect()),
        "repeat" => repeated(text, args.get(0).number()?),
        "charAt" | "at" => codes::index(&Value::Text(text.to_owned()), &args.get(0)),
        "charCodeAt" | "codePointAt" | "ord" => {
            let at = args.get(0).number().unwrap_or(0.0);
            let c = text.chars().nth(usize::try_from(whole(at)?).ok()?)?;
            Some(Value::Number(f64::from(u32::from(c))))
        }
        "slice" | "substring" | "substr" | "subarray" => {
            let all: Vec<char> = text.chars().collect();
            let to = match (name, args.get(1).number()) {
                ("substr", Some(length)) => Some(args.get(0).number().unwrap_or(0.0) + length),
                (_, to) => to,
            };
            let part = codes::slice(&all, args.get(0).number(), to, None)?;
            made(part.into_iter().collect())
        }
        "tr" if args.values.len() > 1 => {
            let (from, to) = (letters(&args.text(0)?), letters(&args.text(1)?));
            let other = |c: char| {
                let at = from.iter().position(|from| *from == c)?;
                to.get(at).or(to.last()).copied()
            };
            made(text.chars().map(|c| other(c).unwrap_or(c)).collect())
        }
        "to_i" | "hex" | "oct" => {
            let radix = match name {
                "hex" => 16,
                "oct" => 8,
                _ => args.get(0).number().and_then(whole).unwrap_or(10),
            };
            let radix = (2..=36).contains(&radix).then_some(radix)?;
            let number = u32::from_str_radix(text.trim_start_matches("0x"), radix).ok()?;
            Some(Value::Number(f64::from(number)))
        }
        // The lines of a text without what they are all indented by.
        "squiggly" | "dedent" => {
            let lines: Vec<_> = text.lines().map(str::trim_start).collect();
            made(format!("{}\n", lines.join("\n")))
        }
        "push" => made(format!("{text}{}", args.get(0).written())),
        "translate" => match args.get(0) {
            // What each byte becomes.
            Value::Text(table) => {
                let table: Vec<char> = table.chars().collect();
                let other = |c: char| table.get(usize::try_from(u32::from(c)).ok()?).copied();
                made(text.chars().map(|c| other(c).unwrap_or(c)).collect())
            }
            Value::Map(pairs) => {
                let mut out = String::new();
                for c in text.chars() {
                    let code = u32::from(c).to_string();
                    let mut pairs = pairs.iter();
                    match pairs.find(|(from, _)| *from == code || from.chars().eq([c])) {
                        Some((_, to)) => out.push_str(&to.written()),
                        None => out.push(c),
                    }
                    if out.len() > MAX_TEXT {
                        break;
                    }
                }
                made(out)
            }
            _ => None,
        },
        "unpack" | "unpack1" => {
            let how = args.text(0)?;
            let bytes = match how.chars().next()? {
                'm' => codes::base64(text)?,
                'H' => codes::hex(text)?,
                _ => return None,
            };
            match name {
                "unpack" => Some(Value::texts([bytes])),
                _ => made(bytes),
            }
        }
        _ => None,
    }
}

/// `a-z`
fn letters(set: &str) -> Vec<char> {
    let chars: Vec<char> = set.chars().collect();
    let mut letters = Vec::new();
    let mut at = 0;
    while let Some(c) = chars.get(at) {
        match (chars.get(at + 1), chars.get(at + 2)) {
            (Some('-'), Some(end)) => {
                letters.extend((*c..=*end).take(256));
                at += 3;
            }
            _ => {
                letters.push(*c);
                at += 1;
            }
        }
    }
    letters
}

/// Items with a text between.
pub(in super::super) fn joined(items: &[Value], between: &str) -> Option<Value> {
    let mut out = String::new();
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            out.push_str(between);
        }
        out.push_str(&item.written());
        if out.len() > MAX_TEXT {
            break;
        }
    }
    Some(Value::made(out))
}

pub(in super::super) fn repeated(text: &str, times: f64) -> Option<Value> {
    let times = usize::try_from(whole(times)?).ok()?;
    (text.len().saturating_mul(times) <= MAX_TEXT).then(|| Value::made(text.repeat(times)))
}

/// A number without a fraction that is none below zero.
pub(in super::super) fn whole(n: f64) -> Option<u32> {
    let is_whole = n.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&n);
    // It has no fraction and is in range, so that nothing is lost.
    is_whole.then(|| format!("{n}").parse().ok()).flatten()
}

fn swapped(c: char) -> String {
    match c.is_uppercase() {
        true => c.to_lowercase().collect(),
        false => c.to_uppercase().collect(),
    }
}

/// `"{} {0} {name} %s"`, with what is put in.
pub(in super::super) fn formatted(text: &str, args: &Args) -> String {
    let mut out = String::new();
    let mut rest = text;
    let mut next = 0;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        if let Some(after) = after.strip_prefix('{') {
            out.push('{');
            rest = after;
            continue;
        }
        let Some((field, after)) = after.split_once('}') else {
            out.push('{');
            rest = after;
            break;
        };
        let name = field.split([':', '!', '.', '[']).next().unwrap_or_default();
        let value = match (name.parse::<usize>(), name) {
            (Ok(at), _) => args.get(at),
            (_, "") => {
                next += 1;
                args.get(next - 1)
            }
            (_, name) => args.named(name).cloned().unwrap_or(Value::unknown()),
        };
        match (field.ends_with(":c"), &value) {
            (true, Value::Number(n)) => out.extend(whole(*n).and_then(char::from_u32)),
            _ => out.push_str(&value.written()),
        }
        rest = after;
        if out.len() > MAX_TEXT {
            break;
        }
    }
    out.push_str(rest);
    out
}

/// As a regular expression says.
pub(in super::super) fn replaced(pattern: &str, text: &str, to: &str) -> Option<String> {
    let pattern = regex::RegexBuilder::new(pattern)
        .size_limit(64 << 10)
        .build()
        .ok()?;
    let mut out = String::new();
    let mut end = 0;
    for found in pattern.find_iter(text).take(MAX_TEXT / (to.len() + 1)) {
        out.push_str(text.get(end..found.start())?);
        out.push_str(to);
        end = found.end();
    }
    out.push_str(text.get(end..)?);
    Some(out)
}

/// Where a pattern, or a text, stands in a text.
pub(in super::super) fn places(text: &str, of: &Value) -> Option<Vec<std::ops::Range<usize>>> {
    let pattern = match of {
        Value::Pattern(pattern) => pattern.clone(),
        of => regex::escape(&of.text()?),
    };
    let pattern = regex::RegexBuilder::new(&pattern)
        .size_limit(64 << 10)
        .build()
        .ok()?;
    let places = pattern.find_iter(text).take(MAX_ITEMS);
    Some(places.map(|found| found.range()).collect())
}

/// `$name`, `${name}`, as they are given.
fn substituted(text: &str, args: &Args) -> String {
    let mut out = text.to_owned();
    for (name, value) in args.named.iter().take(16) {
        let value = value.written();
        if out.len().saturating_mul(value.len() + 1) > 16 * MAX_TEXT {
            break;
        }
        out = out.replace(&format!("${{{name}}}"), &value);
        out = out.replace(&format!("${name}"), &value);
    }
    out
}
