use bytes::{Bytes, BytesMut};
use memchr::{memchr, memchr2};

/// The frame with other data: in the place of its first `data` line; further ones go. All other lines, and the ends of
/// lines, stay as they are. `first` says whether the frame opens the stream.
///
/// Line feeds in `data` become spaces: it is JSON, in which they can only be white space.
pub(crate) fn with_data(frame: &Bytes, first: bool, data: &[u8]) -> Bytes {
    let mut edited = BytesMut::with_capacity(frame.len() + data.len());
    let mut rest = frame.as_ref();
    if let (true, Some(stripped)) = (first, rest.strip_prefix(BYTE_ORDER_MARK)) {
        edited.extend_from_slice(BYTE_ORDER_MARK);
        rest = stripped;
    }
    let mut is_written = false;
    while !rest.is_empty() {
        let end = memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
        let (line, tail) = rest.split_at(end);
        let ending = match tail {
            [b'\r', b'\n', ..] => 2,
            [] => 0,
            _ => 1,
        };
        let (ending, tail) = tail.split_at_checked(ending).unwrap_or_default();
        rest = tail;
        let name = memchr(b':', line).map_or(line, |colon| line.get(..colon).unwrap_or_default());
        if name != b"data" {
            edited.extend_from_slice(line);
        } else if !is_written {
            is_written = true;
            let spaced = line.starts_with(b"data: ");
            edited.extend_from_slice(if spaced { b"data: " } else { b"data:" });
            let bytes = data.iter().map(|byte| match byte {
                b'\n' => b' ',
                byte => *byte,
            });
            edited.extend(bytes);
        } else {
            continue;
        }
        edited.extend_from_slice(ending);
    }
    edited.freeze()
}

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";
