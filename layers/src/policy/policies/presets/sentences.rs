//! Sentences that are left out: those a text begins with, those it ends with, or wherever they stand.

use super::{
    editor::{Before, Rule, Step},
    phrase::{Begins, Behind, Phrase, first},
};

/// What is left out.
#[derive(Debug)]
pub(super) struct Sentences {
    /// At the beginning of a text.
    pub(super) openings: &'static [Phrase],
    /// At the beginning of any sentence.
    pub(super) anywhere: &'static [Phrase],
    /// At the end of a text.
    pub(super) closings: &'static [Phrase],
}

/// The most white space between sentences.
const GAP: usize = 64;
/// How far it is looked for phrases, one behind the other.
const REACH: usize = 480;

/// What begins at the beginning of a sentence.
enum Found {
    Nothing,
    Wait,
    /// So many bytes, up to the next sentence; the white space in front of that, and whether its first word is in the middle
    /// of a sentence now.
    Until(usize, usize, bool),
    /// All there is.
    All,
}

impl Rule for &'static Sentences {
    fn look_behind(&self) -> usize {
        GAP + REACH
    }

    fn next(&self, before: &Before, rest: &str, last: bool) -> Step {
        let sentence = rest.trim_start();
        let gap = rest.len() - sentence.len();
        let (space, _) = rest.split_at(gap);
        let begins = match before.last {
            None => true,
            Some(c) if gap > 0 && !c.is_whitespace() => {
                if gap <= GAP && sentence.is_empty() && !last {
                    return Step::Wait;
                }
                matches!(c, '.' | '!' | '?' | '\u{2026}') || space.contains('\n')
            }
            Some(_) => return Step::Keep(word(rest)),
        };
        if gap > GAP {
            return Step::Keep(rest.floor_char_boundary(GAP));
        }
        if sentence.is_empty() {
            return if last { Step::Keep(gap) } else { Step::Wait };
        }
        let mut markdown = before.markdown.clone();
        markdown.feed(space);
        let found = match begins && markdown.is_prose() {
            true => self.found(before.last.is_none(), sentence, last),
            false => Found::Nothing,
        };
        match found {
            Found::Nothing => Step::Keep(gap + word(sentence)),
            Found::Wait => Step::Wait,
            Found::All if before.has_said => Step::Put(rest.len(), String::new()),
            // A text of nothing is one that providers refuse.
            Found::All => Step::Keep(rest.len()),
            Found::Until(length, gap_behind, goes_on) => {
                let (left_out, next) = sentence.split_at(length);
                let behind = left_out.get(length - gap_behind..).unwrap_or_default();
                let lines = |space: &str| space.matches('\n').count();
                let keeps_space = before.last.is_none() || lines(space) >= lines(behind);
                let mut goes = String::from(if keeps_space { space } else { behind });
                let mut came = gap + length;
                if let Some(c) = next.chars().next().filter(|c| goes_on && c.is_lowercase()) {
                    goes.extend(c.to_uppercase());
                    came += c.len_utf8();
                }
                Step::Put(came, goes)
            }
        }
    }
}

impl Sentences {
    fn found(&self, is_first: bool, text: &str, last: bool) -> Found {
        let (seen, behind) = match text.len() {
            length if length >= REACH => {
                let seen = text.get(..text.floor_char_boundary(REACH));
                (seen.unwrap_or_default(), Behind::Cut)
            }
            _ if last => (text, Behind::Nothing),
            _ => (text, Behind::Open),
        };
        let openings = if is_first { self.openings } else { &[] };
        let mut at = 0;
        let mut until = Found::Nothing;
        let mut closes = false;
        loop {
            let rest = seen.get(at..).unwrap_or_default();
            let (mut begins, goes_on) = first(&[openings, self.anywhere], rest, behind);
            if begins == Begins::No {
                (begins, _) = first(&[self.closings], rest, behind);
                closes |= matches!(begins, Begins::Yes(_));
            }
            let length = match begins {
                Begins::No => return until,
                Begins::Maybe => return Found::Wait,
                Begins::Yes(length) => length,
            };
            let rest = rest.get(length..).unwrap_or_default();
            let gap = rest.len() - rest.trim_start().len();
            if gap == rest.len() {
                return match behind {
                    Behind::Open => Found::Wait,
                    Behind::Cut => until,
                    Behind::Nothing => Found::All,
                };
            }
            if gap > GAP {
                return until;
            }
            at += length + gap;
            // What only closes a text is left out if nothing comes behind it.
            if !closes {
                until = Found::Until(at, gap, goes_on);
            }
        }
    }
}

/// Up to the next white space; at least a character.
fn word(text: &str) -> usize {
    let first = text.chars().next().map_or(0, char::len_utf8);
    let rest = text.get(first..).unwrap_or_default();
    first + rest.find(char::is_whitespace).unwrap_or(rest.len())
}
