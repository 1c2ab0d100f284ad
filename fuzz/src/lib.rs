//! What must hold for any bytes at all. Each module is the heart of one target and panics where a property breaks.
//!
//! An input is the text itself, without a header that says how to cut it or what to change: so recorded replies and
//! requests are seeds as they are, and a finding can be read. What else a check needs is drawn from a [`Dice`] that the
//! bytes have seeded.
#![forbid(unsafe_code)]

pub mod detect;
pub mod edit;
pub mod effects;
mod events;
pub mod expression;
pub mod json;
pub mod policy;
pub mod prose;
pub mod reply;
pub mod request;
pub mod sse;

use bytes::Bytes;
use luthien_core::{json::Json, testing::cut};

/// Numbers that are the same for the same bytes.
struct Dice(u64);

impl Dice {
    fn of(data: &[u8]) -> Self {
        // FNV-1a, stirred: inputs that differ in one bit should not be cut alike.
        let hash = data.iter().fold(0xCBF2_9CE4_8422_2325, |hash: u64, &byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
        });
        Self(hash)
    }

    /// A number from 0 up to `end`, which is not among them; 0 if `end` is.
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut stirred = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        stirred = (stirred ^ (stirred >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        let stirred = usize::try_from((stirred ^ (stirred >> 31)) >> 1).unwrap_or(0);
        stirred.checked_rem(end).unwrap_or(0)
    }
}

/// How many bytes are delivered one by one. More would be slow, and find nothing that fewer do not.
const SINGLE: usize = 200;

/// `data` as networks may deliver it: in one piece, byte by byte somewhere, in pieces of all sizes, in two with nothing
/// between.
fn cuttings(data: &[u8], dice: &mut Dice) -> Vec<Vec<Bytes>> {
    let bytes = Bytes::copy_from_slice(data);
    let single = dice.below(data.len().saturating_sub(SINGLE) + 1);
    let end = data.len().min(single + SINGLE);
    let mut singles = vec![bytes.slice(..single)];
    singles.extend((single..end).map(|at| bytes.slice(at..=at)));
    singles.push(bytes.slice(end..));
    let mut cuttings = vec![
        vec![bytes.clone()],
        singles,
        cut(&bytes, dice.below(usize::MAX) as u64),
    ];
    for _ in 0..2 {
        let at = dice.below(data.len() + 1);
        cuttings.push(vec![bytes.slice(..at), Bytes::new(), bytes.slice(at..)]);
    }
    cuttings
}

/// Every value of a document, in the order of the text.
fn all_values<'a>(root: Json<'a>) -> Vec<Json<'a>> {
    let mut values = Vec::new();
    let mut left = vec![root];
    while let Some(json) = left.pop() {
        values.push(json);
        let below = left.len();
        left.extend(json.items());
        left.extend(json.members().map(|(_, value)| value));
        if let Some(below) = left.get_mut(below..) {
            below.reverse();
        }
    }
    values
}
