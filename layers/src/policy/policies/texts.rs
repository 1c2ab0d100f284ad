//! The texts of a request, and of the arguments of a call: where they stand, and how others are put in their place.
//!
//! What a machine must find as it was is no text: ids, names, types, seals, pictures, and what the model has thought.

use luthien_core::{
    json::{Document, Edits, Json, JsonStr, Kind, Limits, quote},
    request::{Block, Content, LlmRequest, Role, ToolInput},
};

/// Who has put a text into a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The person, or the system.
    Told,
    /// A tool, with its result.
    Result,
    /// The model.
    Said,
    /// The model, as the arguments of a call.
    Call,
    /// Whoever describes the tools on offer.
    Offer,
}

/// Shows every text of a request, and puts in its place what `change` makes of it.
pub(super) fn edit(
    request: &LlmRequest,
    change: &mut dyn FnMut(Place, &str) -> Option<String>,
) -> Edits {
    let mut edits = Edits::default();
    let mut texts = Texts {
        edits: &mut edits,
        change,
    };
    for block in request.system() {
        texts.block(Place::Told, &block);
    }
    for message in request.messages() {
        let place = match message.role {
            Role::Assistant => Place::Said,
            Role::Tool | Role::Other => Place::Result,
            _ => Place::Told,
        };
        for block in message.blocks() {
            texts.block(place, &block);
        }
    }
    for tool in request.tools() {
        texts.below(Place::Offer, tool.json);
    }
    // What the client believes that the reply will be: a file, mostly.
    if let Some(prediction) = request.root().get("prediction") {
        texts.below(Place::Told, prediction);
    }
    edits
}

struct Texts<'a> {
    edits: &'a mut Edits,
    change: &'a mut dyn FnMut(Place, &str) -> Option<String>,
}

impl Texts<'_> {
    fn block(&mut self, place: Place, block: &Block<'_>) {
        match block.content {
            Content::Text { text } | Content::Refusal { text: Some(text) } => {
                self.string(place, block.json, text);
            }
            Content::ToolResult(result) => {
                if let Some(content) = result.content {
                    self.below(Place::Result, content);
                }
            }
            Content::ToolCall(call) => match call.input {
                ToolInput::Json(input) => self.all(Place::Call, input),
                ToolInput::Text(text) => self.arguments(block.json, text),
                ToolInput::Free(text) => self.string(Place::Call, block.json, text),
                ToolInput::Missing => {}
            },
            Content::Document | Content::Unknown => self.below(place, block.json),
            // Sealed, or not text, or the provider's own.
            _ => {}
        }
    }

    /// Everything inside that a person or a model may read.
    fn below(&mut self, place: Place, json: Json<'_>) {
        match json.kind() {
            Kind::String => self.at(place, json),
            Kind::Array => json.items().for_each(|item| self.below(place, item)),
            Kind::Object if !is_sealed(json) => {
                let members = json.members().filter(|(key, _)| !is_machinery(*key));
                members.for_each(|(_, value)| self.below(place, value));
            }
            _ => {}
        }
    }

    /// Every string inside.
    fn all(&mut self, place: Place, json: Json<'_>) {
        match json.kind() {
            Kind::String => self.at(place, json),
            Kind::Array => json.items().for_each(|item| self.all(place, item)),
            Kind::Object => json.members().for_each(|(_, value)| self.all(place, value)),
            _ => {}
        }
    }

    fn at(&mut self, place: Place, json: Json<'_>) {
        let changed = json
            .as_str()
            .and_then(|text| (self.change)(place, &text.decode()));
        if let Some(changed) = changed {
            self.edits.replace(json, quote(&changed));
        }
    }

    /// A text that stands somewhere in a block.
    fn string(&mut self, place: Place, block: Json<'_>, text: JsonStr<'_>) {
        if let Some(changed) = (self.change)(place, &text.decode())
            && let Some(json) = place_of(block, text)
        {
            self.edits.replace(json, quote(&changed));
        }
    }

    /// Arguments that are written as JSON in a string.
    fn arguments(&mut self, block: Json<'_>, text: JsonStr<'_>) {
        let change = &mut *self.change;
        let changed = in_arguments(&text.decode(), &mut |text| change(Place::Call, text));
        if let Some(changed) = changed
            && let Some(json) = place_of(block, text)
        {
            self.edits.replace(json, quote(&changed));
        }
    }
}

/// The value in `json` that is this very string.
fn place_of<'a>(json: Json<'a>, text: JsonStr<'_>) -> Option<Json<'a>> {
    match json.kind() {
        Kind::String => {
            let is_it = |found: JsonStr<'_>| std::ptr::eq(found.raw(), text.raw());
            json.as_str().is_some_and(is_it).then_some(json)
        }
        Kind::Array => json.items().find_map(|item| place_of(item, text)),
        Kind::Object => json.members().find_map(|(_, value)| place_of(value, text)),
        _ => None,
    }
}

/// Pictures, sound, thoughts, and files that are not written in letters.
fn is_sealed(json: Json<'_>) -> bool {
    const SEALED: [&str; 12] = [
        "image",
        "image_url",
        "input_image",
        "audio",
        "input_audio",
        "thinking",
        "redacted_thinking",
        "reasoning",
        "reasoning_text",
        "base64",
        "url",
        "encrypted_content",
    ];
    json.get("type")
        .is_some_and(|kind| SEALED.iter().any(|sealed| kind.is_str(sealed)))
}

fn is_machinery(key: JsonStr<'_>) -> bool {
    const MACHINERY: [&str; 17] = [
        "type",
        "id",
        "role",
        "name",
        "status",
        "signature",
        "encrypted_content",
        "media_type",
        "mime_type",
        "call_id",
        "tool_use_id",
        "tool_call_id",
        "cache_control",
        "file_id",
        "file_data",
        "image_url",
        "format",
    ];
    MACHINERY.iter().any(|name| key.is(name))
}

/// The arguments of a call with other texts in them: where they are JSON, every string and number is one text, and all else
/// stays as it stands; where they are not, the whole is. `None` if nothing changes.
pub(super) fn in_arguments(
    arguments: &str,
    change: &mut dyn FnMut(&str) -> Option<String>,
) -> Option<String> {
    let document = Document::parse(arguments.as_bytes().to_vec().into(), &Limits::default());
    let document = document
        .ok()
        .filter(|document| matches!(document.root().kind(), Kind::Object | Kind::Array));
    let Some(document) = document else {
        return change(arguments);
    };
    let mut edits = Edits::default();
    inside(document.root(), &mut edits, change);
    if edits.is_empty() {
        return None;
    }
    String::from_utf8(edits.apply(document.bytes()).to_vec()).ok()
}

fn inside(json: Json<'_>, edits: &mut Edits, change: &mut dyn FnMut(&str) -> Option<String>) {
    let changed = match json.kind() {
        Kind::String => json.as_str().and_then(|text| change(&text.decode())),
        Kind::Number => std::str::from_utf8(json.text()).ok().and_then(change),
        Kind::Array => return json.items().for_each(|item| inside(item, edits, change)),
        Kind::Object => {
            return json
                .members()
                .for_each(|(_, value)| inside(value, edits, change));
        }
        Kind::Bool | Kind::Null => None,
    };
    if let Some(changed) = changed {
        edits.replace(json, quote(&changed));
    }
}
