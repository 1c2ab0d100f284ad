//! OpenAI Chat Completions: <https://platform.openai.com/docs/api-reference/chat>.

pub(super) mod answer;
mod edit;
mod lanes;
pub(super) mod reply;
pub(super) mod request;
mod split;
pub(super) mod whole;
pub(super) mod write;
