//! What the same test needs to know of each client.

use serde_json::Value;

use super::history::{self, Said};
use crate::{
    claude_code::{self, Claude, bash, result, results},
    codex::{Codex, outputs, shell},
    model::Say,
    run::{Agent, Desk, Ran},
    support::http1::Message,
};

/// What a client is told in its second turn.
pub const NEXT: &str = "Now to the next question.";

pub fn is_next(body: &Value) -> bool {
    body.to_string().contains(NEXT)
}

/// An agent that is told to do something, and then something else.
pub trait Told: Agent + Sized {
    /// `Do it.`, and that it need ask nobody before it runs a command.
    const FIRST: &'static [&'static str];
    /// [`NEXT`], in the same session.
    const NEXT: &'static [&'static str];
    /// The tool that runs commands,
    const TOOL: &'static str;
    /// and its argument.
    const ARGUMENT: &'static str;

    /// A call that runs a command.
    fn call(id: &'static str, command: &str) -> Say;

    /// A call that reads a file of the folder to work in, in answer to this request.
    fn read(id: &'static str, file: &str, body: &Value) -> Say;

    /// What calls have come to, as a request says it.
    fn outputs(body: &Value) -> Vec<String>;

    /// The arguments of all calls in a request.
    fn arguments(body: &Value) -> Vec<Value>;

    /// What the model is said to have said, in a request that its provider can accept.
    fn said(request: &Message) -> Vec<Said>;

    /// What is shown of a refused request.
    fn refused(ran: &Ran) -> String;

    /// The commands that were called for.
    fn commands(body: &Value) -> Vec<String> {
        let arguments = Self::arguments(body).into_iter();
        let commands = arguments.filter_map(|input| Some(input[Self::ARGUMENT].as_str()?.into()));
        commands.collect()
    }
}

impl Told for Claude {
    const FIRST: &'static [&'static str] = &["--allowedTools", "Bash", "-p", "Do it."];
    const NEXT: &'static [&'static str] = &["--allowedTools", "Bash", "--continue", "-p", NEXT];
    const TOOL: &'static str = "Bash";
    const ARGUMENT: &'static str = "command";

    fn call(id: &'static str, command: &str) -> Say {
        bash(id, command)
    }

    fn read(id: &'static str, file: &str, body: &Value) -> Say {
        let path = format!("{}/{file}", claude_code::folder(body));
        Say::Call(id, "Read", serde_json::json!({ "file_path": path }))
    }

    fn outputs(body: &Value) -> Vec<String> {
        let results = results(body).into_iter();
        results.map(|result| result.to_string()).collect()
    }

    fn arguments(body: &Value) -> Vec<Value> {
        let messages = body["messages"].as_array().unwrap().iter();
        let blocks = messages.filter_map(|message| message["content"].as_array());
        let calls = blocks.flatten().filter(|block| block["type"] == "tool_use");
        calls.map(|call| call["input"].clone()).collect()
    }

    fn said(request: &Message) -> Vec<Said> {
        history::anthropic(request)
    }

    fn refused(ran: &Ran) -> String {
        assert_eq!(result(ran)["api_error_status"], 451);
        Claude::words(ran).to_owned()
    }
}

impl Told for Codex {
    const FIRST: &'static [&'static str] = &["Do it."];
    const NEXT: &'static [&'static str] = &["resume", "--last", NEXT];
    const TOOL: &'static str = "exec_command";
    const ARGUMENT: &'static str = "cmd";

    fn call(id: &'static str, command: &str) -> Say {
        shell(id, command)
    }

    fn read(id: &'static str, file: &str, _: &Value) -> Say {
        shell(id, &format!("cat {file}"))
    }

    fn outputs(body: &Value) -> Vec<String> {
        outputs(body)
            .into_iter()
            .map(|(_, output)| output)
            .collect()
    }

    fn arguments(body: &Value) -> Vec<Value> {
        let items = body["input"].as_array().unwrap().iter();
        let calls = items.filter(|item| item["type"] == "function_call");
        calls
            .map(|call| serde_json::from_str(call["arguments"].as_str().unwrap()).unwrap())
            .collect()
    }

    fn said(request: &Message) -> Vec<Said> {
        history::responses(request)
    }

    fn refused(ran: &Ran) -> String {
        let failed = ran.line("a failure", |line| line["type"] == "turn.failed");
        let message = failed["error"]["message"].as_str().unwrap();
        let message: Value = serde_json::from_str(message).unwrap();
        message["error"]["message"].as_str().unwrap().to_owned()
    }
}

pub async fn first<A: Told>(desk: &Desk<A>) -> Ran {
    desk.turn(A::FIRST).await
}

/// The next turn ends well, and the provider can accept what it was sent; what the model is said to have said.
pub async fn next<A: Told>(desk: &Desk<A>, session: &str) -> Vec<Said> {
    let ran = desk.turn(A::NEXT).await.well();
    assert_eq!((A::words(&ran), A::session(&ran)), ("Hello there", session));
    let seen = desk.provider.seen();
    A::checked(&seen, session);
    A::said(seen.last().unwrap())
}
