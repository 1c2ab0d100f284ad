//! What `printf` makes of its words.

use crate::policy::effects::shell::{arithmetic, unescaped};

/// The format over and over, until all words are used.
pub(super) fn printf(words: &[String]) -> String {
    let Some((format, rest)) = words.split_first() else {
        return String::new();
    };
    let mut out = String::new();
    let mut rest = rest.iter();
    for _ in 0..256 {
        let before = rest.len();
        let mut left = format.as_str();
        while let Some(at) = left.find('%') {
            out.push_str(&unescaped(left.get(..at).unwrap_or_default()));
            let spec = left.get(at + 1..).unwrap_or_default();
            let end = spec
                .find(|c: char| c.is_ascii_alphabetic() || c == '%')
                .unwrap_or(spec.len());
            let (flags, behind) = spec.split_at_checked(end).unwrap_or((spec, ""));
            let kind = behind.chars().next();
            left = behind
                .get(kind.map_or(0, char::len_utf8)..)
                .unwrap_or_default();
            match kind {
                Some('%') | None => out.push('%'),
                Some(kind) => {
                    // Widths may come from words as well.
                    let flags = match flags.contains('*') {
                        true => flags.replacen('*', rest.next().map_or("", |word| word), 1),
                        false => flags.to_owned(),
                    };
                    let word = rest.next().map(String::as_str).unwrap_or_default();
                    out.push_str(&converted(kind, &flags, word));
                }
            }
        }
        out.push_str(&unescaped(left));
        if rest.len() == 0 || rest.len() == before {
            break;
        }
    }
    out
}

/// `%s`, `%03o`: a word in another form.
fn converted(kind: char, flags: &str, word: &str) -> String {
    let (width, most) = flags
        .split_once('.')
        .map_or((flags, None), |(width, most)| {
            (width, most.parse::<usize>().ok())
        });
    let is_padded = width.starts_with('0');
    let is_left = width.starts_with('-');
    let width: usize = width
        .trim_start_matches(['0', '-', '+', ' ', '#'])
        .parse()
        .unwrap_or(0);
    let number = || {
        let quoted = word
            .strip_prefix(['\'', '"'])
            .and_then(|rest| rest.chars().next());
        quoted
            .map(|c| i64::from(u32::from(c)))
            .or_else(|| arithmetic(word))
    };
    let text = match kind {
        'b' => unescaped(word),
        'c' => word.chars().take(1).collect(),
        'q' => super::quoted(word),
        'd' | 'i' | 'u' => number().map_or_else(|| word.to_owned(), |number| number.to_string()),
        'x' => number().map_or_else(|| word.to_owned(), |number| format!("{number:x}")),
        'X' => number().map_or_else(|| word.to_owned(), |number| format!("{number:X}")),
        'o' => number().map_or_else(|| word.to_owned(), |number| format!("{number:o}")),
        _ => word.to_owned(),
    };
    let text: String = match most.filter(|_| matches!(kind, 's' | 'b')) {
        Some(most) => text.chars().take(most).collect(),
        None => text,
    };
    let missing = width.min(256).saturating_sub(text.chars().count());
    match (is_padded, is_left) {
        (true, _) => "0".repeat(missing) + &text,
        (false, true) => text + &" ".repeat(missing),
        (false, false) => " ".repeat(missing) + &text,
    }
}
