//! Characters that stand for what a shell would put there. They are no characters of any text (Unicode calls them
//! noncharacters), and are taken out of what comes in.

use std::borrow::Cow;

/// A variable that nothing in the call sets, or what may come out empty.
pub(crate) const UNSET: char = '\u{fdd0}';
/// Something that is not known, and may be empty.
pub(crate) const UNKNOWN: char = '\u{fdd1}';
/// Something that is not known, and not empty.
pub(crate) const SOME: char = '\u{fdd2}';
/// Something that comes from another host.
pub(crate) const REMOTE: char = '\u{fdd6}';
/// A key, a token or the like.
pub(crate) const SECRET: char = '\u{fdd7}';
/// Code that a program writes for shells.
pub(crate) const HOOK: char = '\u{fdd8}';
/// What stands in files, as it is, if anything.
pub(crate) const CONTENT: char = '\u{fdd9}';
/// A line of it, or a word.
pub(crate) const LINE: char = '\u{fdda}';
/// The same, packed to be carried away.
pub(crate) const PACKED: char = '\u{fddb}';
/// What this machine is called, or who works at it.
pub(crate) const HERE: char = '\u{1fffe}';
/// What somebody keeps for themselves: a database, a home, a whole repository.
pub(crate) const PRIVATE: char = '\u{2fffe}';
/// Tokens of services that are known, one mark for each service.
const TOKENS: std::ops::RangeInclusive<char> = '\u{fddc}'..='\u{fdef}';
/// `*`, not quoted.
pub(crate) const STAR: char = '\u{fdd3}';
/// `?`, not quoted.
pub(crate) const ANY: char = '\u{fdd4}';
/// `[`, not quoted.
pub(crate) const SET: char = '\u{fdd5}';

/// The token of the service at this place in the table of them.
pub(crate) fn token(place: usize) -> Option<char> {
    let mut tokens = TOKENS;
    tokens.nth(place)
}

/// The place of the service whose token this is.
pub(crate) fn service(c: char) -> Option<usize> {
    let mut tokens = TOKENS;
    tokens.position(|token| token == c)
}

pub(crate) fn is_unknown(c: char) -> bool {
    matches!(
        c,
        UNSET | UNKNOWN | SOME | REMOTE | SECRET | HOOK | CONTENT | LINE | PACKED | HERE | PRIVATE
    ) || TOKENS.contains(&c)
}

/// What may be nothing at all.
pub(crate) fn is_unsure(c: char) -> bool {
    matches!(
        c,
        UNSET | UNKNOWN | REMOTE | SECRET | HOOK | CONTENT | PACKED | PRIVATE
    ) || TOKENS.contains(&c)
}

/// What stands in files, in whatever form.
pub(crate) fn is_content(c: char) -> bool {
    matches!(c, CONTENT | LINE | PACKED | PRIVATE)
}

pub(crate) fn is_glob(c: char) -> bool {
    matches!(c, STAR | ANY | SET)
}

fn is_mark(c: char) -> bool {
    is_unknown(c) || is_glob(c)
}

/// Text that comes from outside.
pub(crate) fn cleaned(text: &str) -> Cow<'_, str> {
    if text.contains(is_mark) {
        Cow::Owned(text.replace(is_mark, "\u{fffd}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// Text in which stars are patterns.
pub(crate) fn starred(text: &str) -> String {
    text.replace('*', STAR.encode_utf8(&mut [0; 4]))
}

/// For people, and for programs that read what is left of a pattern.
pub(crate) fn shown(text: &str) -> String {
    if !text.contains(is_mark) {
        return text.to_owned();
    }
    text.chars()
        .map(|c| match c {
            c if is_unknown(c) => '$',
            STAR => '*',
            ANY => '?',
            SET => '[',
            c => c,
        })
        .collect()
}
