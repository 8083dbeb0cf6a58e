//! The site on a socket: one thread serves connections, others read files.

mod places;
#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;

use crate::connection::{Outgoing, Watched, outgoing};
use crate::http::{Body, Request, Response};
use crate::site::Site;

use places::{Asked, Places};

/// The limits on what clients may use.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How many connections are served at a time. A further one takes the place of that whose last
    /// request is longest ago.
    pub connections: usize,
    /// How long a request's headers may be in all, in bytes.
    pub header_bytes: usize,
    /// How long a request's headers may take to arrive.
    pub header_time: Duration,
    /// How long a connection may be idle: no byte comes in, and none goes out.
    pub idle_time: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            connections: 64,
            header_bytes: 16 << 10,
            header_time: Duration::from_secs(10),
            idle_time: Duration::from_secs(60),
        }
    }
}

/// How often the server looks whether it should stop.
const LOOK: Duration = Duration::from_millis(50);

/// Serves a site until `stop` says so.
///
/// # Errors
///
/// If the system gives no threads, or the listener cannot be used.
pub fn serve(
    listener: TcpListener,
    site: Site,
    limits: Limits,
    stop: impl Fn() -> bool,
) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
    let site = Arc::new(site);
    let served = runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let mut places = Places::new(limits.connections);
        while !stop() {
            let stream = match timeout(LOOK, listener.accept()).await {
                Ok(Ok((stream, _))) => stream,
                // No more descriptors: some connection will end.
                Ok(Err(_)) => {
                    tokio::time::sleep(LOOK).await;
                    continue;
                }
                Err(_) => continue,
            };
            while !places.make_room() && !stop() {
                tokio::time::sleep(LOOK).await;
            }
            let asked = places.asked();
            let served = connection(stream, Arc::clone(&site), limits, asked.clone());
            places.take(tokio::spawn(served).abort_handle(), asked);
        }
        Ok(())
    });
    // Responses that are still being sent are cut off: the user wants to leave.
    runtime.shutdown_background();
    served
}

/// Serves one connection to its end. Errors on it concern only hyper and the client.
pub(crate) async fn connection<S>(stream: S, site: Arc<Site>, limits: Limits, asked: Asked)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let service = service_fn(move |request| {
        asked.now();
        answer(request, Arc::clone(&site))
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_time)
        .max_buf_size(limits.header_bytes)
        .serve_connection(TokioIo::new(Watched::new(stream, limits.idle_time)), service)
        .await;
    drop(served);
}

async fn answer(
    request: hyper::Request<Incoming>,
    site: Arc<Site>,
) -> Result<hyper::Response<Outgoing>, Infallible> {
    let is_head = request.method() == hyper::Method::HEAD;
    let request = read(&request);
    let response = match request {
        Some(request) => tokio::task::spawn_blocking(move || site.answer(&request))
            .await
            .unwrap_or_else(|_| Response::text(500, "this is a mistake in kolk; please report it")),
        None => Response::text(400, "that is no request to this server"),
    };
    Ok(http_response(response, is_head))
}

/// Reads the parts of a request that matter here. `None`, for a refusal, if it is meant for a proxy
/// or has content.
fn read(request: &hyper::Request<Incoming>) -> Option<Request> {
    let header = |name| {
        let mut values = request.headers().get_all(name).iter();
        let value = values.next()?.to_str().ok()?;
        values.next().is_none().then(|| value.to_owned())
    };
    if request.uri().authority().is_some() || !hyper::body::Body::is_end_stream(request.body()) {
        return None;
    }
    Some(Request {
        method: request.method().to_string(),
        target: request.uri().to_string(),
        host: header("host"),
        range: header("range"),
        if_range: header("if-range"),
        if_none_match: header("if-none-match"),
    })
}

fn http_response(response: Response, is_head: bool) -> hyper::Response<Outgoing> {
    let mut builder = hyper::Response::builder().status(response.status);
    for (name, value) in &response.headers {
        builder = builder.header(*name, value);
    }
    if is_head || matches!(response.body, Body::File { .. }) {
        builder = builder.header("content-length", response.body.len());
    }
    let nothing = || Body::Bytes(Arc::new([]));
    let body = if is_head { nothing() } else { response.body };
    builder.body(outgoing(body)).unwrap_or_else(|_| {
        let mut failed = hyper::Response::new(outgoing(nothing()));
        *failed.status_mut() = hyper::StatusCode::INTERNAL_SERVER_ERROR;
        failed
    })
}
