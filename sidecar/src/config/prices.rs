//! What models cost, for those who pay something else than what is published.

use luthien::record::prices::{self, Prices, Rate, Rates};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Config, ConfigError};

/// What a model costs, in US dollars for a million tokens.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ModelPrice {
    /// What goes in.
    #[schemars(with = "f64")]
    pub(crate) input: Rate,
    /// What comes out, reasoning included.
    #[schemars(with = "f64")]
    pub(crate) output: Rate,
    /// Input that the provider had cached; like `input` if it is left out.
    #[serde(default)]
    #[schemars(with = "Option<f64>")]
    pub(crate) cache_read: Option<Rate>,
    /// Input that the provider puts into its cache; like `input` if it is left out.
    #[serde(default)]
    #[schemars(with = "Option<f64>")]
    pub(crate) cache_write: Option<Rate>,
    /// Input that it keeps there for an hour; like `cache_write` if it is left out.
    #[serde(default)]
    #[schemars(with = "Option<f64>")]
    pub(crate) cache_write_1h: Option<Rate>,
    /// What all tokens of a long request cost.
    #[serde(default)]
    pub(crate) long: Option<LongPrice>,
}

/// What all tokens of a long request cost, in US dollars for a million.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LongPrice {
    /// More input tokens than this make a request long.
    pub(crate) above: u64,
    /// What goes in.
    #[schemars(with = "f64")]
    pub(crate) input: Rate,
    /// What comes out, reasoning included.
    #[schemars(with = "f64")]
    pub(crate) output: Rate,
    /// Input that the provider had cached; like `input` if it is left out.
    #[serde(default)]
    #[schemars(with = "Option<f64>")]
    pub(crate) cache_read: Option<Rate>,
    /// Input that the provider puts into its cache; like `input` if it is left out.
    #[serde(default)]
    #[schemars(with = "Option<f64>")]
    pub(crate) cache_write: Option<Rate>,
    /// Input that it keeps there for an hour; like `cache_write` if it is left out.
    #[serde(default)]
    #[schemars(with = "Option<f64>")]
    pub(crate) cache_write_1h: Option<Rate>,
}

impl ModelPrice {
    fn rates(&self) -> Rates {
        Rates {
            input: self.input,
            output: self.output,
            cache_read: self.cache_read,
            cache_write: self.cache_write,
            cache_write_1h: self.cache_write_1h,
        }
    }

    fn price(&self) -> prices::ModelPrice {
        let long = self.long.as_ref().map(|long| prices::Long {
            above: long.above,
            rates: long.rates(),
        });
        prices::ModelPrice {
            rates: self.rates(),
            long,
        }
    }
}

impl LongPrice {
    fn rates(&self) -> Rates {
        Rates {
            input: self.input,
            output: self.output,
            cache_read: self.cache_read,
            cache_write: self.cache_write,
            cache_write_1h: self.cache_write_1h,
        }
    }
}

/// What is published, and what the configuration says before it.
pub(crate) fn prices(config: &Config) -> Prices {
    let own = config.prices.iter();
    own.fold(Prices::published(), |prices, (pattern, price)| {
        prices.with(pattern, price.price())
    })
}

/// Who has mistaken the unit.
pub(super) fn check(config: &Config) -> Result<(), ConfigError> {
    // No model has ever cost less.
    let least: Rate = "0.001".parse().unwrap_or_default();
    for (pattern, price) in &config.prices {
        let path = format!("prices.{pattern}");
        if pattern.trim().is_empty() {
            let hint = "`*` stands for all models";
            return Err(ConfigError::new(path, "no model is called so").with_hint(hint));
        }
        let long = price.long.as_ref().map(LongPrice::rates);
        for rates in [Some(price.rates()), long].into_iter().flatten() {
            let caches = [rates.cache_read, rates.cache_write, rates.cache_write_1h];
            let all = [rates.input, rates.output].into_iter();
            let mut all = all.chain(caches.into_iter().flatten());
            if all.any(|rate| rate > Rate::default() && rate < least) {
                let message = "a million tokens cannot cost so little";
                let hint = "prices are for a million tokens: 0.000003 for each is 3";
                return Err(ConfigError::new(path, message).with_hint(hint));
            }
        }
        if price.long.as_ref().is_some_and(|long| long.above == 0) {
            let message = "every request is long";
            let hint = "leave `long` out, or say how many input tokens a usual request has at most";
            return Err(ConfigError::new(format!("{path}.long.above"), message).with_hint(hint));
        }
    }
    Ok(())
}
