//! Options and operands.

use super::super::mark;

/// The words behind the name of a program, taken apart.
#[derive(Debug, Default)]
pub(super) struct Args<'a> {
    /// Options without their dashes; letters each for itself.
    options: Vec<(&'a str, Option<&'a str>)>,
    /// What is no option.
    pub(super) operands: Vec<&'a str>,
}

impl<'a> Args<'a> {
    /// Options and operands in any order; those named have a value behind them.
    pub(super) fn of(words: &'a [String], valued: &[&str]) -> Self {
        Self::read(words, valued, false)
    }

    /// Options before the first operand only, as programs have that run others.
    pub(super) fn leading(words: &'a [String], valued: &[&str]) -> Self {
        Self::read(words, valued, true)
    }

    fn read(words: &'a [String], valued: &[&str], leading: bool) -> Self {
        let mut args = Self::default();
        let mut words = words.iter().map(String::as_str);
        while let Some(word) = words.next() {
            if word == "--" {
                args.operands.extend(words);
                break;
            }
            if let Some(long) = word.strip_prefix("--") {
                let (name, mut value) = long
                    .split_once('=')
                    .map_or((long, None), |(name, value)| (name, Some(value)));
                if value.is_none() && valued.contains(&name) {
                    value = words.next();
                }
                args.options.push((name, value));
            } else if let Some(letters) =
                word.strip_prefix('-').filter(|letters| !letters.is_empty())
            {
                if valued.contains(&word) || valued.contains(&letters) && letters.len() > 1 {
                    args.options.push((letters, words.next()));
                    continue;
                }
                for (at, letter) in letters.char_indices() {
                    let end = at + letter.len_utf8();
                    let name = letters.get(at..end).unwrap_or_default();
                    if valued.contains(&name) {
                        let rest = letters.get(end..).unwrap_or_default();
                        args.options.push((
                            name,
                            if rest.is_empty() {
                                words.next()
                            } else {
                                Some(rest)
                            },
                        ));
                        break;
                    }
                    args.options.push((name, None));
                }
            } else {
                args.operands.push(word);
                if leading {
                    args.operands.extend(words);
                    break;
                }
            }
        }
        args
    }

    /// Whether an option is there. Long ones may be cut short.
    pub(super) fn has(&self, names: &[&str]) -> bool {
        self.options
            .iter()
            .any(|(given, _)| names.iter().any(|name| is_meant(given, name)))
    }

    pub(super) fn value(&self, names: &[&str]) -> Option<&'a str> {
        self.values(names).next()
    }

    pub(super) fn values<'s>(&'s self, names: &'s [&str]) -> impl Iterator<Item = &'a str> + 's {
        let found = self
            .options
            .iter()
            .filter(|(given, _)| names.iter().any(|name| is_meant(given, name)));
        found.filter_map(|(_, value)| *value)
    }

    pub(super) fn first(&self) -> &'a str {
        self.operands.first().copied().unwrap_or_default()
    }

    pub(super) fn nth(&self, place: usize) -> &'a str {
        self.operands.get(place).copied().unwrap_or_default()
    }

    /// The operands as words of a command.
    pub(super) fn command(&self, from: usize) -> Vec<String> {
        self.operands
            .iter()
            .skip(from)
            .map(|word| (*word).to_owned())
            .collect()
    }
}

fn is_meant(given: &str, name: &str) -> bool {
    given == name || (name.len() > 2 && given.len() > 2 && name.starts_with(given))
}

/// Every word, for looking at.
pub(super) fn joined(words: &[String]) -> String {
    mark::shown(&words.join(" "))
}
