use std::fmt;

/// What is wrong with a configuration, where, and what may have been meant.
#[derive(Debug)]
pub(crate) struct ConfigError {
    /// `luthien.yaml:3:5`, `LUTHIEN_LISTEN`, `--set listen=…`; empty if nowhere in particular.
    pub(crate) place: String,
    /// The value's path, such as `limits.body`.
    pub(crate) path: String,
    pub(crate) message: String,
    /// What may have been meant.
    pub(crate) hint: Option<String>,
}

impl ConfigError {
    pub(crate) fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            place: String::new(),
            path: path.into(),
            message: message.into(),
            hint: None,
        }
    }

    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// `luthien.yaml:3:5: limits.bodyy: unknown key (did you mean `body`?)`
impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in [&self.place, &self.path] {
            if !part.is_empty() {
                write!(f, "{part}: ")?;
            }
        }
        f.write_str(&self.message)?;
        match &self.hint {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for ConfigError {}

/// The one of `known` that is nearest to `word`, if it is near.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let distance = |candidate: &&str| strsim::damerau_levenshtein(word, candidate);
    let nearest = known.into_iter().min_by_key(distance)?;
    (distance(&nearest) <= 1 + word.len() / 4).then_some(nearest)
}
