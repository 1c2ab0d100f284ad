//! Secrets that are named in the settings: variables of the environment, and values in files.

use std::{fmt, fs, path::PathBuf};

use secrecy::{ExposeSecret, SecretString};
use wildmatch::WildMatch;

use super::store::SHORTEST;
use crate::policy::{
    detect::{Classes, Detector, is_random},
    mask,
    registry::BuildError,
};

/// The values, none shorter than can be looked for.
#[derive(Default)]
pub(super) struct Known(Vec<SecretString>);

/// The longest file that is read.
const LONGEST: u64 = 1 << 20;

impl Known {
    pub(super) fn read(environment: &[String], files: &[PathBuf]) -> Result<Self, BuildError> {
        let mut known = Self::default();
        known.environment(
            environment,
            std::env::vars_os().filter_map(|(name, value)| {
                Some((name.into_string().ok()?, value.into_string().ok()?))
            }),
        );
        for (number, file) in files.iter().enumerate() {
            // What went wrong names the file at most, never what is in it.
            let wrong = |message: String| BuildError::new(format!("files[{number}]"), message);
            let length = fs::metadata(file)
                .map_err(|error| wrong(format!("cannot be read: {error}")))?
                .len();
            if length > LONGEST {
                return Err(wrong(format!("it is longer than {LONGEST} bytes")));
            }
            let text = fs::read_to_string(file)
                .map_err(|error| wrong(format!("cannot be read: {error}")))?;
            known.file(&text);
        }
        Ok(known)
    }

    /// The values of variables whose names are meant.
    fn environment(&mut self, names: &[String], variables: impl Iterator<Item = (String, String)>) {
        let names: Vec<_> = names.iter().map(|name| WildMatch::new(name)).collect();
        for (name, value) in variables {
            if names.iter().any(|pattern| pattern.matches(&name)) {
                self.add(&value);
            }
        }
    }

    /// Of `NAME=value` lines those that are secrets by their name or look random, and passwords inside of others.
    fn file(&mut self, text: &str) {
        for line in text.lines() {
            let line = line.trim();
            let line = line.strip_prefix("export ").unwrap_or(line);
            let Some((name, value)) = line.split_once('=').filter(|_| !line.starts_with('#'))
            else {
                continue;
            };
            let value = unquoted(value.trim());
            // Of a URL its password is the secret.
            let is_whole = is_random(value) && !value.contains("://");
            if mask::is_secret(name.trim()) || is_whole {
                self.add(value);
            }
            for finding in Detector::new(Classes::secrets()).find(value) {
                self.add(value.get(finding.span).unwrap_or_default());
            }
        }
    }

    fn add(&mut self, value: &str) {
        let is_new = || self.0.iter().all(|known| known.expose_secret() != value);
        if value.len() >= SHORTEST && is_new() {
            self.0.push(value.into());
        }
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(ExposeSecret::expose_secret)
    }
}

/// What stands between quotes, or before a remark.
fn unquoted(value: &str) -> &str {
    for quote in ['"', '\''] {
        if let Some((inside, _)) = value
            .strip_prefix(quote)
            .and_then(|rest| rest.split_once(quote))
        {
            return inside;
        }
    }
    value
        .split_once(" #")
        .map_or(value, |(value, _)| value)
        .trim_end()
}

impl fmt::Debug for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Known").field(&self.0.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_taken_by_the_names_of_variables_and_from_lines_of_files() {
        let mut known = Known::default();
        let variables = [
            ("CI_KEY", "first secret"),
            ("OTHER", "not this one"),
            ("SHORT_KEY", "short"),
            ("TOKEN", "another one"),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        known.environment(
            &["*_KEY".to_owned(), "TOKEN".to_owned()],
            variables.into_iter(),
        );
        assert_eq!(
            known.values().collect::<Vec<_>>(),
            ["first secret", "another one"]
        );

        let mut known = Known::default();
        known.file(concat!(
            "# DB_PASSWORD=commented-out\nNODE_ENV=production\nexport DB_PASSWORD=\"correct horse\" # old\nPLAIN=value # remark\n",
            "A_TOKEN=correct-horse # remark\nDATABASE_URL=postgres://app:q7Rk2mZx9@db/x\n\nnonsense\nHOST_SECRET=short\n",
        ));
        assert_eq!(
            known.values().collect::<Vec<_>>(),
            ["correct horse", "correct-horse", "q7Rk2mZx9"]
        );
        assert_eq!(format!("{known:?}"), "Known(3)");
    }
}
