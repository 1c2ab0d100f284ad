//! What is taken off a request on its way up, and off a response on its way down.
//!
//! - *Hop by hop* (RFC 9110, 7.6.1): `connection` and what it names, `keep-alive`, `proxy-connection`, `te`, `trailer`,
//!   `transfer-encoding`, `upgrade`, the proxy's own credentials. The framing is made anew.
//! - *Ours*: `host` (the upstream's is put on), `expect` (answered here), everything that begins with `x-luthien-`.
//! - *Not for strangers*: `baggage`, which may carry anything.
//! - *Disguises*: headers by which a server may take the request for one of another method or path.
//!
//! Everything else passes, also headers that do not exist yet, in order and as often as they stand there.

use http::{
    HeaderMap, HeaderName,
    header::{
        CONNECTION, EXPECT, HOST, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER,
        TRANSFER_ENCODING, UPGRADE,
    },
};

const HOP_BY_HOP: [HeaderName; 10] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
    HeaderName::from_static("http2-settings"),
];

const NOT_UP: [HeaderName; 10] = [
    HOST,
    EXPECT,
    HeaderName::from_static("baggage"),
    HeaderName::from_static("x-http-method"),
    HeaderName::from_static("x-http-method-override"),
    HeaderName::from_static("x-method-override"),
    HeaderName::from_static("x-original-url"),
    HeaderName::from_static("x-original-method"),
    HeaderName::from_static("x-rewrite-url"),
    HeaderName::from_static("x-forwarded-uri"),
];

/// Takes off a request what does not go up.
pub fn clean_request(headers: &mut HeaderMap) {
    take_hop_by_hop(headers);
    for name in &NOT_UP {
        headers.remove(name);
    }
    take_ours(headers);
}

/// Takes off a response what does not come down.
pub fn clean_response(headers: &mut HeaderMap) {
    take_hop_by_hop(headers);
    take_ours(headers);
}

fn take_ours(headers: &mut HeaderMap) {
    let ours: Vec<_> = headers
        .keys()
        .filter(|name| name.as_str().starts_with("x-luthien-"))
        .cloned()
        .collect();
    for name in ours {
        headers.remove(name);
    }
}

fn take_hop_by_hop(headers: &mut HeaderMap) {
    // Nearly always there are none, or one that says `keep-alive`.
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .filter_map(|name| HeaderName::from_bytes(name.trim_ascii()).ok())
        .collect();
    for name in named.iter().chain(&HOP_BY_HOP) {
        headers.remove(name);
    }
}
