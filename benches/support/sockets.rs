//! For what costs sockets: a provider on one, and how it is asked. It has a thread of its own, so that what is counted
//! is the asking alone.

use std::{convert::Infallible, net::SocketAddr, sync::mpsc, thread};

use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body::Body;
use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioIo},
};
use luthien_core::{BoxError, request::LlmBody};
use tokio::{net::TcpListener, runtime::Runtime};
use tower::{Service, ServiceExt, service_fn as tower_service_fn};

use crate::support::{Exchange, Failure, Provider, exchange};

/// One thread, with sockets and a clock.
pub(crate) fn runtime() -> Result<Runtime, Failure> {
    Ok(tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?)
}

/// Serves what `provider` answers for as long as the program runs, and says where.
pub(crate) fn serve(provider: Provider) -> Result<SocketAddr, Failure> {
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        let served = runtime().and_then(|runtime| -> Result<(), Failure> {
            runtime.block_on(async {
                let listener = TcpListener::bind("127.0.0.1:0").await?;
                tell.send(listener.local_addr()?)?;
                loop {
                    let (stream, _) = listener.accept().await?;
                    stream.set_nodelay(true)?;
                    let provider = provider.clone();
                    let answer = service_fn(move |request| answer(provider.clone(), request));
                    tokio::spawn(
                        http1::Builder::new().serve_connection(TokioIo::new(stream), answer),
                    );
                }
            })
        });
        served.map_err(|error: Failure| error.to_string())
    });
    Ok(told.recv()?)
}

async fn answer<B: Body>(
    provider: Provider,
    request: Request<B>,
) -> Result<Response<impl Body<Data = Bytes, Error = BoxError>>, B::Error> {
    let body = request.into_body().collect().await?;
    let Ok(response) = provider.oneshot(Request::new(body)).await;
    Ok(response)
}

/// The least that asks: a client with its pool.
pub(crate) fn bare(
    provider: SocketAddr,
) -> impl Service<
    Request<LlmBody>,
    Response = Response<UnsyncBoxBody<Bytes, BoxError>>,
    Error = Infallible,
    Future: Send,
> + Clone {
    let client: Client<_, LlmBody> =
        Client::builder(TokioExecutor::new()).build(HttpConnector::new());
    let authority = provider.to_string();
    tower_service_fn(move |mut request: Request<LlmBody>| {
        let target = Uri::builder()
            .scheme("http")
            .authority(authority.as_str())
            .path_and_query(request.uri().path());
        *request.uri_mut() = target.build().unwrap_or_default();
        let asked = client.request(request);
        async {
            Ok(match asked.await {
                Ok(response) => response.map(|body| body.map_err(Into::into).boxed_unsync()),
                // What comes back is compared before anything is measured.
                Err(_) => Response::new(UnsyncBoxBody::default()),
            })
        }
    })
}

/// A service that needs a runtime, and the runtime.
pub(crate) struct OnSockets<'a, S>(pub(crate) &'a Runtime, pub(crate) S);

impl<S, B> Exchange for OnSockets<'_, S>
where
    S: Service<Request<Full<Bytes>>, Response = Response<B>, Error = Infallible>,
    B: Body<Data = Bytes>,
{
    fn exchange(&mut self, request: Request<Full<Bytes>>) -> (u16, usize) {
        let Self(runtime, service) = self;
        runtime.block_on(exchange::ask(service, request))
    }
}
