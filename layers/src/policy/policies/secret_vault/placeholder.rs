//! What stands in place of a secret: `luthien_secret_<class>_<8 characters>`. All of it are characters that no shell, no URL
//! and no JSON changes.

use std::ops::Range;

use hmac::{Hmac, KeyInit, Mac};
use luthien_core::BoxError;
use secrecy::{ExposeSecret, SecretSlice};
use sha2::Sha256;

use crate::policy::detect::Class;

const BEGINS: &str = "luthien_secret_";
/// How many characters tell one from another: 40 bits.
const LENGTH: usize = 8;
const ALPHABET: [char; 32] = [
    'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', 'p', 'q', 'r', 's',
    't', 'u', 'v', 'w', 'x', 'y', 'z', '2', '3', '4', '5', '6', '7',
];
/// The word for a secret that was named, not found by its class.
pub(super) const KNOWN: &str = "known";
/// The longest there is.
pub(super) const LONGEST: usize = BEGINS.len() + 24 + 1 + LENGTH;

/// What placeholders are made with. Random, so that nobody can try guesses at a secret against its placeholder.
pub(super) struct Key(SecretSlice<u8>);

impl Key {
    pub(super) fn random() -> Result<Self, BoxError> {
        let mut key = vec![0; 32];
        getrandom::fill(&mut key)?;
        Ok(Self(SecretSlice::from(key)))
    }

    /// The placeholder of a secret in a conversation; another for each `attempt`.
    pub(super) fn placeholder(
        &self,
        session: &[&str],
        class: &str,
        secret: &str,
        attempt: u8,
    ) -> Option<String> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.expose_secret()).ok()?;
        for part in session.iter().chain(&[class, secret]) {
            mac.update(&part.len().to_be_bytes());
            mac.update(part.as_bytes());
        }
        mac.update(&[attempt]);
        let tag = mac.finalize().into_bytes();
        let bits = tag
            .iter()
            .take(5)
            .fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
        let mut placeholder = format!("{BEGINS}{class}_");
        for place in 0..LENGTH {
            let digit = usize::try_from(bits >> (5 * place) & 31).ok()?;
            placeholder.push(*ALPHABET.get(digit)?);
        }
        Some(placeholder)
    }
}

/// Where placeholders stand in a text.
pub(super) fn find(text: &str) -> Vec<Range<usize>> {
    let begins = memchr::memmem::find_iter(text.as_bytes(), BEGINS);
    begins
        .filter_map(|start| Some(start..start + length(text.get(start..)?)?))
        .collect()
}

/// From where on the end of a text may be the beginning of a placeholder.
pub(super) fn begun(text: &str) -> usize {
    // The last letters of one that is complete may look like the first of another.
    let complete = find(text).last().map_or(0, |span| span.end);
    let from = text.floor_char_boundary(text.len().saturating_sub(LONGEST - 1));
    let from = from.max(complete);
    let tail = text.get(from..).unwrap_or_default();
    let may_be = |place: &usize| {
        let rest = tail.get(*place..).unwrap_or_default();
        let has_begun = BEGINS.starts_with(rest) || rest.starts_with(BEGINS);
        has_begun && length(rest).is_none() && rest.bytes().all(is_part)
    };
    let begun = memchr::memchr_iter(b'l', tail.as_bytes()).find(may_be);
    begun.map_or(text.len(), |begun| from + begun)
}

fn is_part(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_')
}

/// How long the placeholder is that a text begins with.
fn length(text: &str) -> Option<usize> {
    let rest = text.strip_prefix(BEGINS)?;
    let classes = Class::ALL.into_iter().map(Class::name);
    classes.chain([KNOWN]).find_map(|class| {
        let tag = rest.strip_prefix(class)?.strip_prefix('_')?.get(..LENGTH)?;
        let is_tag = tag.chars().all(|character| ALPHABET.contains(&character));
        is_tag.then_some(BEGINS.len() + class.len() + 1 + LENGTH)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_placeholder_is_found_wherever_it_stands_and_however_it_came() {
        let key = Key::random().unwrap();
        let made = key.placeholder(&["a", "s"], "aws_key", "hush", 0).unwrap();
        assert!(made.starts_with("luthien_secret_aws_key_") && made.len() <= LONGEST);
        let text = format!("é{made}{made}_x luthien_secret_nothing_abcdefgh luthien_secret_");
        let found = find(&text);
        assert_eq!(found.len(), 2);
        assert!(found.iter().all(|span| text[span.clone()] == made));
        for end in 1..made.len() {
            let text = format!("see {}", &made[..end]);
            assert_eq!(begun(&text), 4, "{text}");
        }
        assert_eq!(begun(&format!("see {made}")), 4 + made.len());
        // A letter of its own, and the longest there is.
        for end in ["l", "lu"] {
            let made = format!("{}{end}", &made[..made.len() - end.len()]);
            assert_eq!(begun(&format!("see {made}")), 4 + made.len(), "{made}");
            assert_eq!(begun(&format!("{made}lu")), made.len(), "{made}");
        }
        assert_eq!(begun("all is well. luthien is here"), 28);
    }

    #[test]
    fn it_is_the_same_for_the_same_secret_in_one_conversation_and_for_no_other() {
        let key = Key::random().unwrap();
        let make = |session: &[&str], secret| key.placeholder(session, KNOWN, secret, 0).unwrap();
        let made = make(&["a", "s"], "hush");
        assert_eq!(made, make(&["a", "s"], "hush"));
        assert_ne!(made, make(&["a", "t"], "hush"));
        assert_ne!(made, make(&["as", ""], "hush"));
        assert_ne!(made, make(&["a", "s"], "hush2"));
        let other = Key::random().unwrap();
        assert_ne!(
            made,
            other.placeholder(&["a", "s"], KNOWN, "hush", 0).unwrap()
        );
    }
}
