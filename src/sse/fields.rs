use bytes::{Bytes, BytesMut};
use memchr::{memchr, memchr2};

/// What one frame says. See the [module docs](super).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields {
    event: Option<Bytes>,
    data: Option<Bytes>,
}

impl Fields {
    /// Reads a frame of a [`Framer`](super::Framer). `first` says whether it opens the stream: only there is a byte
    /// order mark not part of a field's name.
    pub fn read(frame: &Bytes, first: bool) -> Self {
        let mut fields = Self::default();
        let mut rest = frame.as_ref();
        if first {
            rest = rest.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(rest);
        }
        let mut lines: Option<BytesMut> = None;
        while !rest.is_empty() {
            // A CRLF is read as two line ends; the blank line between them says nothing.
            let end = memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
            let (line, tail) = rest.split_at(end);
            rest = tail.get(1..).unwrap_or_default();
            let (name, value) = match memchr(b':', line) {
                Some(colon) => {
                    let (name, value) = line.split_at(colon);
                    let value = value.get(1..).unwrap_or_default();
                    (name, value.strip_prefix(b" ").unwrap_or(value))
                }
                None => line.split_at(line.len()),
            };
            match name {
                b"event" => fields.event = Some(frame.slice_ref(value)),
                b"data" => match (&mut lines, &fields.data) {
                    (None, None) => fields.data = Some(frame.slice_ref(value)),
                    (None, Some(first)) => {
                        let joined = lines.insert(BytesMut::from(&first[..]));
                        joined.extend_from_slice(b"\n");
                        joined.extend_from_slice(value);
                    }
                    (Some(joined), _) => {
                        joined.extend_from_slice(b"\n");
                        joined.extend_from_slice(value);
                    }
                },
                // `id`, `retry`, comments (an empty name) and names nobody knows.
                _ => {}
            }
        }
        if let Some(lines) = lines {
            fields.data = Some(lines.freeze());
        }
        fields
    }

    /// The event's name, the last one if it stands several times.
    pub fn event(&self) -> Option<&[u8]> {
        self.event.as_deref()
    }

    /// The event's data, its lines joined by LF. `None` if there is no such line: such a frame (a comment, say) is
    /// no event.
    pub fn data(&self) -> Option<&Bytes> {
        self.data.as_ref()
    }
}
