use serde::Deserialize;

use super::Rate;
use crate::record::Tokens;

/// What a model's tokens cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Rates {
    /// What goes in.
    pub input: Rate,
    /// What comes out, reasoning included.
    pub output: Rate,
    /// Input that the provider had cached; like other input if nobody says.
    #[serde(default)]
    pub cache_read: Option<Rate>,
    /// Input that the provider puts into its cache; like other input if nobody says.
    #[serde(default)]
    pub cache_write: Option<Rate>,
    /// Input that it keeps there for an hour; like what it keeps for less if nobody says.
    #[serde(default)]
    pub cache_write_1h: Option<Rate>,
}

impl Rates {
    fn cost(&self, input: u64, output: u64, tokens: &Tokens) -> Option<u64> {
        let read = tokens.cache_read.unwrap_or(0).min(input);
        let write = tokens.cache_write.unwrap_or(0).min(input - read);
        let hour = tokens.cache_write_1h.unwrap_or(0).min(write);
        let written = self.cache_write.unwrap_or(self.input);
        let sum = [
            self.input.of(input - read - write),
            self.cache_read.unwrap_or(self.input).of(read),
            written.of(write - hour),
            self.cache_write_1h.unwrap_or(written).of(hour),
            self.output.of(output),
        ]
        .into_iter()
        .sum::<u128>();
        u64::try_from((sum + 500_000) / 1_000_000).ok()
    }
}

/// What a model costs: its rates, and perhaps others for long requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct ModelPrice {
    /// What its tokens cost.
    #[serde(flatten)]
    pub rates: Rates,
    /// What all of them cost if the request is long.
    #[serde(default)]
    pub long: Option<Long>,
}

/// Rates for long requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct Long {
    /// Of how many input tokens a request is that is not long yet.
    pub above: u64,
    /// What the tokens of a longer one cost, from the first to the last.
    #[serde(flatten)]
    pub rates: Rates,
}

impl ModelPrice {
    /// What an exchange cost, in millionths of a dollar; `None` if nobody knows how much went in, or came out.
    pub fn cost(&self, tokens: &Tokens) -> Option<u64> {
        let (input, output) = tokens.input.zip(tokens.output)?;
        let long = self.long.filter(|long| input > long.above);
        let rates = long.map_or(self.rates, |long| long.rates);
        rates.cost(input, output, tokens)
    }
}
