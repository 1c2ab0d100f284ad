//! Reading a text that may go on.

/// A set of bytes.
pub(super) struct Set([bool; 256]);

impl Set {
    /// The bytes of `chars`, in which `a-z` means those between; a `-` at the end means itself.
    #[allow(
        clippy::indexing_slicing,
        reason = "the compiler evaluates it, and would say so"
    )]
    pub(super) const fn of(chars: &[u8]) -> Self {
        let mut set = [false; 256];
        let mut at = 0;
        while at < chars.len() {
            if at + 2 < chars.len() && chars[at + 1] == b'-' {
                let mut byte = chars[at];
                while byte <= chars[at + 2] {
                    set[byte as usize] = true;
                    byte += 1;
                }
                at += 3;
            } else {
                set[chars[at] as usize] = true;
                at += 1;
            }
        }
        Self(set)
    }

    /// The same, and all that is not ASCII.
    #[allow(
        clippy::indexing_slicing,
        reason = "the compiler evaluates it, and would say so"
    )]
    pub(super) const fn and_beyond(mut self) -> Self {
        let mut byte = 128;
        while byte < 256 {
            self.0[byte] = true;
            byte += 1;
        }
        self
    }

    pub(super) fn has(&self, byte: u8) -> bool {
        self.0.get(usize::from(byte)).copied().unwrap_or(false)
    }
}

pub(super) static ALNUM: Set = Set::of(b"A-Za-z0-9");
pub(super) static WORD: Set = Set::of(b"A-Za-z0-9_-");
pub(super) static HEX: Set = Set::of(b"0-9a-f");

/// A text, of which the end may not have come yet.
#[derive(Clone, Copy)]
pub(super) struct Text<'a> {
    pub(super) bytes: &'a [u8],
    /// Nothing before this place is looked for any more: it is there to be looked back at.
    pub(super) from: usize,
    /// Whether nothing will follow.
    pub(super) last: bool,
}

/// What a matcher says of a place.
pub(super) enum Step {
    /// Nothing begins here.
    No,
    /// It depends on what follows.
    More,
    Found(Span),
}

/// Something found.
#[derive(Clone, Copy)]
pub(super) struct Span {
    /// Where it has to be searched from to be found.
    pub(super) seen_from: usize,
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) class: super::Class,
    /// Whether it is longer than a matcher waits for.
    pub(super) is_long: bool,
    /// What belongs to it of what follows, if it has not ended.
    pub(super) rest: Option<Rest>,
}

/// How a thing that is longer than can be waited for goes on.
#[derive(Clone, Copy)]
pub(super) enum Rest {
    /// By these bytes.
    Of(&'static Set),
    /// As an armoured key does.
    Armour,
}

/// Bytes of a set, one after the other.
pub(super) struct Run<'a> {
    pub(super) start: usize,
    /// What matchers judge by: as many of them as they read.
    pub(super) head: &'a [u8],
    /// Where those end.
    pub(super) end: usize,
    /// More may follow, and would matter.
    pub(super) is_open: bool,
    /// There are more than matchers read.
    pub(super) is_long: bool,
}

impl Span {
    /// One that has ended.
    pub(super) fn new(class: super::Class, start: usize, end: usize) -> Self {
        Self {
            seen_from: start,
            start,
            end,
            class,
            is_long: false,
            rest: None,
        }
    }
}

impl<'a> Text<'a> {
    pub(super) fn at(&self, place: usize) -> Option<u8> {
        self.bytes.get(place).copied()
    }

    pub(super) fn before(&self, place: usize) -> Option<u8> {
        self.at(place.checked_sub(1)?)
    }

    /// Whether the character before a place belongs to the same word: a letter or a digit that is not the end of an escape,
    /// as in `\n`, `\u0022` or `%3D`.
    pub(super) fn is_in_word(&self, place: usize) -> bool {
        self.before(place).is_some_and(|byte| ALNUM.has(byte)) && !self.is_behind_escape(place)
    }

    pub(super) fn is_behind_escape(&self, place: usize) -> bool {
        match self.left(place, 6) {
            [.., b'\\', b'n' | b't' | b'r' | b'b' | b'f'] => true,
            [.., b'%', high, low] => high.is_ascii_hexdigit() && low.is_ascii_hexdigit(),
            [b'\\', b'u', digits @ ..] => {
                digits.len() == 4 && digits.iter().all(u8::is_ascii_hexdigit)
            }
            _ => false,
        }
    }

    /// At most so many bytes before a place.
    pub(super) fn left(&self, place: usize, most: usize) -> &'a [u8] {
        self.bytes
            .get(place.saturating_sub(most)..place)
            .unwrap_or_default()
    }

    pub(super) fn rest(&self, place: usize) -> &'a [u8] {
        self.bytes.get(place..).unwrap_or_default()
    }

    /// Whether all that has come of the text ends at this place, and more may come.
    pub(super) fn is_open_at(&self, place: usize) -> bool {
        !self.last && place >= self.bytes.len()
    }

    /// The bytes of `set` from `start` on, of which `most` are read.
    pub(super) fn run(&self, start: usize, set: &Set, most: usize) -> Run<'a> {
        let rest = self.rest(start);
        let length = length(rest.get(..most).unwrap_or(rest), set);
        let end = start + length;
        Run {
            start,
            head: rest.get(..length).unwrap_or_default(),
            end,
            is_open: length < most && self.is_open_at(end),
            is_long: length == most,
        }
    }

    /// From `start` to where bytes of `set` end that go on at `end`, however many: as a finding.
    pub(super) fn long(
        &self,
        class: super::Class,
        start: usize,
        end: usize,
        set: &'static Set,
    ) -> Step {
        let end = end + length(self.rest(end), set);
        Step::Found(Span {
            seen_from: start,
            start,
            end,
            class,
            is_long: true,
            rest: self.is_open_at(end).then_some(Rest::Of(set)),
        })
    }

    /// Where blanks end that begin here, at most `most` of them.
    pub(super) fn skip_blanks(&self, start: usize, most: usize) -> usize {
        let blanks = self.rest(start).iter().take(most);
        start
            + blanks
                .take_while(|byte| matches!(byte, b' ' | b'\t'))
                .count()
    }
}

/// How many bytes of the set a text begins with.
pub(super) fn length(text: &[u8], set: &Set) -> usize {
    text.iter().take_while(|byte| set.has(**byte)).count()
}
