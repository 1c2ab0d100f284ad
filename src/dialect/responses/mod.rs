//! OpenAI Responses: <https://platform.openai.com/docs/api-reference/responses>.

pub(super) mod answer;
mod failed;
mod item;
pub(super) mod reply;
pub(super) mod request;
pub(super) mod whole;
pub(super) mod write;

pub(super) use failed::failed;
