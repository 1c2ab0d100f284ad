//! Values in values.

use std::{ops::Deref, rc::Rc};

use super::{MAX_ITEMS, Value};

/// How deep values may stand in one another.
pub(in super::super) const MAX_DEPTH: usize = 24;

/// What many values share that have it. Who changes it has a copy.
#[derive(Clone, Debug)]
pub(in super::super) struct Shared<T> {
    items: Rc<Vec<T>>,
    depth: usize,
}

/// What may have values in it.
pub(in super::super) trait Nested {
    fn depth(&self) -> usize;
}

impl Nested for Value {
    fn depth(&self) -> usize {
        match self {
            Self::List(items) => items.depth,
            Self::Map(pairs) => pairs.depth,
            Self::Member(of, _) => 1 + of.depth(),
            Self::Part(of, values) => {
                let deepest = values.iter().map(Self::depth).max().unwrap_or(0);
                1 + of.depth().max(deepest)
            }
            _ => 0,
        }
    }
}

impl Nested for (String, Value) {
    fn depth(&self) -> usize {
        self.1.depth()
    }
}

impl<T: Nested> Shared<T> {
    /// `None` where it would be too deep, or too much.
    pub(in super::super) fn new(items: Vec<T>) -> Option<Self> {
        if items.len() > MAX_ITEMS {
            return None;
        }
        let depth = 1 + items.iter().map(Nested::depth).max().unwrap_or(0);
        (depth <= MAX_DEPTH).then(|| Self {
            items: Rc::new(items),
            depth,
        })
    }
}

impl<T: Nested + Clone> Shared<T> {
    /// More of them, if that is not too many, nor too deep.
    pub(in super::super) fn push(&mut self, more: &[T]) -> bool {
        let depth = 1 + more.iter().map(Nested::depth).max().unwrap_or(0);
        let fits = self.items.len() + more.len() <= MAX_ITEMS && depth <= MAX_DEPTH;
        if fits {
            Rc::make_mut(&mut self.items).extend_from_slice(more);
            self.depth = self.depth.max(depth);
        }
        fits
    }
}

impl<T> Deref for Shared<T> {
    type Target = Vec<T>;

    fn deref(&self) -> &Vec<T> {
        &self.items
    }
}
