//! Which model is asked, and what is remembered of its answers.

use std::{sync::Arc, time::Duration};

use luthien_core::{Dialect, decision::Consulted, reply::Usage};
use moka::sync::Cache;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::policy::{
    Context, JudgeCredential, JudgeError, PolicyError, Question, registry::BuildError,
};

/// How long a judge may take, unless the configuration says otherwise.
pub(super) const DEADLINE: Duration = Duration::from_secs(20);

/// The dialect in which the model is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum AskedIn {
    /// Anthropic Messages.
    Anthropic,
    /// OpenAI Chat Completions.
    Chat,
    /// OpenAI Responses.
    Responses,
}

/// Whose credential the question goes up with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Pays {
    /// That of the upstream's configuration.
    #[default]
    Upstream,
    /// That of the client whose exchange is judged.
    Caller,
}

/// The model that is asked, what it is told to do, and what it has answered before.
pub(super) struct Asking {
    pub(super) upstream: Option<Arc<str>>,
    pub(super) model: Arc<str>,
    pub(super) dialect: Dialect,
    pub(super) credential: JudgeCredential,
    pub(super) instructions: String,
    /// The form of the answer.
    pub(super) answer: Value,
    pub(super) max_tokens: u32,
    pub(super) cache: Option<Cache<[u8; 32], Arc<str>>>,
}

/// Answers are kept for so long,
const KEPT: Duration = Duration::from_secs(10 * 60);
/// and so many of them.
const MOST: u64 = 10_000;

impl Asking {
    /// A model of this name, asked in this dialect, or in that which its name suggests.
    pub(super) fn new(model: &str, dialect: Option<AskedIn>) -> Result<Self, BuildError> {
        if model.trim().is_empty() {
            return Err(BuildError::new("model", "it must name a model"));
        }
        let dialect = match dialect {
            Some(AskedIn::Anthropic) => Dialect::Anthropic,
            Some(AskedIn::Responses) => Dialect::Responses,
            None if model.starts_with("claude") => Dialect::Anthropic,
            Some(AskedIn::Chat) | None => Dialect::Chat,
        };
        Ok(Self {
            upstream: None,
            model: model.into(),
            dialect,
            credential: JudgeCredential::Upstream,
            instructions: String::new(),
            answer: Value::Null,
            max_tokens: 512,
            cache: Some(
                Cache::builder()
                    .max_capacity(MOST)
                    .time_to_live(KEPT)
                    .build(),
            ),
        })
    }

    pub(super) fn paid_by(&mut self, pays: Pays) {
        self.credential = match pays {
            Pays::Upstream => JudgeCredential::Upstream,
            Pays::Caller => JudgeCredential::Caller,
        };
    }

    /// Asks about `content`. An answer of a form that `T` is not is a failure, and is not kept.
    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        content: Value,
        cx: &Context,
    ) -> Result<T, PolicyError> {
        let question = Question {
            dialect: self.dialect,
            upstream: self.upstream.clone(),
            model: self.model.clone(),
            credential: self.credential,
            instructions: self.instructions.clone(),
            content,
            answer: self.answer.clone(),
            max_tokens: self.max_tokens,
        };
        let key = self.key(&question);
        let known = self.cache.as_ref().and_then(|cache| cache.get(&key));
        if let Some(json) = known {
            let answer = read(&json)?;
            cx.note_consulted(Consulted {
                model: question.model,
                asked: question.content.to_string().into(),
                answered: json,
                usage: Usage::default(),
                latency: Duration::ZERO,
                cached: true,
            });
            return Ok(answer);
        }
        let json: Arc<str> = cx.ask_model(&question).await?.json.into();
        let answer = read(&json)?;
        if let Some(cache) = &self.cache {
            cache.insert(key, json);
        }
        Ok(answer)
    }

    /// Equal for equal questions. Whose credential pays makes no other answer.
    fn key(&self, question: &Question) -> [u8; 32] {
        let mut hash = Sha256::new();
        let content = question.content.to_string();
        let upstream = question.upstream.as_deref().unwrap_or_default();
        for part in [upstream, &self.model, &self.instructions, &content] {
            hash.update(part.len().to_le_bytes());
            hash.update(part);
        }
        hash.finalize().into()
    }
}

fn read<T: DeserializeOwned>(json: &str) -> Result<T, PolicyError> {
    serde_json::from_str(json).map_err(|_| {
        JudgeError::Form("its answer lacks what was asked for, or has it wrong").into()
    })
}
