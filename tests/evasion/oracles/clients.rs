//! Clients as naive as there are: each takes for a call what anybody might take for one.

use luthien_core::Dialect;

use super::{
    events::{Event, Lines},
    json::{Json, Wins},
};

/// A call as some client sees it, perhaps not all of it: all names and all arguments that it was ever given, and each also
/// put together from its pieces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    key: String,
    pub ids: Vec<String>,
    pub names: Vec<String>,
    pub inputs: Vec<String>,
    name: String,
    input: String,
}

impl Seen {
    /// Everything that it consists of.
    pub fn parts(&self) -> impl Iterator<Item = &String> {
        let Self {
            ids,
            names,
            inputs,
            name,
            input,
            ..
        } = self;
        ids.iter().chain(names).chain(inputs).chain([name, input])
    }

    /// All names it may go by.
    pub fn all_names(&self) -> impl Iterator<Item = &String> {
        self.names.iter().chain([&self.name])
    }

    /// All arguments it may be run with.
    pub fn all_inputs(&self) -> impl Iterator<Item = &String> {
        self.inputs.iter().chain([&self.input])
    }
}

/// How a client reads.
#[derive(Clone, Copy, Debug)]
pub struct Habits {
    lines: Lines,
    wins: Wins,
    /// Whether the name of an event counts, or the type in its data.
    by_name: bool,
}

impl Habits {
    pub fn all() -> impl Iterator<Item = Self> {
        Lines::ALL.into_iter().flat_map(|lines| {
            [Wins::First, Wins::Last].into_iter().flat_map(move |wins| {
                [true, false].map(move |by_name| Self {
                    lines,
                    wins,
                    by_name,
                })
            })
        })
    }

    /// All calls that a client with these habits may see in these bytes, whatever they are said to be.
    pub fn calls(self, dialect: Dialect, bytes: &[u8]) -> Vec<Seen> {
        let client = || Client {
            habits: self,
            dialect,
            calls: Vec::new(),
        };
        let mut streamed = client();
        for event in self.lines.read(bytes) {
            streamed.event(&event);
        }
        let mut whole = client();
        if let Some(reply) = Json::read(bytes) {
            whole.whole(&reply);
        }
        [streamed.calls, whole.calls].concat()
    }
}

struct Client {
    habits: Habits,
    dialect: Dialect,
    calls: Vec<Seen>,
}

impl Client {
    fn get<'a>(&self, json: &'a Json, name: &str) -> Option<&'a Json> {
        json.get(name, self.habits.wins)
    }

    fn text<'a>(&self, json: &'a Json, name: &str) -> Option<&'a str> {
        self.get(json, name)?.text()
    }

    fn list<'a>(&self, json: &'a Json, name: &str) -> Vec<&'a Json> {
        self.get(json, name).map(Json::elements).unwrap_or_default()
    }

    /// The call of this key, begun if there is none.
    fn call(&mut self, key: &str) -> &mut Seen {
        let place = self.calls.iter().rposition(|seen| seen.key == key);
        let place = place.unwrap_or_else(|| {
            self.calls.push(Seen {
                key: key.to_owned(),
                ..Seen::default()
            });
            self.calls.len() - 1
        });
        &mut self.calls[place]
    }

    fn event(&mut self, event: &Event) {
        for json in Json::read_all(event.data.as_bytes()) {
            self.json(event.name.as_deref(), &json);
            self.deep(&json);
        }
    }

    fn json(&mut self, name: Option<&str>, json: &Json) {
        if let Json::List(all) = json {
            for json in all {
                self.json(name, json);
            }
            return;
        }
        let kind = if self.habits.by_name {
            name
        } else {
            self.text(json, "type")
        };
        let kind = kind.unwrap_or_default().to_lowercase();
        match self.dialect {
            Dialect::Anthropic => self.anthropic(&kind, json),
            Dialect::Chat => self.chat(json),
            _ => self.responses(&kind, json),
        }
    }

    fn whole(&mut self, json: &Json) {
        match self.dialect {
            Dialect::Anthropic => {
                for block in self.list(json, "content") {
                    self.block("whole", block);
                }
            }
            Dialect::Chat => self.chat(json),
            _ => {
                for item in self.list(json, "output") {
                    self.item("whole", item);
                }
            }
        }
        self.deep(json);
    }

    /// Where an event says that it belongs.
    fn place(&self, json: &Json, name: &str) -> String {
        self.get(json, name).map(Json::written).unwrap_or_default()
    }

    fn anthropic(&mut self, kind: &str, json: &Json) {
        let place = self.place(json, "index");
        match kind {
            "message_start" => {
                for message in self.list(json, "message") {
                    for block in self.list(message, "content") {
                        self.block("message", block);
                    }
                }
            }
            "content_block_start" => {
                if let Some(block) = self.get(json, "content_block") {
                    self.block(&place, block);
                }
            }
            "content_block_delta" => {
                let piece = self
                    .get(json, "delta")
                    .and_then(|delta| self.text(delta, "partial_json"));
                if let Some(piece) = piece.map(str::to_owned) {
                    self.call(&place).more(&piece);
                }
            }
            _ => {}
        }
    }

    fn block(&mut self, place: &str, block: &Json) {
        let kind = self.text(block, "type").unwrap_or_default();
        if kind != "tool_use"
            && (self.get(block, "name").is_none() || self.get(block, "input").is_none())
        {
            return;
        }
        let mut seen = Seen {
            key: place.to_owned(),
            ..Seen::default()
        };
        seen.ids.extend(self.text(block, "id").map(str::to_owned));
        seen.names
            .extend(self.text(block, "name").map(str::to_owned));
        seen.inputs.extend(self.get(block, "input").map(as_text));
        self.calls.push(seen);
    }

    fn chat(&mut self, json: &Json) {
        for (place, choice) in self.list(json, "choices").into_iter().enumerate() {
            let number = match self.get(choice, "index") {
                Some(index) => index.written(),
                None => place.to_string(),
            };
            for holder in ["delta", "message"] {
                let Some(holder) = self.get(choice, holder) else {
                    continue;
                };
                if let Some(legacy) = self.get(holder, "function_call") {
                    self.chat_call(&format!("{number} legacy"), legacy);
                }
                for (place, call) in self.list(holder, "tool_calls").into_iter().enumerate() {
                    let index = match self.get(call, "index") {
                        Some(index) => index.written(),
                        None => place.to_string(),
                    };
                    self.chat_call(&format!("{number} {index}"), call);
                }
            }
        }
    }

    fn chat_call(&mut self, key: &str, json: &Json) {
        let (mut ids, mut names, mut inputs) = (Vec::new(), Vec::new(), Vec::new());
        ids.extend(self.text(json, "id").map(str::to_owned));
        for holder in json.elements() {
            names.extend(self.text(holder, "name").map(str::to_owned));
            for name in ["arguments", "input"] {
                inputs.extend(self.get(holder, name).map(as_text));
            }
        }
        if ids.is_empty() && names.is_empty() && inputs.is_empty() {
            return;
        }
        let call = self.call(key);
        call.ids.extend(ids);
        for name in names {
            call.name.push_str(&name);
            call.names.push(name);
        }
        for input in inputs {
            call.more(&input);
        }
    }

    fn responses(&mut self, kind: &str, json: &Json) {
        let place = self.place(json, "output_index");
        match kind {
            "response.function_call_arguments.delta" | "response.custom_tool_call_input.delta" => {
                if let Some(piece) = self.text(json, "delta").map(str::to_owned) {
                    self.call(&place).more(&piece);
                }
            }
            "response.function_call_arguments.done" | "response.custom_tool_call_input.done" => {
                let inputs = ["arguments", "input"].map(|name| self.get(json, name).map(as_text));
                let names = self.text(json, "name").map(str::to_owned);
                let call = self.call(&place);
                call.inputs.extend(inputs.into_iter().flatten());
                call.names.extend(names);
            }
            _ => {}
        }
        if let Some(item) = self.get(json, "item") {
            self.item(&place, item);
        }
        if let Some(part) = self.get(json, "part") {
            self.item(&place, part);
        }
        if let Some(response) = self.get(json, "response") {
            for item in self.list(response, "output") {
                self.item("output", item);
            }
        }
    }

    fn item(&mut self, place: &str, item: &Json) {
        for part in self.list(item, "content") {
            self.item(place, part);
        }
        let names = ["arguments", "input", "action", "operation"];
        let inputs: Vec<_> = names
            .iter()
            .filter_map(|name| self.get(item, name))
            .map(as_text)
            .collect();
        let kind = self.text(item, "type").unwrap_or_default();
        if inputs.is_empty() && !kind.ends_with("_call") {
            return;
        }
        let mut seen = Seen {
            key: place.to_owned(),
            inputs,
            ..Seen::default()
        };
        for name in ["id", "call_id"] {
            seen.ids.extend(self.text(item, name).map(str::to_owned));
        }
        seen.names
            .extend(self.text(item, "name").map(str::to_owned));
        self.calls.push(seen);
    }

    /// Whatever has a name and arguments, wherever it stands.
    fn deep(&mut self, json: &Json) {
        let inputs: Vec<_> = ["arguments", "input", "action", "operation"]
            .iter()
            .filter_map(|name| self.get(json, name))
            .map(as_text)
            .collect();
        let names: Vec<_> = self
            .text(json, "name")
            .map(str::to_owned)
            .into_iter()
            .collect();
        if !names.is_empty() && !inputs.is_empty() {
            self.calls.push(Seen {
                key: "deep".to_owned(),
                names,
                inputs,
                ..Seen::default()
            });
        }
        for child in json.children() {
            self.deep(child);
        }
    }
}

impl Seen {
    fn more(&mut self, piece: &str) {
        self.input.push_str(piece);
    }
}

/// Arguments as text: a string is what it says.
fn as_text(json: &Json) -> String {
    match json {
        Json::Text(text) => text.clone(),
        json => json.written(),
    }
}
