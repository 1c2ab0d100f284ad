//! The policies that a command is about.

use clap::Args;
use serde::Deserialize;

use super::Settings;
use crate::{
    config::{ConfigError, Document, Policy, PolicySettings},
    policy,
    trial::Trial,
};

/// What of a configuration, or of a file of cases, is about policies. Of what else stands there nothing is needed: no
/// provider, and no secret.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::cli) struct Policies {
    pub(in crate::cli) policies: Vec<Policy>,
    pub(in crate::cli) policy: PolicySettings,
}

impl Policies {
    /// Those of the configuration.
    pub(super) fn configured(settings: &Settings) -> Result<(Self, Trial), ConfigError> {
        Self::of(&settings.sources().document()?.0)
    }

    /// Those of a document, and ready to be tried out.
    pub(super) fn of(document: &Document) -> Result<(Self, Trial), ConfigError> {
        let policies: Self = document.parse()?;
        let trial = policies.trial().map_err(|error| document.placed(error))?;
        Ok((policies, trial))
    }

    /// Ready to be tried out.
    pub(in crate::cli) fn trial(&self) -> Result<Trial, ConfigError> {
        Ok(Trial {
            entries: policy::build(&self.policies)?,
            settings: policy::settings(&self.policy),
        })
    }
}

/// Policies named on the command line, in place of those of the configuration.
#[derive(Debug, Args)]
pub(super) struct Uses {
    /// A policy that comes with Luthien, in place of those of the configuration; its settings as JSON. May be given several
    /// times.
    #[arg(long = "use", value_name = "NAME[=JSON]")]
    uses: Vec<String>,
}

impl Uses {
    /// These, or those of the configuration. There has to be one.
    pub(super) fn or_configured(&self, settings: &Settings) -> Result<Trial, ConfigError> {
        let (_, trial) = if self.uses.is_empty() {
            Policies::configured(settings)?
        } else {
            Policies::of(&self.document()?)?
        };
        if trial.entries.is_empty() {
            let hint = "name a configuration with `--config FILE`, or a policy with `--use NAME`";
            return Err(ConfigError::new("", "there are no policies").with_hint(hint));
        }
        Ok(trial)
    }

    fn document(&self) -> Result<Document, ConfigError> {
        let uses = self.uses.iter().map(|text| {
            let (name, with) = text.split_once('=').unwrap_or((text, "{}"));
            // A JSON string is a YAML string.
            let name = serde_json::Value::from(name);
            format!("{{ use: {name}, with: {with} }}")
        });
        let list = uses.collect::<Vec<_>>().join(", ");
        let mut document = Document::empty();
        document.set(&["policies".to_owned()], &format!("[{list}]"), "--use")?;
        document.with_files()
    }
}
