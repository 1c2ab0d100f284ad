//! What exchanges cost: the prices that vendors publish, and those that somebody names.
//!
//! ```
//! use luthien::record::{Tokens, prices::{ModelPrice, Prices, Rates}};
//!
//! let tokens = Tokens {
//!     input: Some(10_000),
//!     cache_read: Some(8_000),
//!     output: Some(500),
//!     ..Tokens::default()
//! };
//! let now = 1_795_800_000_000_000;
//! let prices = Prices::published();
//! // $4, $0.20 and $20 for a million, in millionths of a dollar.
//! assert_eq!(prices.cost("claude-opus-5-5", &tokens, now), Some(8_000 + 1_600 + 10_000));
//! assert_eq!(prices.cost("our-own-model", &tokens, now), None);
//!
//! let rates = Rates { input: "0.5".parse()?, output: "2".parse()?, ..Rates::default() };
//! let prices = prices.with("our-*", ModelPrice { rates, long: None });
//! assert_eq!(prices.cost("our-own-model", &tokens, now), Some(6_000));
//! # Ok::<(), luthien::record::prices::NotARate>(())
//! ```
//!
//! The published prices stand in `table.json`, with the day on which they were looked up and where. A model is found there by its
//! name, with or without the place where it runs (`openai/`, `us.anthropic.`), its date and its version. A name that goes on
//! in any other way is another model, whose price nobody knows: `-mini`, `-pro` and `-fast` never cost the same.

mod model;
mod name;
mod rate;
mod table;
#[cfg(test)]
mod tests;

use luthien_core::request::ModelPattern;

use super::Tokens;

pub use model::{Long, ModelPrice, Rates};
pub use rate::{NotARate, Rate};

/// What models cost.
#[derive(Clone, Debug, Default)]
pub struct Prices {
    own: Vec<Own>,
    are_published: bool,
}

/// What somebody has named.
#[derive(Clone, Debug)]
struct Own {
    pattern: ModelPattern,
    /// How closely it says which model it means: a whole name most, a longer pattern more.
    weight: (bool, usize),
    price: ModelPrice,
}

impl Prices {
    /// The published ones.
    pub fn published() -> Self {
        Self {
            own: Vec::new(),
            are_published: true,
        }
    }

    /// When the published ones were looked up: a day, such as `2026-11-28`.
    pub fn found() -> &'static str {
        &table::TABLE.found
    }

    /// Models of this pattern (`*` stands for anything) cost this, whatever is published. Of several patterns the one that
    /// says most counts: a whole name, or else the longest.
    #[must_use]
    pub fn with(mut self, pattern: &str, price: ModelPrice) -> Self {
        let stars = pattern.matches('*').count();
        let weight = (stars == 0, pattern.len() - stars);
        // Every text is a pattern.
        let Ok(pattern) = pattern.parse();
        self.own.push(Own {
            pattern,
            weight,
            price,
        });
        self
    }

    /// What a model costs at a time, in microseconds since 1970; `None` if nobody knows.
    pub fn of(&self, model: &str, at: i64) -> Option<&ModelPrice> {
        let forms = name::forms(model);
        let own = self.own.iter().filter(|own| {
            let mut forms = forms.iter();
            forms.any(|form| own.pattern.matches(Some(form)))
        });
        let own = own.max_by_key(|own| own.weight).map(|own| &own.price);
        let published = || {
            table::TABLE
                .price(&forms, at)
                .filter(|_| self.are_published)
        };
        own.or_else(published)
    }

    /// What an exchange cost, in millionths of a dollar; `None` if nobody knows.
    pub fn cost(&self, model: &str, tokens: &Tokens, at: i64) -> Option<u64> {
        self.of(model, at)?.cost(tokens)
    }
}
