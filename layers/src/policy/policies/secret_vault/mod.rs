//! `secret-vault`: the model works with secrets that it never sees.
//!
//! ```yaml
//! - use: secret-vault
//!   with:
//!     environment: [GITHUB_TOKEN, "*_API_KEY"]
//!     files: [.env]
//!     detect: [aws_key, github_token, npm_token]
//! ```
//!
//! On the way up every known secret is replaced by a placeholder, `luthien_secret_known_k3j7x2ab`, wherever text stands: in
//! what the person says, what tools have answered, what the model has said and called before. On the way down the
//! placeholders in the arguments of tool calls become secrets again, and the client runs what the model meant. In text they
//! stay placeholders, unless `restore_in_text` says otherwise: a model that is asked for a secret can reveal none.
//!
//! Known are the values of the named variables and files, read when the configuration is, and what is found of the classes
//! under `detect`. What was found once is a secret of its conversation, and replaced wherever it stands from then on, also
//! where nothing around it says what it is. Values shorter than 8 bytes are not taken: they would be found in other words.
//!
//! A placeholder is the same for the same secret throughout a conversation, so that a provider's cache finds what it has
//! seen, and another in every other. It is made with a random key that this process alone has: nobody can try guesses
//! against it. Which placeholder stands for which secret is held in memory only, up to 256 secrets of a conversation and
//! 1,000 conversations, and overwritten when it is forgotten; a new configuration begins with an empty vault, and what clients
//! send again fills it. Exchanges without a session share one with their caller. When no more fits, the placeholder that is
//! put in place stands for nothing, and the operator is told.
//!
//! A placeholder that nobody has given out is left as it is, and the operator is told. What is put back is put back as it
//! is: whether it must be quoted where it stands, in a shell for one, is the model's affair. What an encoding has changed
//! (base64, the escapes of JSON inside of a text) is not known for a secret.
//!
//! Put it last: the policies before it judge calls with placeholders in them, and no other ever sees the secret. Neither
//! decisions nor events nor explanations hold one.

mod known;
mod placeholder;
mod restore;
mod store;
#[cfg(test)]
mod tests;

use std::{collections::BTreeSet, fmt, path::PathBuf};

use luthien_core::{decision::Severity, request::LlmRequest};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::{
    known::Known,
    restore::{Editor, Unknown, restored},
    store::{Full, SHORTEST, Session, Store},
};
use super::texts;
use crate::policy::{
    Context, Policy, PolicyError, RequestVerdict, TextEditor, ToolCall, Verdict, Watches,
    detect::{Class, Detector},
    registry::{self, BuildError, Builtin},
};

pub(super) const BUILTIN: Builtin = Builtin::new::<Settings>(
    "secret-vault",
    "Shows the model placeholders for secrets, and puts the secrets back into its tool calls.",
    r#"{ environment: [GITHUB_TOKEN, "*_API_KEY"], detect: [github_token] }"#,
);

/// Which secrets are kept from the model.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// Variables of this process's environment whose values are secrets: names, or patterns in which `*` stands for
    /// anything.
    #[serde(default)]
    environment: Vec<String>,
    /// Files of `NAME=value` lines: values that are secrets by their name, or look random.
    #[serde(default)]
    files: Vec<PathBuf>,
    /// Classes of secrets that are kept as soon as one is seen. Those that have check digits or a form of their own, unless
    /// told otherwise.
    #[serde(default = "checked")]
    detect: BTreeSet<Class>,
    /// Whether placeholders become secrets in what the model writes as well.
    #[serde(default)]
    restore_in_text: bool,
}

fn checked() -> BTreeSet<Class> {
    [Class::AwsKey, Class::GithubToken, Class::NpmToken].into()
}

impl registry::Settings for Settings {
    type Policy = SecretVault;

    fn policy(self) -> Result<SecretVault, BuildError> {
        if let Some(class) = self.detect.iter().find(|class| !class.is_secret()) {
            let message = format!("{class} is no secret");
            return Err(BuildError::new("detect", message));
        }
        if self.environment.is_empty() && self.files.is_empty() && self.detect.is_empty() {
            return Err(BuildError::new(
                "",
                "it must know of secrets: by `environment`, `files` or `detect`",
            ));
        }
        let store = Store::new();
        Ok(SecretVault {
            known: Known::read(&self.environment, &self.files)?,
            detector: Detector::new(self.detect.into_iter().collect()),
            restore_in_text: self.restore_in_text,
            store: store
                .map_err(|error| BuildError::new("", format!("there is no randomness: {error}")))?,
        })
    }
}

struct SecretVault {
    known: Known,
    detector: Detector,
    restore_in_text: bool,
    store: Store,
}

impl SecretVault {
    /// Takes in everything that is a secret in a request; answers whether all of it fits.
    fn take_in(&self, request: &LlmRequest, session: &Session) -> Vec<(String, String)> {
        let mut too_many = Vec::new();
        let mut put = |class: &str, secret: &str| {
            if secret.len() < SHORTEST {
                return;
            }
            if let Err(Full(placeholder)) = self.store.put(session, class, secret) {
                too_many.push((secret.to_owned(), placeholder));
            }
        };
        self.known
            .values()
            .for_each(|secret| put(placeholder::KNOWN, secret));
        texts::edit(request, &mut |_, text| {
            for finding in self.detector.find(text) {
                put(
                    finding.class.name(),
                    text.get(finding.span).unwrap_or_default(),
                );
            }
            None
        });
        too_many
    }
}

impl Policy for SecretVault {
    fn watches(&self) -> Watches {
        let text = match self.restore_in_text {
            true => Watches::TEXT_EDITS,
            false => Watches::NOTHING,
        };
        Watches::REQUEST | Watches::TOOL_CALLS | Watches::CHANGES | Watches::CONFIDENTIAL | text
    }

    async fn on_request(
        &self,
        request: &LlmRequest,
        cx: &Context,
    ) -> Result<RequestVerdict, PolicyError> {
        let session = self.store.open(cx.exchange());
        let too_many = self.take_in(request, &session);
        if !too_many.is_empty() {
            let message = format!(
                "the vault is full: {} secrets of this conversation cannot be put back",
                too_many.len()
            );
            cx.emit(Severity::Warning, &message);
        }
        let search = session.search();
        let edits = texts::edit(request, &mut |_, text| {
            let mut hidden = search.as_ref().and_then(|search| search.hide(text));
            for (secret, placeholder) in &too_many {
                let text = hidden.as_deref().unwrap_or(text);
                if text.contains(secret.as_str()) {
                    hidden = Some(text.replace(secret.as_str(), placeholder));
                }
            }
            hidden
        });
        Ok(RequestVerdict::Edit(edits))
    }

    async fn on_tool_call(&self, call: &ToolCall, cx: &Context) -> Result<Verdict, PolicyError> {
        let session = self.store.open(cx.exchange());
        let mut unknown = Unknown::default();
        let changed = texts::in_arguments(call.input(), &mut |text| {
            restored(&session, text, &mut unknown)
        });
        unknown.tell("a tool call", cx);
        Ok(changed.map_or(Verdict::Allow, Verdict::Replace))
    }

    fn text_editor(&self, cx: &Context) -> Option<Box<dyn TextEditor>> {
        let session = self.store.open(cx.exchange());
        Some(Box::new(Editor::new(session, cx.clone())))
    }
}

/// Nothing that it knows.
impl fmt::Debug for SecretVault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretVault")
            .field("known", &self.known)
            .field("store", &self.store)
            .finish_non_exhaustive()
    }
}
