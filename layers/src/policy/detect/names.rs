//! Names under which secrets stand, and names that only speak of them.

/// Parts of names that speak about secrets without holding one.
const HARMLESS: [&[u8]; 40] = [
    b"hash",
    b"sha",
    b"count",
    b"name",
    b"type",
    b"url",
    b"uri",
    b"file",
    b"path",
    b"field",
    b"length",
    b"len",
    b"limit",
    b"max",
    b"min",
    b"expir",
    b"age",
    b"label",
    b"policy",
    b"pattern",
    b"regex",
    b"endpoint",
    b"ttl",
    b"version",
    b"id",
    b"hint",
    b"reset",
    b"usage",
    b"input",
    b"output",
    b"per",
    b"budget",
    b"izer",
    b"page",
    b"next",
    b"continu",
    b"cursor",
    b"csrf",
    b"public",
    b"cancel",
];

/// Whether a name says that a secret stands under it, by what stands before and after the word for one in it.
pub(super) fn names_secret(before: &[u8], after: &[u8]) -> bool {
    let (before, after) = (before.to_ascii_lowercase(), after.to_ascii_lowercase());
    // `tokens`, `secrets_…`: of many.
    if after.starts_with(b"s") && !after.starts_with(b"s_") && after.len() <= 2 {
        return false;
    }
    let is_in = |text: &[u8], word: &[u8]| memchr::memmem::find(text, word).is_some();
    let is_part = |text: &[u8], word: &[u8]| {
        text.split(|byte| b"_-.".contains(byte))
            .any(|part| part == word)
    };
    let is_harmless = |word: &&[u8]| match word.len() {
        // Short ones are part of too many others.
        0..=3 => is_part(&after, word) || is_part(&before, word),
        _ => is_in(&after, word) || is_in(&before, word),
    };
    !HARMLESS.iter().any(is_harmless)
}
