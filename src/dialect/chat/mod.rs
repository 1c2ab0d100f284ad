//! OpenAI Chat Completions: <https://platform.openai.com/docs/api-reference/chat>.

pub(super) mod reply;
pub(super) mod request;
