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

    /// What follows the colon, for a needle that is the name of a member with its quotes: once for each place where the
    /// name stands as one. Inside a string the quotes would be escaped.
    pub(crate) fn values<'a>(&'a self, frame: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        let length = self.0.needle().len();
        self.0.find_iter(frame).filter_map(move |at| {
            let rest = frame.get(at + length..)?.trim_ascii_start();
            Some(rest.strip_prefix(b":")?.trim_ascii_start())
        })
    }
}

/// A [`Needle`] for these bytes.
macro_rules! needle {
    ($bytes:literal) => {
        $crate::dialect::Needle::new(|| memchr::memmem::Finder::new($bytes))
    };
}
pub(crate) use needle;
