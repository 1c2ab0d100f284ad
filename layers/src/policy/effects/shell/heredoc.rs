//! Texts that stand in the lines behind a command. The parser loses its place where an expansion follows on the line of
//! such a command (`cat <<END > "$file"`, brush-parser 0.4.0): there they become strings, which say the same.

use std::borrow::Cow;

/// A text that is announced on a line.
struct Announced<'t> {
    /// From the operator to the end of the tag.
    at: std::ops::Range<usize>,
    tag: String,
    is_quoted: bool,
    strips_tabs: bool,
    body: Vec<&'t str>,
}

/// The text with strings in place of such texts, where the parser needs that.
pub(super) fn as_strings(text: &str) -> Cow<'_, str> {
    if !text.contains("<<") {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut has_changed = false;
    let mut quote = None;
    let mut lines = text.split_inclusive('\n');
    while let Some(line) = lines.next() {
        let mut announced = announced(line, &mut quote);
        let behind = announced.first().and_then(|first| line.get(first.at.end..));
        let is_needed = behind.is_some_and(|rest| rest.contains(['$', '`']));
        let mut taken = String::new();
        let mut is_whole = true;
        for one in &mut announced {
            let mut ends = false;
            for line in lines.by_ref() {
                taken.push_str(line);
                let bare = line.strip_suffix('\n').unwrap_or(line);
                let bare = if one.strips_tabs {
                    bare.trim_start_matches('\t')
                } else {
                    bare
                };
                if bare == one.tag {
                    ends = true;
                    break;
                }
                one.body.push(bare);
            }
            is_whole &= ends;
        }
        if !is_needed || !is_whole {
            out.push_str(line);
            out.push_str(&taken);
            continue;
        }
        has_changed = true;
        let mut end = 0;
        for one in announced {
            out.push_str(line.get(end..one.at.start).unwrap_or_default());
            out.push_str(&one.string());
            end = one.at.end;
        }
        out.push_str(line.get(end..).unwrap_or_default());
    }
    match has_changed {
        true => Cow::Owned(out),
        false => Cow::Borrowed(text),
    }
}

impl Announced<'_> {
    /// `<<< '…'`; in double quotes where the text is expanded.
    fn string(&self) -> String {
        let body = self.body.join("\n");
        match self.is_quoted {
            true => format!("<<< '{}'", body.replace('\'', r"'\''")),
            false => format!("<<< \"{}\"", in_double_quotes(&body)),
        }
    }
}

/// Quotes mean nothing in such a text, but in the commands that are put in.
fn in_double_quotes(body: &str) -> String {
    let mut out = String::with_capacity(body.len() + 16);
    let mut depth = 0_usize;
    let mut chars = body.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' if depth == 0 => match chars.peek() {
                Some('"') => out.push_str(r"\\"),
                _ => {
                    out.push(c);
                    out.extend(chars.next());
                }
            },
            '$' if chars.peek() == Some(&'(') => {
                out.push(c);
                out.extend(chars.next());
                depth += 1;
            }
            '(' if depth > 0 => {
                out.push(c);
                depth += 1;
            }
            ')' if depth > 0 => {
                out.push(c);
                depth -= 1;
            }
            '"' if depth == 0 => out.push_str("\\\""),
            c => out.push(c),
        }
    }
    out
}

/// The texts that a line announces, outside of quotes. What is quoted goes on in the next line.
fn announced<'t>(line: &str, quote: &mut Option<char>) -> Vec<Announced<'t>> {
    let mut found = Vec::new();
    let mut chars = line.char_indices().peekable();
    let mut before = ' ';
    while let Some((at, c)) = chars.next() {
        match (*quote, c) {
            (Some('\''), '\'') => *quote = None,
            (Some('\''), _) => {}
            (_, '\\') => drop(chars.next()),
            (Some(open), c) if c == open => *quote = None,
            (None, '"' | '\'') => *quote = Some(c),
            (None, '#') if before.is_whitespace() => break,
            (None, '<') if line.get(at..).is_some_and(|rest| rest.starts_with("<<")) => {
                let rest = line.get(at + 2..).unwrap_or_default();
                let is_other = rest.starts_with('<')
                    || before.is_ascii_digit() && rest.starts_with(|c: char| c.is_ascii_digit());
                let one = if is_other { None } else { tag(at, rest) };
                let end = one.as_ref().map_or(at + 3, |one| one.at.end);
                found.extend(one);
                while chars.peek().is_some_and(|(at, _)| *at < end) {
                    chars.next();
                }
            }
            _ => {}
        }
        before = c;
    }
    found
}

/// `-'END'` behind `<<`.
fn tag<'t>(start: usize, rest: &str) -> Option<Announced<'t>> {
    let dash = rest.strip_prefix('-');
    let word = dash.unwrap_or(rest);
    let word = word.trim_start_matches([' ', '\t']);
    let skipped = rest.len() - word.len();
    let (mut tag, mut is_quoted, mut quote, mut length) = (String::new(), false, None, 0);
    let mut chars = word.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'') => {
                quote = Some(c);
                is_quoted = true;
            }
            (None, '\\') => {
                is_quoted = true;
                length += 1;
                let c = chars.next()?;
                tag.push(c);
                length += c.len_utf8();
                continue;
            }
            (None, c)
                if c.is_whitespace() || matches!(c, ';' | '|' | '&' | '<' | '>' | '(' | ')') =>
            {
                break;
            }
            (_, c) => tag.push(c),
        }
        length += c.len_utf8();
    }
    (!tag.is_empty() && quote.is_none()).then(|| Announced {
        at: start..start + 2 + skipped + length,
        tag,
        is_quoted,
        strips_tabs: dash.is_some(),
        body: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::as_strings;

    #[test]
    fn a_text_becomes_a_string_where_an_expansion_follows_on_its_line() {
        for (text, expected) in [
            (
                "cat <<'END' > \"$f\"\na 'b'\nEND\nls\n",
                "cat <<< 'a '\\''b'\\''' > \"$f\"\nls\n",
            ),
            (
                "cat <<-END | tee ${f}\n\ta \"$x\" \\\" $(echo \"y\")\n\tEND\n",
                "cat <<< \"a \\\"$x\\\" \\\\\\\" $(echo \"y\")\" | tee ${f}\n",
            ),
            ("a <<A <<\"B\" $f\n1\nA\n2\nB\n", "a <<< \"1\" <<< '2' $f\n"),
        ] {
            assert_eq!(as_strings(text), expected);
        }
        for same in [
            "cat <<END > f\n$x\nEND\n",
            "cat <<END > $f\nno end\n",
            "echo $((1<<2)) ${x}\n",
            "echo '<<END' $f\nEND\n",
            "cat <<< x > $f\n",
            "# <<END $f\nEND\n",
        ] {
            assert_eq!(as_strings(same), same);
        }
    }
}
