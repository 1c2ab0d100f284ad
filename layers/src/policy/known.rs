//! What somebody may have meant who wrote a word that nobody knows.

/// The one of `known` that is nearest to `word`, if it is near.
pub(crate) fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let distance = |candidate: &&str| strsim::damerau_levenshtein(word, candidate);
    let nearest = known.iter().copied().min_by_key(distance)?;
    (distance(&nearest) <= 1 + word.len() / 4).then_some(nearest)
}

/// `: did you mean "x"?`, or nothing.
pub(crate) fn hint(word: &str, known: &[&str]) -> String {
    nearest(word, known).map_or_else(String::new, |near| format!(": did you mean {near:?}?"))
}
