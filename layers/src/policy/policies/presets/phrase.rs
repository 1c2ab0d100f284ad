//! Turns of phrase, looked for in a text that may not have come whole.

/// A turn of phrase: what stands one behind the other.
#[derive(Debug)]
pub(super) struct Phrase {
    steps: &'static [Part],
    /// Whether the sentence goes on behind it, so that the next word becomes the first.
    pub(super) goes_on: bool,
}

#[derive(Debug)]
pub(super) enum Part {
    /// Any of these texts, the first that fits; letter case is of no account. An empty one may stand last.
    Any(&'static [&'static str]),
    /// The words up to the end of the sentence, among which one of these is.
    Words(&'static [&'static str]),
    /// One of these signs, once or several times, and then white space or nothing.
    End(&'static [char]),
}

/// What comes behind a piece of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Behind {
    /// More may come.
    Open,
    /// There is more, but it is not looked at.
    Cut,
    /// Nothing.
    Nothing,
}

/// Whether a text begins with something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Begins {
    No,
    /// It may, once more has come.
    Maybe,
    /// With so many bytes.
    Yes(usize),
}

/// The longest of the words up to the end of a sentence.
const WORDS: usize = 160;

impl Phrase {
    /// A sentence of its own.
    pub(super) const fn whole(steps: &'static [Part]) -> Self {
        Self {
            steps,
            goes_on: false,
        }
    }

    /// The beginning of a sentence.
    pub(super) const fn opening(steps: &'static [Part]) -> Self {
        Self {
            steps,
            goes_on: true,
        }
    }

    pub(super) fn begins(&self, text: &str, behind: Behind) -> Begins {
        steps(self.steps, text, behind)
    }
}

/// The first of these phrases that a text begins with, and whether its sentence goes on.
pub(super) fn first(phrases: &[&[Phrase]], text: &str, behind: Behind) -> (Begins, bool) {
    for phrase in phrases.iter().copied().flatten() {
        match phrase.begins(text, behind) {
            Begins::No => {}
            found => return (found, phrase.goes_on),
        }
    }
    (Begins::No, false)
}

fn steps(parts: &[Part], text: &str, behind: Behind) -> Begins {
    let Some((part, parts)) = parts.split_first() else {
        return Begins::Yes(0);
    };
    let go_on = |length: usize| {
        let rest = text.get(length..).unwrap_or_default();
        match steps(parts, rest, behind) {
            Begins::Yes(more) => Begins::Yes(length + more),
            found => found,
        }
    };
    match part {
        Part::Any(texts) => {
            for one in *texts {
                let found = match literal(one, text, behind) {
                    Begins::Yes(length) => go_on(length),
                    found => found,
                };
                // One that may still fit goes before those behind it.
                if found != Begins::No {
                    return found;
                }
            }
            Begins::No
        }
        Part::Words(known) => match words(known, text, behind) {
            Begins::Yes(length) => go_on(length),
            found => found,
        },
        Part::End(signs) => match end(signs, text, behind) {
            Begins::Yes(length) => go_on(length),
            found => found,
        },
    }
}

/// Whether more text would help.
fn unless_open(behind: Behind) -> Begins {
    match behind {
        Behind::Open => Begins::Maybe,
        Behind::Cut | Behind::Nothing => Begins::No,
    }
}

pub(super) fn literal(expected: &str, text: &str, behind: Behind) -> Begins {
    let mut rest = text.chars();
    for expected in expected.chars() {
        match rest.next() {
            None => return unless_open(behind),
            Some(c) if c.eq_ignore_ascii_case(&expected) => {}
            Some('\u{2019}') if expected == '\'' => {}
            Some(_) => return Begins::No,
        }
    }
    Begins::Yes(text.len() - rest.as_str().len())
}

fn end(signs: &[char], text: &str, behind: Behind) -> Begins {
    let rest = text.trim_start_matches(signs);
    let length = text.len() - rest.len();
    match rest.chars().next() {
        None if length > 0 && behind == Behind::Nothing => Begins::Yes(length),
        None => unless_open(behind),
        Some(c) if length > 0 && c.is_whitespace() => Begins::Yes(length),
        Some(_) => Begins::No,
    }
}

fn words(known: &[&str], text: &str, behind: Behind) -> Begins {
    let is_end = |c: char| matches!(c, '.' | '!');
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if at > WORDS || matches!(c, '\n' | '`' | '?' | ':' | ';' | '"') {
            return Begins::No;
        }
        if !is_end(c) {
            continue;
        }
        match chars.peek() {
            None if behind != Behind::Nothing => return unless_open(behind),
            // In the middle of a word: a number, a name of a file.
            Some((_, next)) if !next.is_whitespace() && !is_end(*next) => {}
            _ => {
                let said = text.get(..at).unwrap_or_default().to_lowercase();
                return match known.iter().any(|word| said.contains(word)) {
                    true => Begins::Yes(at),
                    false => Begins::No,
                };
            }
        }
    }
    unless_open(behind)
}
