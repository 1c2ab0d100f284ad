//! From a file, the environment and flags to a configuration.

use std::{env, path::PathBuf};

use super::{Config, ConfigError, check, document::Document};

/// Where a configuration comes from. Asked again, it reads again.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sources {
    /// The file, if there is one.
    pub(crate) file: Option<PathBuf>,
    /// `path=value`, in order; later ones count.
    pub(crate) flags: Vec<String>,
}

/// A configuration, and what else there is to say about it.
#[derive(Clone, Debug)]
pub(crate) struct Loaded {
    pub(crate) config: Config,
    /// The environment variables that were used, to be shown at start.
    pub(crate) overrides: Vec<String>,
}

/// Variables of ours that are no settings.
const NOT_SETTINGS: [&str; 1] = ["LUTHIEN_CONFIG"];

impl Sources {
    /// Reads, merges and checks.
    pub(crate) fn load(&self) -> Result<Loaded, ConfigError> {
        self.load_with(env::vars())
    }

    /// Reads, merges and checks, whatever the environment says.
    pub(crate) fn load_without_environment(&self) -> Result<Loaded, ConfigError> {
        self.load_with(std::iter::empty())
    }

    pub(super) fn load_with(
        &self,
        variables: impl Iterator<Item = (String, String)>,
    ) -> Result<Loaded, ConfigError> {
        let (document, overrides) = self.merged(variables)?;
        Ok(Loaded {
            config: read(&document)?,
            overrides,
        })
    }

    /// Reads and merges: what was written, and which variables it comes from, whatever it may mean.
    pub(crate) fn document(&self) -> Result<(Document, Vec<String>), ConfigError> {
        self.merged(env::vars())
    }

    fn merged(
        &self,
        variables: impl Iterator<Item = (String, String)>,
    ) -> Result<(Document, Vec<String>), ConfigError> {
        let mut document = match &self.file {
            Some(path) => Document::read(path)?,
            None => Document::empty(),
        };
        let mut variables: Vec<_> = variables
            .filter(|(name, _)| {
                name.starts_with("LUTHIEN_") && !NOT_SETTINGS.contains(&name.as_str())
            })
            // The tests' own.
            .filter(|(name, _)| !name.starts_with("LUTHIEN_TEST_"))
            .collect();
        variables.sort();
        for (name, text) in &variables {
            let path = name.trim_start_matches("LUTHIEN_").to_lowercase();
            let path: Vec<_> = path.split("__").map(str::to_owned).collect();
            document.set(&path, text, name)?;
        }
        for flag in &self.flags {
            let place = format!("--set {flag}");
            let Some((path, text)) = flag.split_once('=') else {
                let error =
                    ConfigError::new("", "expected path=value, as in `--set limits.body=64MiB`");
                return Err(ConfigError { place, ..error });
            };
            let path: Vec<_> = path.trim().split('.').map(str::to_owned).collect();
            document.set(&path, text, &place)?;
        }
        let overrides = variables.into_iter().map(|(name, _)| name).collect();
        Ok((document.with_files()?, overrides))
    }
}

/// All of a document as a configuration that is sound.
fn read(document: &Document) -> Result<Config, ConfigError> {
    let mut config: Config = document.parse()?;
    config.included = document.included().to_vec();
    check::complete(&mut config);
    check::check(&config).map_err(|error| document.placed(error))?;
    Ok(config)
}
