//! What models like to write, mended while it flows: each by a fixed list of words and signs, so that the same text is always
//! changed alike. They are conservative: what may mean something stays, code stays as it is, and no text is left empty.

pub mod block_web_requests;
mod editor;
mod markdown;
pub mod no_apologies;
pub mod no_yapping;
mod phrase;
pub mod plain_dashes;
pub mod prefer_uv;
mod sentences;
#[cfg(test)]
mod tests;
#[cfg(feature = "guards")]
mod uv_calls;
