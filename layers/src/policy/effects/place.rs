//! Where a call would run.

use std::borrow::Cow;

/// Where a call would run, as far as somebody knows: what relative paths and `~` mean.
///
/// What is not known stays a name: an effect then speaks of `./x` or `~/x`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The working directory, absolute.
    pub cwd: Option<String>,
    /// The home directory of whoever runs it, absolute.
    pub home: Option<String>,
    /// The directory of the project, absolute; that of the call, if it is left out.
    pub project: Option<String>,
}

impl Place {
    /// The working directory: absolute, below `~`, or `.`.
    pub(crate) fn cwd(&self) -> Cow<'_, str> {
        match self.cwd.as_deref() {
            Some(cwd) if cwd.starts_with(['/', '~']) => self.below_home(cwd),
            _ => Cow::Borrowed("."),
        }
    }

    /// The project's directory; that in which the call runs, unless another is named.
    pub(crate) fn project(&self) -> Cow<'_, str> {
        match self.project.as_deref() {
            Some(project) if project.starts_with(['/', '~']) => self.below_home(project),
            _ => self.cwd(),
        }
    }

    /// The same path, beginning with `~` if it is at home.
    pub(crate) fn below_home<'a>(&self, path: &'a str) -> Cow<'a, str> {
        let path = match path.trim_end_matches('/') {
            "" => "/",
            path => path,
        };
        let home = self.home.as_deref().map(|home| home.trim_end_matches('/'));
        let Some(home) = home.filter(|home| home.len() > 1) else {
            return Cow::Borrowed(path);
        };
        match path.strip_prefix(home) {
            Some("") => Cow::Borrowed("~"),
            Some(rest) if rest.starts_with('/') => Cow::Owned(format!("~{rest}")),
            _ => Cow::Borrowed(path),
        }
    }
}
