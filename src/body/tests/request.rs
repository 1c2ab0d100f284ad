//! What goes up: a call, or a body that nobody reads.

use bytes::Bytes;

use super::*;
use crate::request::LlmBody;

#[test]
fn an_unread_body_streams_through_and_keeps_its_hints() {
    let frames = || ScriptedBody::of([Bytes::from("a"), Bytes::from("b")]).with_hint(true);
    let mut body = LlmBody::opaque(frames());
    assert!(body.try_clone().is_none());
    assert_eq!(
        now(body.frame()).unwrap().unwrap().into_data().unwrap(),
        "a"
    );
    assert!(!body.is_end_stream());
    assert_eq!(
        now(body.frame()).unwrap().unwrap().into_data().unwrap(),
        "b"
    );
    assert!(body.is_end_stream());
    let empty = LlmBody::opaque(http_body_util::Empty::new());
    assert!(empty.is_end_stream() && empty.try_clone().is_some());
}

#[test]
fn a_call_is_sent_as_one_frame_of_known_length_and_forgotten() {
    let request =
        crate::request::LlmRequest::parse(Dialect::Chat, "{\"a\":1}".into(), &Default::default())
            .unwrap();
    let mut body = LlmBody::from(request);
    assert_eq!(body.size_hint().exact(), Some(7));
    assert_eq!(
        now(body.frame()).unwrap().unwrap().into_data().unwrap(),
        "{\"a\":1}"
    );
    assert!(body.is_end_stream() && body.call().is_none());
    assert_eq!(body.size_hint().exact(), Some(0));
    assert!(now(body.frame()).is_none());
}
