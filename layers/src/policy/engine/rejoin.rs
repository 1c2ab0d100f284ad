use bytes::Bytes;
use luthien_core::body::Chunk;

/// Frames that were taken apart, and are put together again if all their pieces go out one behind the other, unchanged: then
/// the bytes that came go out. Only Chat has frames that speak of several blocks.
#[derive(Default)]
pub(super) struct Rejoin {
    apart: Vec<(Chunk, Vec<Bytes>)>,
}

impl Rejoin {
    /// Notes that a frame was taken apart.
    pub(super) fn note(&mut self, whole: &Chunk, pieces: &[Chunk]) {
        let pieces = pieces.iter().map(|piece| piece.bytes().clone());
        self.apart.push((whole.clone(), pieces.collect()));
    }

    /// Hands out what goes out, whole where it can be.
    pub(super) fn drain(&mut self, out: &mut Vec<Chunk>, mut send: impl FnMut(Chunk)) {
        if self.apart.is_empty() {
            out.drain(..).for_each(send);
            return;
        }
        let mut rest = std::mem::take(out).into_iter().peekable();
        while let Some(chunk) = rest.next() {
            let begun = |(_, pieces): &(Chunk, Vec<Bytes>)| {
                pieces.first().is_some_and(|piece| is_same(piece, &chunk))
            };
            let Some(place) = self.apart.iter().position(begun) else {
                send(chunk);
                continue;
            };
            let (whole, pieces) = self.apart.swap_remove(place);
            let mut sent = vec![chunk];
            for piece in pieces.iter().skip(1) {
                match rest.next_if(|next| is_same(piece, next)) {
                    Some(next) => sent.push(next),
                    None => break,
                }
            }
            if sent.len() == pieces.len() {
                send(whole);
            } else {
                sent.into_iter().for_each(&mut send);
            }
        }
    }
}

/// Whether it is the very piece, not one that says the same.
fn is_same(piece: &Bytes, chunk: &Chunk) -> bool {
    piece.as_ptr() == chunk.bytes().as_ptr() && piece.len() == chunk.bytes().len()
}
