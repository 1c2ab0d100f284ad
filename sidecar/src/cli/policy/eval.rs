//! `luthien policy eval`.

use std::{
    io::{self, BufRead, Write},
    process::ExitCode,
};

use bytes::Bytes;
use clap::Args;
use luthien::policy::{
    PolicySettings, ToolCall,
    effects::{Effects, Place},
};
use luthien_core::{
    Dialect,
    decision::{Outcome, Phase},
    json::{Document, Json, Kind, Limits},
};
use serde_json::Value;
use tokio::runtime::Builder;

use super::{Failure, Settings, chosen::Uses};
use crate::{
    policy::why,
    trial::{Scenario, Trial, Tried},
};

pub(super) const HELP: &str = r#"A line in:   {"id":1,"tool":"Bash","input":{"command":"ls"},"cwd":"/src","home":"/home/me"}
A line out:  {"id":1,"verdict":"allow","policy":null,"reason":"","effects":["exec(ls)"]}

  id       Anything; it comes back as it is.
  tool     The tool's name.
  input    Its arguments: an object, or the text of a tool that takes free text.
  cwd      Where it would run, and whose home that is; what the configuration says under `policy`,
  home     if they are left out.

  verdict  allow    It may run.
           modify   It may run with the "input" that then stands in the answer.
           block    It may not.
           error    Nobody could judge it, for instance because a key stands twice in the line.
                    Treat it as block.
  policy   Who decided; null if nobody objected.
  reason   What the agent may read. What the operator reads is told by `luthien policy explain`.
  effects  What it would do, in short: "delete(~/x)", "exec(ls)", "opaque(unknown_code)".

Every line is judged by itself, as a call in the Anthropic dialect (free text: in that of the
Responses), and answered before the next is read. The end of the input ends it, with 0.

Examples:
  echo '{"tool":"Bash","input":{"command":"ls"}}' | luthien --config luthien.yaml policy eval
  luthien policy eval --use 'deny-tools={"tools":["mcp__prod__*"]}' < calls.jsonl
"#;

#[derive(Debug, Args)]
pub(in crate::cli) struct Eval {
    #[command(flatten)]
    uses: Uses,
    /// The model that is said to call, for conditions that ask.
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
}

pub(super) fn run(settings: &Settings, eval: &Eval) -> Result<ExitCode, Failure> {
    let mut trial = eval.uses.or_configured(settings)?;
    // Who asks has them.
    trial.settings.show_arguments = false;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let mut out = io::stdout().lock();
    for line in io::stdin().lock().split(b'\n') {
        let line = Bytes::from(line?);
        if line.trim_ascii().is_empty() {
            continue;
        }
        let answer = runtime.block_on(answer(&trial, eval.model.as_deref(), line));
        writeln!(out, "{answer}")?;
        out.flush()?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The answer to a line, in one line.
async fn answer(trial: &Trial, model: Option<&str>, line: Bytes) -> String {
    let document = match Document::parse(line, &Limits::default()) {
        Ok(document) => document,
        Err(error) => return Answer::error(error.to_string()).line("null"),
    };
    let root = document.root();
    let id = root.get("id").map_or_else(|| "null".to_owned(), raw);
    let answer = match Call::read(root) {
        Ok(call) => call.judge(trial, model).await,
        Err(error) => Answer::error(error.to_owned()),
    };
    answer.line(&id)
}

/// JSON as it stands there.
fn raw(json: Json<'_>) -> String {
    String::from_utf8_lossy(json.text()).into_owned()
}

/// What a line asks about.
struct Call {
    /// As JSON.
    tool: String,
    /// As JSON.
    input: String,
    /// The same as a client reads it: of a text, what it says.
    said: String,
    is_text: bool,
    /// The tool's name as a client reads it.
    name: String,
    cwd: Option<String>,
    home: Option<String>,
}

impl Call {
    fn read(line: Json<'_>) -> Result<Self, &'static str> {
        if line.kind() != Kind::Object {
            return Err("the line is no object");
        }
        for name in ["cwd", "home"] {
            if line.get(name).is_some_and(|path| path.as_str().is_none()) {
                return Err("`cwd` and `home` are texts");
            }
        }
        let tool = line.get("tool").filter(|tool| tool.as_str().is_some());
        let path = |name: &str| {
            line.get(name)?
                .as_str()
                .map(|path| path.decode().into_owned())
        };
        let name = tool
            .and_then(|tool| tool.as_str())
            .map(|name| name.decode().into_owned());
        let input = line.get("input").ok_or("`input` is missing")?;
        let text = input.as_str().map(|text| text.decode().into_owned());
        if text.is_none() && input.kind() != Kind::Object {
            return Err("`input` is neither an object nor a text");
        }
        Ok(Self {
            tool: raw(tool.ok_or("`tool` is missing, or no text")?),
            input: raw(input),
            is_text: text.is_some(),
            name: name.unwrap_or_default(),
            cwd: path("cwd"),
            home: path("home"),
            said: text.unwrap_or_else(|| raw(input)),
        })
    }

    /// An exchange in which a model calls it, byte for byte, and nothing else.
    fn scenario(&self, model: Option<&str>) -> Scenario {
        let model = model.map_or_else(String::new, |model| {
            format!("\"model\":{},", Value::from(model))
        });
        let Self { tool, input, .. } = self;
        let (dialect, request, reply) = if self.is_text {
            let request = format!(r#"{{{model}"input":[]}}"#);
            let reply = format!(
                r#"{{"id":"resp_eval","object":"response","status":"completed","output":[{{"id":"ctc_01","type":"custom_tool_call","status":"completed","call_id":"call_01","name":{tool},"input":{input}}}]}}"#
            );
            (Dialect::Responses, request, reply)
        } else {
            let request = format!(r#"{{{model}"max_tokens":1,"messages":[]}}"#);
            let reply = format!(
                r#"{{"id":"msg_eval","type":"message","role":"assistant","content":[{{"type":"tool_use","id":"toolu_01","name":{tool},"input":{input}}}],"stop_reason":"tool_use"}}"#
            );
            (Dialect::Anthropic, request, reply)
        };
        Scenario {
            dialect,
            request: request.into(),
            reply: vec![reply.into()],
            streamed: false,
        }
    }

    /// Those of the set, in this call's place.
    fn settings(&self, settings: &PolicySettings) -> PolicySettings {
        PolicySettings {
            project: self.cwd.clone().or_else(|| settings.project.clone()),
            home: self.home.clone().or_else(|| settings.home.clone()),
            ..settings.clone()
        }
    }

    /// What it would do, in short, as JSON.
    fn effects(&self, settings: &PolicySettings) -> Value {
        let call = ToolCall::new(self.name.as_str(), self.said.as_str());
        let place = Place::known(settings.project.as_deref(), settings.home.as_deref());
        let effects = Effects::of(&call, &place);
        effects.iter().map(ToString::to_string).collect()
    }

    async fn judge(&self, trial: &Trial, model: Option<&str>) -> Answer {
        let settings = self.settings(&trial.settings);
        let trial = Trial {
            entries: trial.entries.clone(),
            settings: settings.clone(),
        };
        let tried = trial.run(&self.scenario(model)).await;
        let Tried { asked, seen, .. } = &tried;
        if asked.is_none() {
            return Answer::error("a policy refuses the request before it".to_owned());
        }
        let said = seen.error.as_ref().unwrap_or(&seen.text);
        let verdict = match seen.calls.as_slice() {
            [] => "block",
            [call, ..] if call.input == self.said => "allow",
            [_, ..] => "modify",
        };
        let input = seen.calls.first().filter(|_| verdict == "modify");
        Answer {
            verdict,
            effects: self.effects(&settings),
            policy: tried
                .applied()
                .find(|decision| decision.phase == Phase::ToolCall)
                .map(|decision| decision.policy.to_string()),
            reason: if said.is_empty() {
                unjudged(&tried)
            } else {
                said.clone()
            },
            input: input.map(|call| {
                if self.is_text {
                    Value::from(&*call.input).to_string()
                } else {
                    call.input.clone()
                }
            }),
        }
    }
}

/// What nobody could look at, and what passes all the same: to be told apart from what was found good.
fn unjudged(tried: &Tried) -> String {
    let failed = tried
        .decisions
        .iter()
        .filter(|decision| matches!(decision.outcome, Outcome::Failed(_)));
    let failed: Vec<_> = failed
        .map(|decision| {
            let why = why(decision.outcome).unwrap_or_default();
            format!("{} could not judge it ({why})", decision.policy)
        })
        .collect();
    failed.join("; ")
}

struct Answer {
    verdict: &'static str,
    policy: Option<String>,
    reason: String,
    /// As JSON.
    effects: Value,
    /// As JSON, if it is another one.
    input: Option<String>,
}

impl Answer {
    fn error(reason: String) -> Self {
        Self {
            verdict: "error",
            policy: None,
            reason,
            effects: Value::Array(Vec::new()),
            input: None,
        }
    }

    fn line(&self, id: &str) -> String {
        let Self {
            verdict,
            policy,
            reason,
            effects,
            input,
        } = self;
        let policy = Value::from(policy.as_deref());
        let reason = Value::from(&**reason);
        let input = input.as_ref().map(|input| format!(r#","input":{input}"#));
        let input = input.unwrap_or_default();
        format!(
            r#"{{"id":{id},"verdict":"{verdict}","policy":{policy},"reason":{reason},"effects":{effects}{input}}}"#
        )
    }
}
