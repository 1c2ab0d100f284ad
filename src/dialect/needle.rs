use std::sync::LazyLock;

use memchr::memmem::Finder;

/// A word that is looked for in many frames: a way to find out cheaply which few of them are worth reading.
pub(crate) struct Needle(LazyLock<Finder<'static>>);

impl Needle {
    /// `make` is `|| Finder::new(…)`: preparing the search costs more than most searches.
    pub(crate) const fn new(make: fn() -> Finder<'static>) -> Self {
        Self(LazyLock::new(make))
    }

    /// Whether the word stands anywhere in the frame.
    pub(crate) fn is_in(&self, frame: &[u8]) -> bool {
        self.0.find(frame).is_some()
    }

    /// What follows the word, for each place where it stands.
    pub(crate) fn rests<'a>(&'a self, frame: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        let length = self.0.needle().len();
        let places = self.0.find_iter(frame);
        places.filter_map(move |at| frame.get(at + length..))
    }

    /// What follows the colon, for a needle that is the name of a member with its quotes: once for each place where the
    /// name stands as one. Inside a string the quotes would be escaped.
    pub(crate) fn values<'a>(&'a self, frame: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        self.rests(frame).filter_map(value)
    }
}

/// What follows the colon that follows.
pub(crate) fn value(rest: &[u8]) -> Option<&[u8]> {
    let rest = rest.trim_ascii_start().strip_prefix(b":")?;
    Some(rest.trim_ascii_start())
}

/// A [`Needle`] for these bytes.
macro_rules! needle {
    ($bytes:literal) => {
        $crate::dialect::Needle::new(|| memchr::memmem::Finder::new($bytes))
    };
}
pub(crate) use needle;
