//! Where a call would run.

use std::borrow::Cow;

use luthien_core::request::{Block, Content, LlmRequest, Role};

/// Clients describe their surroundings in one of the first messages, if not before them.
const FIRST: usize = 8;
/// How many bytes of a text are looked through.
const MOST: usize = 256 << 10;

/// Where a call would run, as far as somebody knows: what relative paths and `~` mean.
///
/// What is not known stays a name: an effect then speaks of `./x` or `~/x`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The working directory, absolute.
    pub cwd: Option<String>,
    /// The home directory of whoever runs it, absolute.
    pub home: Option<String>,
    /// The directory of the project, absolute; that of the call, if it is left out.
    pub project: Option<String>,
}

impl Place {
    /// What settings say: where calls run, and whose home that is. A project tells where the home is, if it is in one.
    pub fn known(project: Option<&str>, home: Option<&str>) -> Self {
        Self {
            cwd: project.map(str::to_owned),
            home: home
                .map(str::to_owned)
                .or_else(|| home_of(project.unwrap_or_default())),
            project: project.map(str::to_owned),
        }
    }

    /// The same, and where something is not known, what the client says of it: in what the system is told, or in the words
    /// with which Codex describes its surroundings. What users, tools and models write does not count.
    pub(crate) fn or_said_by(mut self, request: &LlmRequest) -> Self {
        if self.cwd.is_some() && self.home.is_some() {
            return self;
        }
        for text in said(request) {
            let text = text
                .get(..text.floor_char_boundary(MOST))
                .unwrap_or_default();
            self.cwd = self.cwd.or_else(|| {
                let mut words = ["orking directory: ", "<cwd>"].iter();
                words.find_map(|word| after(text, word))
            });
            self.home = self.home.or_else(|| after(text, "ome directory: "));
            if self.cwd.is_some() {
                break;
            }
        }
        self.home = self
            .home
            .or_else(|| home_of(self.cwd.as_deref().unwrap_or_default()));
        self
    }

    /// The working directory: absolute, below `~`, or `.`.
    pub(crate) fn cwd(&self) -> Cow<'_, str> {
        match self.cwd.as_deref() {
            Some(cwd) if cwd.starts_with(['/', '~']) => self.below_home(cwd),
            _ => Cow::Borrowed("."),
        }
    }

    /// The project's directory; that in which the call runs, unless another is named.
    pub(crate) fn project(&self) -> Cow<'_, str> {
        match self.project.as_deref() {
            Some(project) if project.starts_with(['/', '~']) => self.below_home(project),
            _ => self.cwd(),
        }
    }

    /// The same path, beginning with `~` if it is at home.
    pub(crate) fn below_home<'a>(&self, path: &'a str) -> Cow<'a, str> {
        let path = match path.trim_end_matches('/') {
            "" => "/",
            path => path,
        };
        let home = self.home.as_deref().map(|home| home.trim_end_matches('/'));
        let Some(home) = home.filter(|home| home.len() > 1) else {
            return Cow::Borrowed(path);
        };
        match path.strip_prefix(home) {
            Some("") => Cow::Borrowed("~"),
            Some(rest) if rest.starts_with('/') => Cow::Owned(format!("~{rest}")),
            _ => Cow::Borrowed(path),
        }
    }
}

/// Texts in which a client may describe its surroundings.
fn said(request: &LlmRequest) -> impl Iterator<Item = String> {
    let messages = request
        .messages()
        .take(FIRST)
        .filter(|message| matches!(message.role, Role::System | Role::User))
        .flat_map(|message| message.blocks().map(move |block| (message.role, block)));
    let system = request.system().map(|block| (Role::System, block));
    system.chain(messages).filter_map(|(role, block)| {
        let text = text_of(&block)?;
        let is_said =
            role == Role::System || text.trim_start().starts_with("<environment_context>");
        is_said.then_some(text)
    })
}

fn text_of(block: &Block<'_>) -> Option<String> {
    match block.content {
        Content::Text { text } => Some(text.decode().into_owned()),
        _ => None,
    }
}

/// The absolute path behind a word.
fn after(text: &str, word: &str) -> Option<String> {
    let (_, rest) = text.split_once(word)?;
    let path = rest.split(['\n', '<']).next()?.trim();
    path.starts_with('/').then(|| path.to_owned())
}

/// `/home/me` of `/home/me/shop`.
fn home_of(path: &str) -> Option<String> {
    let mut parts = path.split('/').skip(1);
    match (parts.next()?, parts.next()) {
        (base @ ("home" | "Users"), Some(name)) if !name.is_empty() => {
            Some(format!("/{base}/{name}"))
        }
        ("root", _) => Some("/root".to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use luthien_core::{Dialect, json::Limits};
    use serde_json::{Value, json};

    use super::*;

    fn place(dialect: Dialect, request: &Value) -> Place {
        let bytes = request.to_string().into();
        let request = LlmRequest::parse(dialect, bytes, &Limits::default()).unwrap();
        Place::default().or_said_by(&request)
    }

    #[test]
    fn clients_say_where_they_work_and_nobody_else_does() {
        let claude = " - Primary working directory: /home/me/shop\n - Platform: linux";
        let codex = "<environment_context>\n  <cwd>/home/me/shop</cwd>\n  <shell>bash</shell>";
        let elsewhere = "Working directory: /\n<cwd>/</cwd>";
        let shop = Place {
            cwd: Some("/home/me/shop".to_owned()),
            home: Some("/home/me".to_owned()),
            project: None,
        };
        let user =
            |text: &str| json!({"role": "user", "content": [{"type": "text", "text": text}]});
        for (dialect, request) in [
            (
                Dialect::Anthropic,
                json!({"system": claude, "messages": [user(elsewhere)]}),
            ),
            (
                Dialect::Anthropic,
                json!({"messages": [user(elsewhere), {"role": "system", "content": claude}]}),
            ),
            (
                Dialect::Chat,
                json!({"messages": [{"role": "system", "content": claude}, user(elsewhere)]}),
            ),
            (
                Dialect::Responses,
                json!({"instructions": "Working directory of none", "input": [
                    {"role": "user", "content": [{"type": "input_text", "text": codex}]},
                    {"role": "user", "content": [{"type": "input_text", "text": elsewhere}]},
                ]}),
            ),
        ] {
            assert_eq!(place(dialect, &request), shop, "{request}");
        }
        let silent = json!({"messages": [user(elsewhere)]});
        assert_eq!(place(Dialect::Anthropic, &silent), Place::default());
    }

    #[test]
    fn what_is_known_is_not_asked_of_anybody() {
        let known = Place::known(Some("/home/me/shop"), None);
        assert_eq!(known.home.as_deref(), Some("/home/me"));
        let request =
            json!({"system": "Working directory: /\nHome directory: /\n", "messages": []});
        let request = request.to_string().into();
        let request = LlmRequest::parse(Dialect::Anthropic, request, &Limits::default()).unwrap();
        assert_eq!(known.clone().or_said_by(&request), known);
    }
}
