//! Words of texts, by which they are found: the same in both engines, since neither cuts them.

use std::collections::HashSet;

/// What is longer is found by its beginning.
const LONGEST: usize = 64;
/// So many bytes of words one message has at most: no engine takes more.
const MOST: usize = 512 << 10;

/// The different words of a message.
#[derive(Debug, Default)]
pub(super) struct Words {
    words: HashSet<Box<str>>,
    bytes: usize,
}

impl Words {
    pub(super) fn add(&mut self, text: &str) {
        each(text, |word| {
            if self.bytes < MOST && !self.words.contains(word) {
                self.bytes += word.len() + 1;
                self.words.insert(word.into());
            }
        });
    }

    /// All words, with spaces between them; `None` if there are none.
    pub(super) fn joined(self) -> Option<String> {
        let mut words: Vec<_> = self.words.into_iter().collect();
        // So that the same text gives the same row.
        words.sort_unstable();
        (!words.is_empty()).then(|| words.join(" "))
    }
}

/// Hands out the words of a text: runs of letters and digits, in lower case. Scripts that put no spaces between words give
/// pairs of characters.
fn each(text: &str, mut word: impl FnMut(&str)) {
    let mut buffer = String::with_capacity(LONGEST);
    // The last character of a script without spaces.
    let mut before = None;
    for character in text.chars() {
        if is_dense(character) {
            // The beginning of a pair, or the end of a word.
            let first = before.replace(character);
            if !buffer.is_empty() {
                word(&buffer);
                buffer.clear();
            }
            if let Some(first) = first {
                word(String::from_iter([first, character]).as_str());
            }
            continue;
        }
        if let Some(last) = before.take() {
            word(last.encode_utf8(&mut [0; 4]));
        }
        if !character.is_alphanumeric() {
            if !buffer.is_empty() {
                word(&buffer);
                buffer.clear();
            }
        } else if buffer.len() >= LONGEST {
        } else if character.is_ascii() {
            buffer.push(character.to_ascii_lowercase());
        } else {
            buffer.extend(character.to_lowercase());
        }
    }
    if let Some(last) = before {
        word(last.encode_utf8(&mut [0; 4]));
    }
    if !buffer.is_empty() {
        word(&buffer);
    }
}

/// Whether a character belongs to a script without spaces.
fn is_dense(character: char) -> bool {
    matches!(character,
        '\u{0E00}'..='\u{0EFF}' | '\u{1000}'..='\u{109F}' | '\u{1780}'..='\u{17FF}'
        | '\u{3040}'..='\u{30FF}' | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}'
        | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{3FFFF}')
        && character.is_alphanumeric()
}

/// What is looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Query {
    /// Words that must all stand in a message, and whether they may go on.
    words: Vec<(String, bool)>,
    /// Texts that must all stand in it, in lower case.
    pub(super) texts: Vec<String>,
}

impl Query {
    /// Reads what somebody has typed: all words must be there, those in double quotes one behind another; a word that ends
    /// in `*` may go on.
    pub(super) fn read(typed: &str) -> Self {
        let mut query = Self::default();
        for (at, piece) in typed.split('"').enumerate() {
            if at % 2 == 1 {
                query.term(piece, false);
                continue;
            }
            for term in piece.split_whitespace() {
                match term.strip_suffix('*') {
                    Some(term) => query.term(term, true),
                    None => query.term(term, false),
                }
            }
        }
        query
    }

    fn term(&mut self, term: &str, goes_on: bool) {
        let first = self.words.len();
        each(term, |word| {
            let is_cut = word.len() >= LONGEST;
            let is_dense = word.chars().all(is_dense);
            let is_lone = is_dense && word.chars().count() == 1;
            // The last character of a run, which in the text may go on. Alone, it may be the first of a pair.
            let is_told = is_lone
                && self
                    .words
                    .get(first..)
                    .is_some_and(|pairs| !pairs.is_empty());
            if !is_told {
                self.words.push((word.to_owned(), is_cut || is_lone));
            }
        });
        if let (true, Some((_, may_go_on))) = (
            goes_on,
            self.words.get_mut(first..).and_then(<[_]>::last_mut),
        ) {
            *may_go_on = true;
        }
        let text = term.to_lowercase();
        if !text.is_empty() {
            self.texts.push(text);
        }
    }

    /// Whether there is nothing to look for.
    pub(super) fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// As FTS5 of SQLite reads it. Words have neither quotes nor spaces.
    #[cfg(feature = "sqlite")]
    pub(super) fn fts5(&self) -> String {
        self.written("\"", "*", " AND ")
    }

    /// As a `tsquery` of PostgreSQL.
    #[cfg(feature = "postgres")]
    pub(super) fn tsquery(&self) -> String {
        self.written("'", ":*", " & ")
    }

    fn written(&self, quote: &str, goes_on: &str, and: &str) -> String {
        let words = self.words.iter().map(|(word, may_go_on)| {
            let goes_on = if *may_go_on { goes_on } else { "" };
            format!("{quote}{word}{quote}{goes_on}")
        });
        words.collect::<Vec<_>>().join(and)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> String {
        let mut words = Words::default();
        words.add(text);
        words.joined().unwrap_or_default()
    }

    #[test]
    fn texts_fall_into_words() {
        for (text, expected) in [
            ("", ""),
            (" -- ", ""),
            ("Fix src/Parser_2.rs, fix it!", "2 fix it parser rs src"),
            ("Grüße ÉTÉ", "grüße été"),
            ("世界 is 世", "is 世 世界 界"),
            ("日本語", "日本 本語 語"),
        ] {
            assert_eq!(words(text), expected, "{text}");
        }
        assert_eq!(words(&"a".repeat(100)).len(), LONGEST);
    }

    #[test]
    fn what_is_typed_is_read() {
        let query = Query::read(r#"Fix "src/Parser.rs fast" pars* 本 日本語"#);
        assert_eq!(
            query.written("'", ":*", " & "),
            "'fix' & 'src' & 'parser' & 'rs' & 'fast' & 'pars':* & '本':* & '日本' & '本語'"
        );
        assert_eq!(
            query.texts,
            ["fix", "src/parser.rs fast", "pars", "本", "日本語"]
        );
        assert!(Query::read(" \"\" == ").is_empty());
    }
}
