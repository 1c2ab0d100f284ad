//! From what was kept of a request back to its bytes.

use std::collections::HashMap;

use bytes::{Bytes, BytesMut};

use super::{ContentHash, Frame, Mark, Message, Node, Piece, Request};

/// What a request was made of cannot be found.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JoinError {
    /// A content, or a message, is gone: its retention is over, or the record was changed.
    #[error("{0} is not in the record")]
    Missing(ContentHash),
    /// The frame cannot be read.
    #[error("the frame of the request cannot be read")]
    Frame,
    /// It does not come out as long as it was.
    #[error("the request was {expected} bytes long, and what is left of it {found}")]
    Length {
        /// As it was sent.
        expected: u64,
        /// As it came out.
        found: u64,
    },
}

/// What a request is put together of.
#[derive(Clone, Debug, Default)]
pub struct Parts {
    /// Contents by their hashes.
    pub contents: HashMap<ContentHash, Bytes>,
    /// The way from the first message to the last.
    pub path: Vec<(Node, Message)>,
}

/// The bytes of a request, as they were sent.
///
/// # Errors
///
/// If something is missing, or does not fit.
pub fn join(request: &Request, parts: &Parts) -> Result<Bytes, JoinError> {
    let content = |hash: ContentHash| parts.contents.get(&hash).ok_or(JoinError::Missing(hash));
    let frame = content(request.frame.unwrap_or(ContentHash::NONE))?;
    let frame: Frame = serde_json::from_slice(frame).map_err(|_| JoinError::Frame)?;
    let mut bytes = BytesMut::new();
    for piece in &frame.pieces {
        match piece {
            Piece::Text(text) => bytes.extend_from_slice(text.as_bytes()),
            Piece::Content(hash) => bytes.extend_from_slice(content(*hash)?),
            Piece::Messages => {
                for (node, message) in &parts.path {
                    let usual = if node.depth == 0 { "" } else { "," };
                    let gap = node.gap.as_deref().unwrap_or(usual);
                    bytes.extend_from_slice(gap.as_bytes());
                    bytes.extend_from_slice(&whole(
                        message,
                        node.depth,
                        &request.marks,
                        &parts.contents,
                    )?);
                }
            }
        }
    }
    let found = bytes.len() as u64;
    if found != request.bytes {
        let expected = request.bytes;
        return Err(JoinError::Length { expected, found });
    }
    Ok(bytes.freeze())
}

/// A message with what was cut out of it.
fn whole(
    message: &Message,
    place: u32,
    marks: &[Mark],
    contents: &HashMap<ContentHash, Bytes>,
) -> Result<Bytes, JoinError> {
    let marks = marks.iter().filter(|mark| mark.message == place);
    let marks = marks.map(|mark| Ok((mark.at as usize, mark.text.as_bytes())));
    let media = message.media.iter().map(|medium| {
        let content = contents.get(&medium.content);
        Ok((
            medium.at,
            &content.ok_or(JoinError::Missing(medium.content))?[..],
        ))
    });
    let mut cuts = marks.chain(media).collect::<Result<Vec<_>, JoinError>>()?;
    if cuts.is_empty() {
        return Ok(message.body.clone());
    }
    cuts.sort_by_key(|(at, _)| *at);
    let mut bytes = BytesMut::new();
    let mut from = 0;
    for (at, text) in cuts {
        bytes.extend_from_slice(message.body.get(from..at).ok_or(JoinError::Frame)?);
        bytes.extend_from_slice(text);
        from = at;
    }
    bytes.extend_from_slice(message.body.get(from..).ok_or(JoinError::Frame)?);
    Ok(bytes.freeze())
}
