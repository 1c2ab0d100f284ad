//! Where things end in shell text.

/// An upper bound for how deep anything stands in anything.
pub(super) fn nesting(text: &str) -> usize {
    let (mut depth, mut most, mut bangs): (usize, usize, usize) = (0, 0, 0);
    for c in text.bytes() {
        match c {
            b'(' | b'{' => depth += 1,
            b')' | b'}' => depth = depth.saturating_sub(1),
            b'!' => bangs += 1,
            _ => {}
        }
        most = most.max(depth);
    }
    // Words that open something; those that close it are as many, in text that can be read.
    let (mut open, mut opened): (usize, usize) = (0, 0);
    for word in
        text.split(|c: char| c.is_whitespace() || matches!(c, ';' | '&' | '|' | '(' | ')' | '{'))
    {
        match word {
            "if" | "while" | "until" | "for" | "case" | "select" => open += 1,
            "fi" | "done" | "esac" => open = open.saturating_sub(1),
            _ => {}
        }
        opened = opened.max(open);
    }
    most + opened + bangs / 32
}

/// The text up to what closes it, and what follows: behind `$(`, up to its `)`.
pub(super) fn closed(text: &str, close: char) -> Option<(&str, &str)> {
    let open = match close {
        ')' => '(',
        _ => '{',
    };
    let mut depth = 0_usize;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => {
                chars.next();
            }
            '\'' => while chars.next().is_some_and(|(_, c)| c != '\'') {},
            '"' => {
                let rest = text.get(at + 1..)?;
                let skip = at + 1 + double_quoted(rest)? + 1;
                while chars.peek().is_some_and(|(at, _)| *at < skip) {
                    chars.next();
                }
            }
            '<' if close == ')'
                && text.get(at..)?.starts_with("<<")
                && !text.get(at..)?.starts_with("<<<") =>
            {
                if let Some(end) = here(text.get(at + 2..)?) {
                    let skip = at + 2 + end;
                    while chars.peek().is_some_and(|(at, _)| *at < skip) {
                        chars.next();
                    }
                }
            }
            c if c == open => depth += 1,
            c if c == close => {
                if depth == 0 {
                    return Some((text.get(..at)?, text.get(at + c.len_utf8()..)?));
                }
                depth -= 1;
            }
            _ => {}
        }
    }
    None
}

/// Where a double-quoted text ends.
pub(super) fn double_quoted(text: &str) -> Option<usize> {
    let mut at = 0;
    loop {
        let rest = text.get(at..)?;
        let c = rest.chars().next()?;
        at += match c {
            '"' => return Some(at),
            '\\' => 1 + rest.chars().nth(1).map_or(0, char::len_utf8),
            '$' if rest.starts_with("$(") => rest.len() - closed(rest.get(2..)?, ')')?.1.len(),
            '$' if rest.starts_with("${") => rest.len() - closed(rest.get(2..)?, '}')?.1.len(),
            c => c.len_utf8(),
        };
    }
}

/// Where the body of a here-document ends, of which this is what follows `<<`.
fn here(text: &str) -> Option<usize> {
    let start = text.strip_prefix('-').unwrap_or(text);
    let word = start.trim_start_matches([' ', '\t']);
    let line = word.split('\n').next()?;
    let end = match word.chars().next()? {
        quote @ ('\'' | '"') => word.get(1..)?.split(quote).next()?,
        _ => line
            .split([' ', '\t', ';', '|', '&', ')', '>', '<'])
            .next()?
            .trim_start_matches('\\'),
    };
    if end.is_empty() {
        return None;
    }
    let mut at = text.find('\n')? + 1;
    for line in text.get(at..)?.split_inclusive('\n') {
        at += line.len();
        if line.trim_end_matches('\n').trim_start_matches('\t') == end {
            return Some(at);
        }
    }
    None
}
