use std::{convert::Infallible, fmt, str::FromStr};

use wildmatch::WildMatch;

/// A pattern for model names: `*` stands for anything, `?` for one character.
///
/// ```
/// use luthien_core::request::ModelPattern;
///
/// let pattern: ModelPattern = "claude-*".parse().unwrap();
/// assert!(pattern.matches(Some("claude-opus-5-5")));
/// assert!(!pattern.matches(Some("gpt-5")));
/// assert!(!pattern.matches(None), "a request that names no model");
/// assert!(ModelPattern::any().matches(None));
/// ```
#[derive(Clone, PartialEq)]
pub struct ModelPattern {
    pattern: WildMatch,
}

impl ModelPattern {
    /// The pattern that matches every model, and none.
    pub fn any() -> Self {
        Self {
            pattern: WildMatch::new("*"),
        }
    }

    /// Whether a request for this model, if it names one, is meant.
    pub fn matches(&self, model: Option<&str>) -> bool {
        match model {
            Some(model) => self.pattern.matches(model),
            None => self == &Self::any(),
        }
    }
}

impl FromStr for ModelPattern {
    type Err = Infallible;

    fn from_str(pattern: &str) -> Result<Self, Infallible> {
        Ok(Self {
            pattern: WildMatch::new(pattern),
        })
    }
}

impl fmt::Debug for ModelPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ModelPattern({})", self.pattern)
    }
}
