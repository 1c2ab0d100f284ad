use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

use http::{Request, StatusCode, Uri};
use luthien::{
    limit::Repair,
    policy::{Answer, CallerCredential, JudgeError, JudgeModel, Question, Sessions},
};
use luthien_core::{
    facts::{Caller, ExchangeId, Purpose, SessionId, UserId},
    reply::Usage,
    request::LlmBody,
};

/// What is known of an exchange beside its request and its reply. By default, nothing.
pub(crate) struct Around {
    /// What policies remember of conversations.
    pub(crate) sessions: Sessions,
    pub(crate) facts: Facts,
    /// What models have answered that policies have asked.
    pub(crate) answers: Option<Answers>,
    /// The status of the provider's reply.
    pub(crate) status: StatusCode,
    /// Where the request goes; else the path of its dialect.
    pub(crate) path: Option<Uri>,
    /// What is put right in requests.
    pub(crate) repair: Repair,
}

impl Default for Around {
    fn default() -> Self {
        Self {
            sessions: Sessions::default(),
            facts: Facts::default(),
            answers: None,
            status: StatusCode::OK,
            path: None,
            // What is tried out are policies, and not what is put right beside.
            repair: Repair {
                duplicate_tools: false,
                orphan_tool_results: false,
            },
        }
    }
}

/// What layers had found out about an exchange.
#[derive(Clone, Default)]
pub(crate) struct Facts {
    pub(crate) id: Option<ExchangeId>,
    pub(crate) caller: Option<Caller>,
    pub(crate) user: Option<UserId>,
    pub(crate) session: Option<SessionId>,
    pub(crate) purpose: Option<Purpose>,
}

impl Facts {
    /// A request of which these are known. Of what is not, what the request itself tells.
    pub(super) fn told(&self, mut request: Request<LlmBody>) -> Request<LlmBody> {
        let known = request.extensions_mut();
        self.id.clone().map(|id| known.insert(id));
        self.caller.clone().map(|caller| known.insert(caller));
        self.user.clone().map(|user| known.insert(user));
        self.session.clone().map(|session| known.insert(session));
        self.purpose.clone().map(|purpose| known.insert(purpose));
        request
    }
}

/// Answers of models to the questions of policies, by the model and by what it was shown. Who asks something else gets none.
#[derive(Clone, Default)]
pub(crate) struct Answers(Arc<Mutex<Given>>);

#[derive(Default)]
struct Given {
    answers: BTreeMap<(String, String), VecDeque<String>>,
    unanswered: u64,
}

impl Answers {
    /// This model was shown `asked`, and has answered so.
    pub(crate) fn add(&self, model: &str, asked: &str, answered: &str) {
        let question = (model.to_owned(), asked.to_owned());
        let answers = &mut self.given().answers;
        answers
            .entry(question)
            .or_default()
            .push_back(answered.to_owned());
    }

    /// How many questions were asked to which no answer is known.
    pub(crate) fn unanswered(&self) -> u64 {
        self.given().unanswered
    }

    fn given(&self) -> std::sync::MutexGuard<'_, Given> {
        // A map and a number, neither of which is ever left half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, question: &Question) -> Result<Answer, JudgeError> {
        let mut given = self.given();
        let asked = (question.model.to_string(), question.content.to_string());
        let answers = given.answers.get_mut(&asked);
        // If several policies ask the same, each gets its own answer; the last one serves whoever asks again.
        let answer = answers.and_then(|answers| match answers.len() {
            0 | 1 => answers.front().cloned(),
            _ => answers.pop_front(),
        });
        match answer {
            Some(json) if json.starts_with('{') => Ok(Answer {
                json,
                usage: Usage::default(),
            }),
            // What stands there otherwise is why there was no answer.
            Some(failure) => Err(JudgeError::Unreadable(failure)),
            None => {
                given.unanswered += 1;
                Err(JudgeError::Unconfigured)
            }
        }
    }
}

impl JudgeModel for Answers {
    async fn ask(&self, question: &Question, _: &CallerCredential) -> Result<Answer, JudgeError> {
        self.answer(question)
    }
}
