//! Anthropic Messages: <https://docs.claude.com/en/api/messages>.

pub(super) mod reject;
pub(super) mod reply;
pub(super) mod request;
