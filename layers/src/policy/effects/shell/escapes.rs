//! Escapes.

/// `$'…'`: what it says, and where it ends.
pub(super) fn ansi(text: &str) -> (String, usize) {
    let mut end = 0;
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => {
                chars.next();
            }
            '\'' => {
                end = at;
                break;
            }
            _ => {}
        }
    }
    (unescaped(text.get(..end).unwrap_or_default()), end + 1)
}

/// Text with escapes as C, `printf` and `echo -e` know them.
pub(in super::super) fn unescaped(text: &str) -> String {
    match String::from_utf8(unescaped_bytes(text)) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    }
}

/// The same, which may be no text.
pub(in super::super) fn unescaped_bytes(text: &str) -> Vec<u8> {
    let mut out: Vec<u8> = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.extend(rest.as_bytes().get(..at).unwrap_or_default());
        let after = rest.get(at + 1..).unwrap_or_default();
        let Some(c) = after.chars().next() else {
            out.push(b'\\');
            return out;
        };
        rest = after.get(c.len_utf8()..).unwrap_or_default();
        let number = |rest: &mut &str, digits: &str, radix: u32, most: usize| {
            let length = rest
                .chars()
                .take(most)
                .take_while(|c| digits.contains(*c))
                .count();
            // Without digits there is no number.
            let value = u32::from_str_radix(rest.get(..length).unwrap_or_default(), radix).ok();
            *rest = rest.get(length..).unwrap_or_default();
            value
        };
        const HEX: &str = "0123456789abcdefABCDEF";
        match c {
            'n' => out.push(b'\n'),
            't' => out.push(b'\t'),
            'r' => out.push(b'\r'),
            'a' | 'b' | 'f' | 'v' => out.push(b' '),
            'e' | 'E' => out.push(0x1b),
            'c' => break,
            'x' | '0'..='7' => {
                let value = match c {
                    'x' => number(&mut rest, HEX, 16, 2),
                    _ => {
                        let mut all = after;
                        let most = if c == '0' { 4 } else { 3 };
                        let value = number(&mut all, "01234567", 8, most);
                        rest = all;
                        value
                    }
                };
                out.extend(value.and_then(|value| u8::try_from(value & 0xff).ok()));
            }
            'u' | 'U' => {
                let value = number(&mut rest, HEX, 16, if c == 'u' { 4 } else { 8 });
                if let Some(c) = value.and_then(char::from_u32) {
                    out.extend(c.encode_utf8(&mut [0; 4]).as_bytes());
                }
            }
            '\\' | '\'' | '"' | '?' | '/' => out.extend(c.encode_utf8(&mut [0; 4]).as_bytes()),
            c => {
                out.push(b'\\');
                out.extend(c.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
    }
    out.extend(rest.as_bytes());
    out
}
