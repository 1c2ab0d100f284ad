//! Rows of the tables: written when something is recorded, answered when somebody asks.

use std::collections::BTreeMap;

use serde::Serialize;

use super::engine::{Row, Value};

/// A column of a row.
pub(super) trait Column: Sized {
    fn value(&self) -> Value;
    fn read(row: &Row, at: usize) -> Option<Self>;
}

macro_rules! columns {
    ($($type:ty: $read:ident),* $(,)?) => {$(
        impl Column for $type {
            fn value(&self) -> Value {
                self.clone().into()
            }

            fn read(row: &Row, at: usize) -> Option<Self> {
                row.$read(at)
            }
        }

        impl Column for Option<$type> {
            fn value(&self) -> Value {
                self.clone().into()
            }

            fn read(row: &Row, at: usize) -> Option<Self> {
                Some(row.$read(at))
            }
        }
    )*};
}

columns!(i64: int, bool: flag, String: string);

/// Names with something to each, in a column as JSON.
impl<T: Serialize + serde::de::DeserializeOwned> Column for BTreeMap<String, T> {
    fn value(&self) -> Value {
        serde_json::to_string(self).unwrap_or_default().into()
    }

    fn read(row: &Row, at: usize) -> Option<Self> {
        serde_json::from_str(row.text(at)?).ok()
    }
}

/// Names, in a column as JSON.
impl Column for Vec<String> {
    fn value(&self) -> Value {
        serde_json::to_string(self).unwrap_or_default().into()
    }

    fn read(row: &Row, at: usize) -> Option<Self> {
        serde_json::from_str(row.text(at)?).ok()
    }
}

macro_rules! row {
    ($(#[$of:meta])* $name:ident { $($(#[$about:meta])* $visible:vis $field:ident: $type:ty,)* }) => {
        $(#[$of])*
        #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
        #[non_exhaustive]
        pub struct $name { $($(#[$about])* $visible $field: $type,)* }

        impl $name {
            pub(super) const COLUMNS: &'static [&'static str] = &[$(stringify!($field)),*];

            pub(super) fn values(&self) -> Vec<Value> {
                vec![$(self.$field.value()),*]
            }

            /// Reads a row whose columns from `at` on are these.
            pub(super) fn read(row: &Row, at: usize) -> Option<Self> {
                let mut places = at..;
                Some(Self { $($field: Column::read(row, places.next()?)?),* })
            }
        }
    };
}

row! {
    /// A conversation: all that was exchanged under one name.
    SessionRow {
        #[serde(skip)]
        pub(super) number: i64,
        /// The name that its client gives it; or, if it gives none, `tree-` and 16 digits that are made out of the caller and
        /// its first message.
        pub session_id: String,
        /// When it began, in microseconds since 1970.
        pub first_at: i64,
        /// When something happened last.
        pub last_at: i64,
        /// How many exchanges it consists of.
        pub transactions: i64,
        /// The models asked for.
        pub models: Vec<String>,
        /// The people.
        pub users: Vec<String>,
        /// How many exchanges ended how.
        pub endings: BTreeMap<String, i64>,
        /// The program that has asked first.
        pub client: Option<String>,
        /// All that went in.
        pub input_tokens: i64,
        /// All that came out.
        pub output_tokens: i64,
        /// Of the input, what the provider had cached.
        pub cache_read_tokens: i64,
        /// Of the input, what the provider put into its cache.
        pub cache_write_tokens: i64,
        /// Of the output, what was spent on reasoning.
        pub reasoning_tokens: i64,
        /// What is known to have been paid, in millionths of a dollar.
        pub cost_micros: i64,
        /// How many exchanges ended of which nobody knows what they cost.
        pub unpriced: i64,
        /// How many decisions allowed.
        pub allowed: i64,
        /// How many changed something, and took effect.
        pub modified: i64,
        /// How many refused something, and took effect.
        pub blocked: i64,
        /// How many asked somebody, and took effect.
        pub asked: i64,
        /// How many policies failed.
        pub failed: i64,
        /// How many policies were skipped.
        pub skipped: i64,
        /// The person's first words.
        pub preview: Option<String>,
    }
}

row! {
    /// An exchange: a request and its reply. What is `None` is not known, or not yet.
    TransactionRow {
        #[serde(skip)]
        pub(super) number: i64,
        /// The id that its client was told.
        pub transaction_id: String,
        #[serde(skip)]
        pub(super) session_number: Option<i64>,
        /// The person.
        pub user_id: Option<String>,
        /// Whether somebody trusted says so.
        pub user_trusted: Option<bool>,
        /// The public part of the key, or the fingerprint of the credential.
        pub caller: Option<String>,
        /// The key's name.
        pub key_name: Option<String>,
        /// The program that asks.
        pub client: Option<String>,
        /// Where it connected from.
        pub address: Option<String>,
        /// `anthropic`, `chat` or `responses`.
        pub dialect: Option<String>,
        /// The HTTP method.
        pub method: Option<String>,
        /// The path.
        pub path: Option<String>,
        /// The model asked for.
        pub model: Option<String>,
        /// The model that answered.
        pub answered_model: Option<String>,
        /// `turn`, `sub_agent`, `probe`, `title`, `compaction` or `token_count`.
        pub purpose: Option<String>,
        /// The sub-agent's name.
        pub agent: Option<String>,
        /// Whether a stream was asked for.
        pub stream: Option<bool>,
        /// When it was asked, in microseconds since 1970.
        pub started_at: Option<i64>,
        /// From then to the first byte of the reply, in microseconds.
        pub first_byte_us: Option<i64>,
        /// From then to the end of the reply, in microseconds.
        pub duration_us: Option<i64>,
        /// When it ended, in microseconds since 1970.
        pub ended_at: Option<i64>,
        /// How it ended, in one word.
        pub ending: Option<String>,
        /// The code of a refusal, or the provider's word for its error.
        pub reason: Option<String>,
        /// The HTTP status.
        pub status: Option<i64>,
        /// Which upstream answered.
        pub upstream: Option<String>,
        /// How many were tried.
        pub attempts: Option<i64>,
        /// Why the model stopped.
        pub stop_reason: Option<String>,
        /// All that went in.
        pub input_tokens: Option<i64>,
        /// All that came out.
        pub output_tokens: Option<i64>,
        /// Of the input, what the provider had cached.
        pub cache_read_tokens: Option<i64>,
        /// Of the input, what the provider put into its cache.
        pub cache_write_tokens: Option<i64>,
        /// Of the output, what was spent on reasoning.
        pub reasoning_tokens: Option<i64>,
        /// What it cost, in millionths of a dollar.
        pub cost_micros: Option<i64>,
        /// How long the request was.
        pub request_bytes: Option<i64>,
        /// How many messages it had.
        pub request_messages: Option<i64>,
        #[serde(skip)]
        pub(super) head_number: Option<i64>,
        #[serde(skip)]
        pub(super) frame_number: Option<i64>,
        #[serde(skip)]
        pub(super) sent_head_number: Option<i64>,
        #[serde(skip)]
        pub(super) sent_frame_number: Option<i64>,
        #[serde(skip)]
        pub(super) follows_number: Option<i64>,
        #[serde(skip)]
        pub(super) shared_messages: Option<i64>,
        #[serde(skip)]
        pub(super) reply_number: Option<i64>,
        /// How long the reply was.
        pub reply_bytes: Option<i64>,
        #[serde(skip)]
        pub(super) provider_reply_number: Option<i64>,
        /// Whether bodies are missing that there was no room for.
        pub shed: Option<bool>,
        /// How many decisions allowed.
        pub allowed: i64,
        /// How many changed something.
        pub modified: i64,
        /// How many refused something.
        pub blocked: i64,
        /// How many asked somebody.
        pub asked: i64,
        /// How many policies failed.
        pub failed: i64,
        /// How many policies were skipped.
        pub skipped: i64,
    }
}

row! {
    /// A person.
    UserRow {
        /// The name or number.
        pub user_id: String,
        /// Whether somebody trusted has said so at least once.
        pub trusted: bool,
        /// When there was the first exchange, in microseconds since 1970.
        pub first_at: i64,
        /// When something happened last.
        pub last_at: i64,
        /// How many exchanges there were.
        pub transactions: i64,
        /// All that went in.
        pub input_tokens: i64,
        /// All that came out.
        pub output_tokens: i64,
        /// What is known to have been paid, in millionths of a dollar.
        pub cost_micros: i64,
        /// How many exchanges ended of which nobody knows what they cost.
        pub unpriced: i64,
    }
}

row! {
    /// What a policy decided.
    DecisionRow {
        /// The exchange.
        pub transaction_id: String,
        /// The event that tells all of it.
        pub sequence: i64,
        /// Names the decision, as its client was told.
        pub decision_id: String,
        /// The policy's name in the configuration.
        pub policy: String,
        /// The version of the policy and its settings.
        pub version: String,
        /// `enforce`, `warn`, `observe` or `shadow`.
        pub mode: String,
        /// `request`, `text`, `thinking`, `tool_call` or `end`.
        pub phase: String,
        /// The block's place in the reply.
        pub block: Option<i64>,
        /// The tool.
        pub tool: Option<String>,
        /// `allow`, `modify`, `block`, `ask`, `failed` or `skipped`.
        pub outcome: String,
        /// Why it failed, or was skipped.
        pub cause: Option<String>,
        /// Whether the client saw the consequence.
        pub applied: bool,
        /// A word for programs.
        pub code: String,
        /// Why, for the operator.
        pub reason: String,
        /// `info`, `warning` or `critical`.
        pub severity: String,
        /// How long it took, in microseconds.
        pub latency_us: i64,
    }
}

row! {
    /// A call of a tool.
    CallRow {
        /// The exchange.
        pub transaction_id: String,
        /// Its place among the calls of the reply.
        pub place: i64,
        /// What its result refers to.
        pub call_id: Option<String>,
        /// The tool.
        pub name: String,
        /// The block's place in the reply.
        pub block: i64,
        #[serde(skip)]
        pub(super) message_number: Option<i64>,
        /// The input, if policies took the call out of the reply. What went out stands in the reply.
        pub input: Option<String>,
        /// The gravest decision about it.
        pub outcome: Option<String>,
        #[serde(skip)]
        pub(super) result_message_number: Option<i64>,
    }
}

/// An event as it lies in the database.
#[derive(Clone, Debug)]
pub(super) struct EventRow {
    pub(super) transaction_id: String,
    pub(super) sequence: i64,
    pub(super) event: &'static str,
    pub(super) at: i64,
    pub(super) payload: Vec<u8>,
    pub(super) link_number: i64,
    pub(super) hash: Vec<u8>,
}
