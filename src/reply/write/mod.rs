//! Replies written anew: what is judged, changed and added, in the words of each dialect.
//!
//! [`StreamWriter`] writes the events of a stream, [`rewrite_whole`] a reply that is not streamed, [`Answer`] one that no
//! model has given. All three leave every byte alone that nobody changed.

mod answer;
mod stream;
#[cfg(test)]
mod tests;
mod whole;

pub use answer::Answer;
pub(crate) use stream::Encode;
pub use stream::StreamWriter;
pub(crate) use whole::Plan;
pub use whole::{Changes, rewrite_whole};
