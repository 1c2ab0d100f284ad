//! OpenAI Responses: <https://platform.openai.com/docs/api-reference/responses>.

pub(super) mod reply;
pub(super) mod request;
