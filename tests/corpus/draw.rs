//! Draws values where a text says so: `{kind}` or `{kind:of}`.
//!
//! | | |
//! |---|---|
//! | `base62:N`, `base64:N`, `url64:N`, `base32:N`, `hex:N`, `digits:N`, `upper:N` | so many characters |
//! | `checked` | 30 characters of base 62 and their checksum, as GitHub and npm have it |
//! | `uuid`, `word`, `camel`, `name`, `host` | a UUID, an English word, an identifier, a person's name, a domain |
//! | `armour:N` | so many lines of a key |
//! | `password` | one that somebody chose |
//! | `card`, `cards` | the number of a payment card, in one piece and in groups |
//! | `iban:DE`, `ibans:DE` | the number of an account, in one piece and in groups |
//! | `ssn`, `ip`, `ip6`, `area`, `year` | a number of the kind, a public address, an American area or exchange, a year of birth |
//! | `below:N` | a number below N |

pub(crate) struct Draw(u64);

const BASE62: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const WORDS: [&str; 24] = [
    "river", "stone", "window", "garden", "copper", "silver", "mountain", "orange", "bridge",
    "candle", "forest", "harbour", "island", "jacket", "kitchen", "lantern", "market", "needle",
    "ocean", "pepper", "quarry", "ribbon", "saddle", "timber",
];
const NAMES: [&str; 12] = [
    "ann", "bob", "carla", "dmitri", "emeka", "fatima", "george", "hanna", "ivo", "june", "kofi",
    "lena",
];
const TOPS: [&str; 6] = ["com", "io", "org", "co.uk", "de", "dev"];

impl Draw {
    pub(crate) fn new(seed: u64) -> Self {
        let mut draw = Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        // The first ones look alike for seeds that do.
        draw.of(BASE62, 8);
        draw
    }

    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % end
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }

    fn of(&mut self, alphabet: &str, length: usize) -> String {
        let alphabet = alphabet.as_bytes();
        (0..length)
            .map(|_| char::from(alphabet[self.below(alphabet.len())]))
            .collect()
    }

    /// The text, with everything drawn.
    pub(crate) fn expand(&mut self, text: &str) -> String {
        let mut expanded = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            expanded.push_str(before);
            let drawn = after
                .split_once('}')
                .and_then(|(what, after)| Some((self.draw(what)?, after)));
            match drawn {
                Some((drawn, after)) => {
                    expanded.push_str(&drawn);
                    rest = after;
                }
                None => {
                    expanded.push('{');
                    rest = after;
                }
            }
        }
        expanded + rest
    }

    fn draw(&mut self, what: &str) -> Option<String> {
        let (kind, of) = what.split_once(':').unwrap_or((what, ""));
        let length = of.parse().unwrap_or(1);
        Some(match kind {
            "base62" => self.of(BASE62, length),
            "base64" => self.of(&format!("{BASE62}+/"), length),
            "url64" => self.of(&format!("{BASE62}-_"), length - 1) + &self.of(BASE62, 1),
            "base32" => self.of("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", length),
            "hex" => self.of("0123456789abcdef", length),
            "digits" => self.of("123456789", 1) + &self.of("0123456789", length - 1),
            "upper" => self.of("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", length),
            "below" => self.below(length).to_string(),
            "checked" => self.checked(),
            "uuid" => [8, 4, 4, 4, 12]
                .map(|length| self.of("0123456789abcdef", length))
                .join("-"),
            "word" => self.one(&WORDS).to_owned(),
            "camel" => {
                let second = self.one(&WORDS);
                format!(
                    "{}{}{}",
                    self.one(&WORDS),
                    second.get(..1).unwrap().to_uppercase(),
                    second.get(1..).unwrap()
                )
            }
            "name" => self.one(&NAMES).to_owned(),
            "host" => format!(
                "{}-{}.{}",
                self.one(&WORDS),
                self.one(&WORDS),
                self.one(&TOPS)
            ),
            "armour" => (0..length)
                .map(|_| self.of(&format!("{BASE62}+/"), 64))
                .collect::<Vec<_>>()
                .join("\n"),
            "password" => format!(
                "{}{}{}{}",
                self.one(&WORDS),
                self.one(&["!", "#", "-", "_"]),
                self.of("23456789", 3),
                self.of(BASE62, 4)
            ),
            "card" => self.card(),
            "cards" => groups(&self.card()),
            "iban" => self.iban(of),
            "ibans" => groups(&self.iban(of)),
            "ssn" => {
                let (area, group, serial) = (
                    101 + self.below(560),
                    11 + self.below(80),
                    1_001 + self.below(8_000),
                );
                format!("{area}-{group}-{serial}")
            }
            "ip" => format!(
                "{}.{}.{}.{}",
                [34, 52, 78, 91, 185, 203][self.below(6)],
                20 + self.below(200),
                self.below(256),
                1 + self.below(254)
            ),
            "ip6" => format!(
                "2a0{}:{}:{}::{}",
                self.below(10),
                self.of("123456789", 4),
                self.of("123456789abcdef", 3),
                1 + self.below(9)
            ),
            "area" => format!("{}{}", 2 + self.below(3), self.of("0123678", 2)),
            "year" => (1930 + self.below(80)).to_string(),
            _ => return None,
        })
    }

    fn checked(&mut self) -> String {
        let body = self.of(BASE62, 30);
        let mut crc = u32::MAX;
        for byte in body.bytes() {
            crc ^= u32::from(byte);
            for _ in 0..8 {
                crc = (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg());
            }
        }
        let mut value = !crc;
        let mut check: Vec<char> = Vec::new();
        for _ in 0..6 {
            check.push(char::from(BASE62.as_bytes()[(value % 62) as usize]));
            value /= 62;
        }
        body + &check.into_iter().rev().collect::<String>()
    }

    fn card(&mut self) -> String {
        let begins = self.one(&["4539", "4716", "5312", "5478", "2305", "6011"]);
        let body = format!("{begins}{}", self.of("0123456789", 11));
        let check = (0..10)
            .find(|check| luhn(&format!("{body}{check}")))
            .unwrap();
        format!("{body}{check}")
    }

    fn iban(&mut self, country: &str) -> String {
        let (letters, digits) = match country {
            "NL" => ("ABNA", 10),
            "GB" => ("BUKB", 14),
            "FR" => ("", 23),
            "ES" => ("", 20),
            _ => ("", 18),
        };
        let account = format!("{letters}{}", self.of("0123456789", digits));
        let rest = format!("{account}{country}00")
            .chars()
            .fold(0, |rest, character| {
                let value = character.to_digit(36).unwrap();
                (rest * if value < 10 { 10 } else { 100 } + value) % 97
            });
        format!("{country}{:02}{account}", 98 - rest)
    }
}

fn luhn(digits: &str) -> bool {
    let sum: u32 = digits
        .chars()
        .rev()
        .enumerate()
        .map(|(place, digit)| {
            let digit = digit.to_digit(10).unwrap() * if place % 2 == 1 { 2 } else { 1 };
            digit / 10 + digit % 10
        })
        .sum();
    sum.is_multiple_of(10)
}

/// In groups of four.
fn groups(text: &str) -> String {
    let chunks = text.as_bytes().chunks(4);
    chunks
        .map(|chunk| String::from_utf8_lossy(chunk).into_owned())
        .collect::<Vec<_>>()
        .join(" ")
}
