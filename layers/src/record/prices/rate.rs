use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, de};

/// US dollars for a million tokens, counted in millionths of a dollar: nothing is rounded before the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rate(u64);

/// No price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected US dollars for a million tokens, such as 0.25: less than a million, and at most six digits behind the point"
)]
pub struct NotARate;

/// So many digits may stand before the point, and so many behind it.
const DIGITS: usize = 6;

impl Rate {
    /// What so many tokens cost, in millionths of a millionth of a dollar.
    pub(super) fn of(self, tokens: u64) -> u128 {
        u128::from(self.0) * u128::from(tokens)
    }
}

impl FromStr for Rate {
    type Err = NotARate;

    fn from_str(text: &str) -> Result<Self, NotARate> {
        let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
        let is_sound = |digits: &str| {
            (1..=DIGITS).contains(&digits.len())
                && digits.bytes().all(|digit| digit.is_ascii_digit())
        };
        if !is_sound(whole) || !is_sound(part) {
            return Err(NotARate);
        }
        let number = format!("{whole}{part:0<DIGITS$}").parse();
        number.map(Self).map_err(|_| NotARate)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, part) = (self.0 / 1_000_000, self.0 % 1_000_000);
        let part = format!("{part:06}");
        write!(f, "{whole}.{:0<2}", part.trim_end_matches('0'))
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Number;
        impl de::Visitor<'_> for Number {
            type Value = Rate;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("US dollars for a million tokens")
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Rate, E> {
                number.to_string().parse().map_err(E::custom)
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Rate, E> {
                number.to_string().parse().map_err(E::custom)
            }

            fn visit_f64<E: de::Error>(self, number: f64) -> Result<Rate, E> {
                // The shortest digits that mean this number: those that somebody has written.
                number.to_string().parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Number)
    }
}
