//! A JSON reader as lenient as clients are. It keeps keys that stand twice: who reads them decides which one counts.

#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    /// `null`, `true`, a number: by its word.
    Word(String),
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

/// Which of two members of one name counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wins {
    First,
    Last,
}

impl Json {
    /// Reads what is there: what is missing at the end is missing, and what stands behind it is not looked at.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let text: Vec<char> = String::from_utf8_lossy(bytes).chars().collect();
        Reader {
            text,
            at: 0,
            depth: 0,
        }
        .value()
    }

    /// Reads all values that stand behind each other.
    pub fn read_all(bytes: &[u8]) -> Vec<Self> {
        let text: Vec<char> = String::from_utf8_lossy(bytes).chars().collect();
        let mut reader = Reader {
            text,
            at: 0,
            depth: 0,
        };
        let mut all = Vec::new();
        while reader.at < reader.text.len() {
            let before = reader.at;
            all.extend(reader.value());
            reader.at = reader.at.max(before + 1);
        }
        all
    }

    pub fn get(&self, name: &str, wins: Wins) -> Option<&Self> {
        let Self::Object(members) = self else {
            return None;
        };
        let mut found = members
            .iter()
            .filter(|(key, _)| key == name)
            .map(|(_, value)| value);
        match wins {
            Wins::First => found.next(),
            Wins::Last => found.next_back(),
        }
    }

    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The elements of a list; the members of an object, or the object itself: clients loop over what they get.
    pub fn elements(&self) -> Vec<&Self> {
        match self {
            Self::List(all) => all.iter().collect(),
            Self::Object(members) => std::iter::once(self)
                .chain(members.iter().map(|(_, value)| value))
                .collect(),
            _ => Vec::new(),
        }
    }

    /// What stands directly in it.
    pub fn children(&self) -> Vec<&Self> {
        match self {
            Self::List(all) => all.iter().collect(),
            Self::Object(members) => members.iter().map(|(_, value)| value).collect(),
            _ => Vec::new(),
        }
    }

    /// Written down in one way.
    pub fn written(&self) -> String {
        match self {
            Self::Word(word) => word.clone(),
            Self::Text(text) => serde_json::Value::from(text.as_str()).to_string(),
            Self::List(all) => {
                let all: Vec<_> = all.iter().map(Self::written).collect();
                format!("[{}]", all.join(","))
            }
            Self::Object(members) => {
                let all: Vec<_> = members
                    .iter()
                    .map(|(key, value)| {
                        format!(
                            "{}:{}",
                            serde_json::Value::from(key.as_str()),
                            value.written()
                        )
                    })
                    .collect();
                format!("{{{}}}", all.join(","))
            }
        }
    }
}

struct Reader {
    text: Vec<char>,
    at: usize,
    depth: usize,
}

impl Reader {
    fn peek(&mut self) -> Option<char> {
        while self
            .text
            .get(self.at)
            .is_some_and(|c| c.is_whitespace() || *c == '\u{feff}')
        {
            self.at += 1;
        }
        self.text.get(self.at).copied()
    }

    fn eat(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    fn value(&mut self) -> Option<Json> {
        self.depth += 1;
        let value = match self.peek()? {
            _ if self.depth > 1000 => None,
            '{' => Some(self.object()),
            '[' => Some(self.list()),
            '"' => Some(Json::Text(self.string())),
            _ => self.word(),
        };
        self.depth -= 1;
        value
    }

    fn object(&mut self) -> Json {
        self.at += 1;
        let mut members = Vec::new();
        while self.peek() == Some('"') {
            let key = self.string();
            if !self.eat(':') {
                break;
            }
            let Some(value) = self.value() else {
                break;
            };
            members.push((key, value));
            self.eat(',');
        }
        self.eat('}');
        Json::Object(members)
    }

    fn list(&mut self) -> Json {
        self.at += 1;
        let mut all = Vec::new();
        while self.peek().is_some_and(|c| c != ']') {
            let Some(value) = self.value() else {
                break;
            };
            all.push(value);
            self.eat(',');
        }
        self.eat(']');
        Json::List(all)
    }

    fn string(&mut self) -> String {
        self.at += 1;
        let mut text = String::new();
        while let Some(c) = self.text.get(self.at).copied() {
            self.at += 1;
            match c {
                '"' => break,
                '\\' => {
                    let escape = self.text.get(self.at).copied();
                    self.at += 1;
                    text.push(match escape {
                        Some('u') => self.code(),
                        Some('n') => '\n',
                        Some('t') => '\t',
                        Some('r') => '\r',
                        Some('b') => '\u{8}',
                        Some('f') => '\u{c}',
                        Some(other) => other,
                        None => break,
                    });
                }
                c => text.push(c),
            }
        }
        text
    }

    fn code(&mut self) -> char {
        let digits: String = self.text.iter().skip(self.at).take(4).collect();
        self.at += 4;
        u32::from_str_radix(&digits, 16)
            .ok()
            .and_then(char::from_u32)
            .unwrap_or('\u{fffd}')
    }

    fn word(&mut self) -> Option<Json> {
        let is_in = |c: &&char| c.is_alphanumeric() || "+-._".contains(**c);
        let word: String = self.text.iter().skip(self.at).take_while(is_in).collect();
        self.at += word.chars().count();
        (!word.is_empty()).then_some(Json::Word(word))
    }
}
