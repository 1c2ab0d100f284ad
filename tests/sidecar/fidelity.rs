//! What nobody changes arrives byte for byte, both ways.

use std::{
    fs,
    path::Path,
    sync::{Arc, Mutex},
};

use proptest::{
    collection::vec,
    prelude::{Strategy, any, prop_assert_eq},
    sample::select,
    test_runner::{Config, TestRunner},
};

use crate::support::{
    client::Client,
    http1::{Message, Reader},
    provider::Provider,
    replies::{Dialect, asked, cut, recorded, request},
    sha256,
    sidecar::Sidecar,
};

/// Headers of one hop, or that every hop sets for itself.
const OF_ONE_HOP: [&str; 4] = ["connection", "host", "content-length", "transfer-encoding"];

fn end_to_end(message: &Message) -> Vec<String> {
    let headers = message.headers.iter();
    let kept = headers.filter(|(name, _)| !OF_ONE_HOP.contains(&name.as_str()));
    let mut lines: Vec<_> = kept
        .map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value)))
        .collect();
    lines.sort();
    lines
}

/// What the client sent, but for the encodings of a reply that must be read.
fn as_sent(mut sent: Message) -> Vec<String> {
    let embeddings = sent.target().starts_with("/v1/embeddings");
    if !embeddings && !sent.target().contains("count_tokens") {
        sent.headers.retain(|(name, _)| name != "accept-encoding");
        sent.headers
            .push(("accept-encoding".into(), b"identity".into()));
    }
    end_to_end(&sent)
}

/// A request of a real client, as bytes. Bodies are written anew (they were kept as JSON), heads are not.
fn wire(request: &serde_json::Value) -> (Vec<u8>, Vec<u8>) {
    let body = match &request["body"] {
        serde_json::Value::Null => Vec::new(),
        body => serde_json::to_vec(body).unwrap(),
    };
    let (method, target) = (
        request["method"].as_str().unwrap(),
        request["target"].as_str().unwrap(),
    );
    let mut head = format!("{method} {target} HTTP/1.1\r\n");
    for header in request["headers"].as_array().unwrap() {
        let (name, value) = (header[0].as_str().unwrap(), header[1].as_str().unwrap());
        match name.to_lowercase().as_str() {
            "content-length" => head += &format!("{name}: {}\r\n", body.len()),
            "connection" | "transfer-encoding" => {}
            _ => head += &format!("{name}: {value}\r\n"),
        }
    }
    let length = memchr::memmem::find(head.to_lowercase().as_bytes(), b"content-length:");
    if length.is_none() && !body.is_empty() {
        head += &format!("content-length: {}\r\n", body.len());
    }
    head += "\r\n";
    ([head.as_bytes(), &body].concat(), body)
}

/// What the provider is to answer next, piece by piece.
#[derive(Clone, Default)]
struct Next(Arc<Mutex<(bool, Vec<Vec<u8>>)>>);

impl Next {
    fn set(&self, stream: bool, pieces: impl IntoIterator<Item = impl Into<Vec<u8>>>) {
        *self.0.lock().unwrap() = (stream, pieces.into_iter().map(Into::into).collect());
    }

    async fn provider(&self) -> Provider {
        let next = self.0.clone();
        Provider::start(move |_, mut wire| {
            let (stream, pieces) = next.lock().unwrap().clone();
            async move {
                if stream {
                    wire.streamed(pieces).await?;
                } else {
                    wire.json(200, &pieces.concat()).await?;
                }
                Ok(Some(wire))
            }
        })
        .await
    }
}

#[tokio::test]
async fn every_request_that_real_clients_sent_arrives_byte_for_byte_and_so_does_its_reply() {
    let next = Next::default();
    let provider = next.provider().await;
    let sidecar = Sidecar::before(&provider, "").await;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/captures");
    let mut count = 0;
    for file in fs::read_dir(folder).unwrap() {
        let capture = fs::read(file.unwrap().path()).unwrap();
        let capture: serde_json::Value = serde_json::from_slice(&capture).unwrap();
        let requests = capture["requests"].as_array().unwrap();
        // Clients keep their connections, and so does this one.
        let mut client = Client::connect(sidecar.agents).await;
        for request in requests {
            let mut request = request.clone();
            if let Some(number) = request["body_same_as"].as_u64() {
                request["body"] = requests[usize::try_from(number).unwrap()]["body"].clone();
            }
            let dialect = match request["target"].as_str().unwrap() {
                target if target.starts_with("/v1/chat") => Dialect::Chat,
                target if target.starts_with("/v1/responses") => Dialect::Responses,
                _ => Dialect::Anthropic,
            };
            let stream = request["body"]["stream"] == true;
            let reply = recorded(dialect, stream);
            next.set(stream, cut(&reply, count));

            let (sent, body) = wire(&request);
            for piece in cut(&sent.clone().into(), count) {
                client.write(&piece).await.unwrap();
            }
            let got = client.response().await;

            assert_eq!(got.status(), 200, "{}: {}", capture["case"], got.text());
            assert_eq!(sha256(&got.body), sha256(&reply), "{}", capture["case"]);
            let seen = provider.seen().pop().unwrap();
            assert_eq!(sha256(&seen.body), sha256(&body), "{}", capture["case"]);
            assert_eq!(
                seen.first,
                String::from_utf8_lossy(&sent).lines().next().unwrap()
            );
            let expected = Reader::new(sent.as_slice())
                .request()
                .await
                .unwrap()
                .unwrap();
            assert_eq!(end_to_end(&seen), as_sent(expected), "{}", capture["case"]);
            count += 1;
        }
    }
    assert_eq!(count, 110);
}

/// A piece of traffic: of which dialect, streamed or not, with which line ends, cut where.
fn traffic() -> impl Strategy<Value = (Dialect, bool, &'static str, Vec<u16>, Vec<u16>)> {
    let pieces = || vec(1..3000_u16, 1..40);
    (
        select(Dialect::ALL.as_slice()),
        any::<bool>(),
        select(vec!["\n", "\r\n", "\r"]),
        pieces(),
        pieces(),
    )
}

/// `bytes` in pieces of these lengths, over and over.
fn pieces(bytes: &[u8], lengths: &[u16]) -> Vec<Vec<u8>> {
    let mut rest = bytes;
    let mut pieces = Vec::new();
    for length in lengths.iter().cycle() {
        let Some((piece, after)) = rest.split_at_checked(usize::from(*length)) else {
            pieces.push(rest.to_vec());
            break;
        };
        pieces.push(piece.to_vec());
        rest = after;
    }
    pieces.retain(|piece| !piece.is_empty());
    pieces
}

#[test]
fn cuts_and_line_ends_mean_nothing() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let next = Next::default();
    let (provider, sidecar) = runtime.block_on(async {
        let provider = next.provider().await;
        let sidecar = Sidecar::before(&provider, "").await;
        (provider, sidecar)
    });
    let mut runner = TestRunner::new(Config {
        cases: 200,
        failure_persistence: None,
        ..Config::default()
    });
    let passed = runner.run(&traffic(), |(dialect, stream, line_end, up, down)| {
        let reply = recorded(dialect, stream);
        let reply = match stream {
            true => String::from_utf8(reply.to_vec())
                .unwrap()
                .replace('\n', line_end)
                .into_bytes(),
            false => reply.to_vec(),
        };
        next.set(stream, pieces(&reply, &down));
        let got = runtime.block_on(async {
            let mut client = Client::connect(sidecar.agents).await;
            for piece in pieces(&asked(dialect, stream), &up) {
                client.write(&piece).await.unwrap();
            }
            client.response().await
        });
        prop_assert_eq!(sha256(&got.body), sha256(&reply));
        let seen = provider.seen().pop().unwrap();
        prop_assert_eq!(sha256(&seen.body), sha256(&request(dialect, stream)));
        Ok(())
    });
    passed.unwrap_or_else(|failure| panic!("{failure}"));
    // The sidecar's pipe is read by the runtime, and must end before it.
    drop(sidecar);
}
