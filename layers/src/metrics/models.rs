//! Which models are told by their names.

use std::{
    collections::HashSet,
    sync::{Arc, PoisonError, RwLock},
};

/// So many, and no more: whoever asks chooses the names.
const MOST: usize = 100;

pub(super) struct Models {
    patterns: Vec<String>,
    known: RwLock<HashSet<Arc<str>>>,
    other: Arc<str>,
}

impl Models {
    pub(super) fn new(patterns: impl Iterator<Item = String>) -> Self {
        Self {
            patterns: patterns.filter(|pattern| pattern != "*").collect(),
            known: RwLock::default(),
            other: "other".into(),
        }
    }

    /// The label of a model. A name that is not known yet becomes known if a provider `has_answered` for it.
    pub(super) fn label(&self, name: Option<&str>, has_answered: bool) -> Arc<str> {
        let Some(name) = name else {
            return self.other.clone();
        };
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(label) = known.get(name) {
            return label.clone();
        }
        let is_full = known.len() >= MOST;
        drop(known);
        if is_full || !has_answered || !self.patterns.iter().any(|pattern| matches(pattern, name)) {
            return self.other.clone();
        }
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            return self.other.clone();
        }
        let label: Arc<str> = name.into();
        known.insert(label.clone());
        label
    }
}

/// Whether a name is one that the pattern means, in which `*` is anything.
fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| name.strip_prefix(first)) else {
        return false;
    };
    let Some(last) = parts.next_back() else {
        return rest.is_empty();
    };
    for part in parts {
        let Some(at) = rest.find(part) else {
            return false;
        };
        rest = rest.get(at + part.len()..).unwrap_or_default();
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_mean_what_they_say() {
        for (pattern, name, is) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("a*", "ab", true),
            ("*b", "ab", true),
            ("a*b*c", "a-b-c", true),
            ("a*b*c", "a-c", false),
            ("ab*ba", "aba", false),
        ] {
            assert_eq!(matches(pattern, name), is, "{pattern} {name}");
        }
    }

    #[test]
    fn names_are_bounded_and_only_those_that_were_answered_for() {
        let models = Models::new(["m-*".to_owned(), "*".to_owned()].into_iter());
        assert_eq!(&*models.label(Some("m-1"), false), "other");
        assert_eq!(&*models.label(Some("n-1"), true), "other");
        assert_eq!(&*models.label(None, true), "other");
        for number in 0..MOST {
            let name = format!("m-{number}");
            assert_eq!(&*models.label(Some(&name), true), &*name);
        }
        assert_eq!(&*models.label(Some("m-more"), true), "other");
        assert_eq!(&*models.label(Some("m-7"), false), "m-7");
    }
}
