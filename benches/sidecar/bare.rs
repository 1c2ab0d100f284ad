//! The bare proxy: the least that hyper needs to pass requests on and replies back. It looks at nothing.

use std::{convert::Infallible, io::Write};

use ::http::{Request, Response, Uri, header};
use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioIo},
};
use tokio::net::TcpListener;

type Body = UnsyncBoxBody<bytes::Bytes, hyper::Error>;

pub(crate) fn run(upstream: &str) -> Result<(), Box<dyn std::error::Error>> {
    let authority: ::http::uri::Authority = upstream.parse()?;
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(async move {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            writeln!(std::io::stdout(), "{}", listener.local_addr()?)?;
            let mut tcp = HttpConnector::new();
            tcp.set_nodelay(true);
            let client: Client<_, Incoming> = Client::builder(TokioExecutor::new()).build(tcp);
            loop {
                let (stream, _) = listener.accept().await?;
                stream.set_nodelay(true)?;
                let (client, authority) = (client.clone(), authority.clone());
                let service =
                    service_fn(move |request| pass(client.clone(), authority.clone(), request));
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        })
}

async fn pass(
    client: Client<HttpConnector, Incoming>,
    authority: ::http::uri::Authority,
    mut request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    let mut target = std::mem::take(request.uri_mut()).into_parts();
    target.scheme = Some(::http::uri::Scheme::HTTP);
    target.authority = Some(authority);
    *request.uri_mut() = Uri::from_parts(target).unwrap_or_default();
    request.headers_mut().remove(header::HOST);
    request.headers_mut().remove(header::CONNECTION);
    Ok(match client.request(request).await {
        Ok(response) => response.map(BodyExt::boxed_unsync),
        Err(_) => {
            let body = Full::default()
                .map_err(|never| match never {})
                .boxed_unsync();
            let mut response = Response::new(body);
            *response.status_mut() = ::http::StatusCode::BAD_GATEWAY;
            response
        }
    })
}
