//! What a provider may try: a call that must not pass, in a carrier, and what must become of it.

use bytes::Bytes;
use http::HeaderMap;
use luthien_core::Dialect;
use serde_json::{Value, json};

/// A tool call. `input` is JSON as text; or free text, of a custom tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    pub id: &'static str,
    pub name: String,
    pub input: String,
}

impl Call {
    /// One that every policy of this suite lets pass.
    pub fn kept() -> Self {
        Self::new("call_kept", "Read", r#"{"path":"b.txt"}"#)
    }

    pub fn new(id: &'static str, name: &str, input: &str) -> Self {
        Self {
            id,
            name: name.to_owned(),
            input: input.to_owned(),
        }
    }

    /// With another id: a call that may be seen.
    pub fn fine(&self) -> Self {
        Self {
            id: "call_fine",
            ..self.clone()
        }
    }

    pub fn named(&self, name: &str) -> Self {
        Self {
            name: name.to_owned(),
            ..self.clone()
        }
    }

    pub fn with_input(&self, input: &str) -> Self {
        Self {
            input: input.to_owned(),
            ..self.clone()
        }
    }

    /// The input in two pieces.
    pub fn pieces(&self) -> [&str; 2] {
        let (one, two) = self.input.split_at(self.input.len() / 2);
        [one, two]
    }
}

/// By what the policy knows a call that must not pass. Everything of such a call is marked with `LEAK`, so that no piece of
/// it can be mistaken for another's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    Name,
    Argument,
}

impl Mark {
    pub const BOTH: [Self; 2] = [Self::Name, Self::Argument];

    /// The call that must not pass.
    pub fn call(self) -> Call {
        match self {
            Self::Name => Call::new("call_LEAKID", "LEAKTOOL", r#"{"target":"a.txt"}"#),
            Self::Argument => Call::new("call_LEAKID", "Bash", r#"{"command":"LEAKARG"}"#),
        }
    }

    /// The same call without what the policy knows it by.
    pub fn harmless(self) -> Call {
        match self {
            Self::Name => self.call().named("Bash"),
            Self::Argument => self.call().with_input(r#"{"command":"ls"}"#),
        }
    }
}

/// One event of a stream, before it is written down.
#[derive(Clone, Debug)]
pub struct Event {
    pub name: Option<String>,
    pub data: String,
}

impl Event {
    /// With the name that its data says.
    pub fn of(data: &Value) -> Self {
        let name = data["type"].as_str().map(str::to_owned);
        Self {
            name,
            data: data.to_string(),
        }
    }

    pub fn new(name: &str, data: impl Into<String>) -> Self {
        Self {
            name: Some(name.to_owned()),
            data: data.into(),
        }
    }

    /// Without a name, as Chat has it.
    pub fn bare(data: impl Into<String>) -> Self {
        Self {
            name: None,
            data: data.into(),
        }
    }
}

/// How the events of a stream are written down: all of them mean the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    Lf,
    Cr,
    CrLf,
    /// Line ends of all three kinds.
    Mixed,
    /// With a byte order mark.
    Mark,
    /// The data on several lines.
    Lines,
    /// Comments between the lines and between the events.
    Comments,
    /// No space behind the colons.
    Tight,
    /// The name behind the data.
    NameLast,
    /// With `id` and `retry`.
    Fields,
    /// The name said twice: the last one counts.
    Renamed,
}

impl Framing {
    pub const ALL: [Self; 11] = [
        Self::Lf,
        Self::Cr,
        Self::CrLf,
        Self::Mixed,
        Self::Mark,
        Self::Lines,
        Self::Comments,
        Self::Tight,
        Self::NameLast,
        Self::Fields,
        Self::Renamed,
    ];

    pub fn write(self, events: &[Event]) -> Bytes {
        let mut text = String::new();
        if self == Self::Mark {
            text.push('\u{feff}');
        }
        let space = if self == Self::Tight { "" } else { " " };
        for (place, event) in events.iter().enumerate() {
            let end = match self {
                Self::Cr => "\r",
                Self::CrLf => "\r\n",
                Self::Mixed => ["\n", "\r\n", "\r"][place % 3],
                _ => "\n",
            };
            let mut lines = Vec::new();
            match self {
                Self::Comments => lines.extend([": a comment".to_owned(), ":".to_owned()]),
                Self::Fields => {
                    lines.extend(["id: 1", "retry: 1000", "id"].map(str::to_owned));
                }
                _ => {}
            }
            let name = event
                .name
                .as_ref()
                .map(|name| format!("event:{space}{name}"));
            if self == Self::Renamed && name.is_some() {
                lines.push("event: ping".to_owned());
            }
            lines.extend(name.filter(|_| self != Self::NameLast));
            if self == Self::Comments {
                lines.push(": data: {}".to_owned());
            }
            let data = match self {
                // Inside the outermost braces a line end is white space.
                Self::Lines => event.data.replacen('{', "{\n", 1),
                _ => event.data.clone(),
            };
            lines.extend(data.split('\n').map(|line| format!("data:{space}{line}")));
            if self == Self::NameLast {
                lines.extend(event.name.as_ref().map(|name| format!("event: {name}")));
            }
            for line in lines {
                text.push_str(&line);
                text.push_str(end);
            }
            text.push_str(end);
        }
        text.into()
    }
}

/// How a reply arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Stream,
    Whole,
}

/// What must become of a reply.
#[derive(Clone, Debug)]
pub enum Expect {
    /// It is well-formed, says why the call is gone, and these calls are left.
    Explained(Vec<Call>),
    /// It breaks the protocol: an error of the dialect, or a broken transfer. What was said before may be there.
    Refused,
    /// It breaks the protocol, and can be understood all the same: explained, as well-formed as it was, or refused.
    Gone,
    /// It was complete before the call came: what came before is there, well-formed, and nothing else; or an error follows.
    Over,
}

/// One exchange: what is asked for, what arrives, and what must become of it.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// Whether a stream is asked for.
    pub asked: Form,
    pub arrives: Form,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// What a client reads that unpacks the body, if it is packed.
    pub unpacked: Option<Bytes>,
    /// Whether the provider is lost behind these bytes.
    pub lost: bool,
    /// How many choices are asked for.
    pub choices: usize,
    pub expect: Expect,
}

impl Exchange {
    fn new(form: Form, body: Bytes, expect: Expect) -> Self {
        let content_type = match form {
            Form::Stream => "text/event-stream",
            Form::Whole => "application/json",
        };
        let mut headers = HeaderMap::new();
        headers.insert("content-type", content_type.parse().unwrap());
        Self {
            asked: form,
            arrives: form,
            headers,
            body,
            unpacked: None,
            lost: false,
            choices: 1,
            expect,
        }
    }

    pub fn stream(events: &[Event], expect: Expect) -> Self {
        Self::framed(events, Framing::Lf, expect)
    }

    pub fn framed(events: &[Event], framing: Framing, expect: Expect) -> Self {
        Self::new(Form::Stream, framing.write(events), expect)
    }

    pub fn bytes(form: Form, body: impl Into<Bytes>, expect: Expect) -> Self {
        Self::new(form, body.into(), expect)
    }

    pub fn whole(body: impl Into<Bytes>, expect: Expect) -> Self {
        Self::new(Form::Whole, body.into(), expect)
    }

    pub fn asked(mut self, form: Form) -> Self {
        self.asked = form;
        self
    }

    /// Packed like this.
    pub fn packed(mut self, body: Vec<u8>) -> Self {
        self.unpacked = Some(std::mem::replace(&mut self.body, body.into()));
        self
    }

    pub fn lost(mut self) -> Self {
        self.lost = true;
        self
    }

    pub fn choices(mut self, choices: usize) -> Self {
        self.choices = choices;
        self
    }

    /// Whether it is a stream whose last event has no blank line.
    pub fn is_ragged(&self) -> bool {
        let ends = [&b"\n\n"[..], b"\r\r", b"\r\n\r\n"];
        self.arrives == Form::Stream && !ends.iter().any(|end| self.body.ends_with(end))
    }

    /// With this header, or without it.
    pub fn header(mut self, name: &'static str, value: Option<&str>) -> Self {
        self.headers.remove(name);
        if let Some(value) = value {
            self.headers.insert(name, value.parse().unwrap());
        }
        self
    }
}

/// A carrier with a call in it: one exchange, or several of one conversation.
#[derive(Clone, Debug)]
pub struct Attempt {
    pub carrier: String,
    pub dialect: Dialect,
    pub mark: Mark,
    pub exchanges: Vec<Exchange>,
}

impl Attempt {
    /// The name under which a failure speaks of it.
    pub fn name(&self) -> String {
        let Self {
            carrier,
            dialect,
            mark,
            ..
        } = self;
        format!("{dialect}, {carrier}, known by its {mark:?}")
    }
}

/// Collects the carriers of one dialect.
pub struct Carriers {
    pub dialect: Dialect,
    pub mark: Mark,
    pub attempts: Vec<Attempt>,
}

impl Carriers {
    pub fn new(dialect: Dialect, mark: Mark) -> Self {
        Self {
            dialect,
            mark,
            attempts: Vec::new(),
        }
    }

    pub fn add(&mut self, carrier: impl Into<String>, exchange: Exchange) {
        self.add_all(carrier, vec![exchange]);
    }

    /// A stream that ends there, and the same when its connection is lost.
    pub fn add_cut(&mut self, place: &str, exchange: &Exchange) {
        self.add(format!("a stream that ends {place}"), exchange.clone());
        self.add(
            format!("a stream that is lost {place}"),
            exchange.clone().lost(),
        );
    }

    pub fn add_all(&mut self, carrier: impl Into<String>, exchanges: Vec<Exchange>) {
        self.attempts.push(Attempt {
            carrier: carrier.into(),
            dialect: self.dialect,
            mark: self.mark,
            exchanges,
        });
    }
}

/// In place of the call stands an explanation, and nothing else is left.
pub fn explained() -> Expect {
    Expect::Explained(Vec::new())
}

/// In place of the call stands an explanation, and another call is left.
pub fn kept() -> Expect {
    Expect::Explained(vec![Call::kept()])
}

/// Every character as an escape of JSON.
pub fn escaped(text: &str) -> String {
    text.chars()
        .map(|c| format!("\\u{:04x}", u32::from(c)))
        .collect()
}

/// A string of JSON.
pub fn quoted(text: &str) -> String {
    json!(text).to_string()
}
