//! What lists can do without any effect.

use super::{Args, Value, codes, texts::joined};

/// The pairs of a map, each as a list of two.
pub(super) fn entries(pairs: &[(String, Value)]) -> Value {
    let entry =
        |(key, value): &(String, Value)| Value::list(vec![Value::Text(key.clone()), value.clone()]);
    Value::list(pairs.iter().map(entry).collect())
}

/// What a method of a list gives.
pub(super) fn method(items: &[Value], name: &str, args: &Args) -> Option<Value> {
    match name {
        "join" => joined(items, &args.text(0).unwrap_or_else(|| ",".to_owned())),
        "reverse" | "reversed" | "toReversed" => {
            Some(Value::list(items.iter().rev().cloned().collect()))
        }
        "slice" | "first" | "last" | "take" | "subarray" => {
            let to = match name {
                "slice" | "subarray" => args.get(1).number(),
                _ => None,
            };
            let from = match name {
                "last" => Some(-1.0),
                _ => args.get(0).number(),
            };
            if matches!(name, "first" | "last") && args.values.is_empty() {
                return match name {
                    "first" => items.first().cloned(),
                    _ => items.last().cloned(),
                };
            }
            codes::slice(items, from, to, None).map(Value::list)
        }
        "concat" => {
            let mut all = items.to_vec();
            for more in &args.values {
                match more {
                    Value::List(more) => all.extend(more.iter().cloned()),
                    more => all.push(more.clone()),
                }
            }
            Some(Value::list(all))
        }
        "at" => codes::index(&Value::list(items.to_vec()), &args.get(0)),
        "flat" | "flatten" => Some(Value::list(
            items
                .iter()
                .flat_map(|item| match item {
                    Value::List(items) => items.to_vec(),
                    item => vec![item.clone()],
                })
                .collect(),
        )),
        "pop" | "shift" => match name {
            "pop" => items.last().cloned(),
            _ => items.first().cloned(),
        },
        "copy" | "to_a" | "toList" | "values" | "sort" | "uniq" | "compact" | "decode"
        | "tobytes" | "toString"
            if name != "decode" && name != "toString" =>
        {
            Some(Value::list(items.to_vec()))
        }
        // Bytes are lists of numbers.
        "pack" if args.text(0).is_some_and(|how| how.starts_with(['a', 'A'])) => {
            joined(items.get(..1).unwrap_or_default(), "")
        }
        "decode" | "toString" | "pack" => codes::of_codes(items).map(Value::made),
        // Of pairs, the one with this key.
        "get" => {
            let key = args.text(0)?;
            items.iter().find_map(|pair| {
                let pair = pair.items()?;
                (pair.first()?.written() == key).then(|| pair.get(1).cloned())?
            })
        }
        "find" | "detect" => items.first().cloned(),
        "entries" => Some(Value::list(
            items
                .iter()
                .enumerate()
                .filter_map(|(at, item)| {
                    let at = f64::from(u32::try_from(at).ok()?);
                    Some(Value::list(vec![Value::Number(at), item.clone()]))
                })
                .collect(),
        )),
        _ => None,
    }
}
