//! Anthropic Messages: <https://docs.claude.com/en/api/messages>.

pub(super) mod answer;
pub(super) mod reject;
pub(super) mod reply;
pub(super) mod request;
pub(super) mod whole;
pub(super) mod write;
