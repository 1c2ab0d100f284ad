//! What is known of a request, out of its head and of what other layers found out.

use http::{Request, header::USER_AGENT};
use luthien_core::{
    facts::{Caller, ClientAddr, Purpose, SessionId, UserId},
    request::LlmBody,
};

use super::{Asked, User};

/// The longest name of a program that is kept, in characters.
const LONGEST: usize = 256;

pub(super) fn of(request: &Request<LlmBody>) -> Asked {
    let call = request.body().call();
    let facts = request.extensions();
    let caller: Option<&Caller> = facts.get();
    let purpose: Option<&Purpose> = facts.get();
    let user: Option<&UserId> = facts.get();
    let agent = request.headers().get(USER_AGENT);
    Asked {
        dialect: call.map(|call| call.dialect().name().into()),
        method: request.method().as_str().into(),
        path: request.uri().path().into(),
        model: call.and_then(|call| call.model()).map(Into::into),
        stream: call.is_some_and(luthien_core::request::LlmRequest::stream),
        purpose: purpose.map(|purpose| purpose.name().into()),
        agent: match purpose {
            Some(Purpose::SubAgent { id: Some(id) }) => Some((&**id).into()),
            _ => None,
        },
        session: facts.get().map(|SessionId(id)| (&**id).into()),
        user: user.map(|user| User {
            id: (&*user.id).into(),
            trusted: user.trusted,
        }),
        caller: caller.map(|caller| caller.id().into()),
        key: match caller {
            Some(Caller::Key { name, .. }) => Some((&**name).into()),
            _ => None,
        },
        address: facts
            .get()
            .map(|ClientAddr(address)| address.to_string().into()),
        client: agent.and_then(|agent| agent.to_str().ok()).map(|agent| {
            let agent: String = agent.chars().take(LONGEST).collect();
            agent.into()
        }),
        request: None,
    }
}
