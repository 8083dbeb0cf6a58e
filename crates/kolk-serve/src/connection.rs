//! The two ends of a connection: a stream that does not stay idle for ever, and contents that are
//! read while they are sent.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::TryStreamExt;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Bytes, Frame};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio_util::io::ReaderStream;

use crate::http::Body;

/// How many bytes of a file are read at a time.
const PIECE_BYTES: usize = 1 << 16;

/// A stream that fails when nothing has moved on it for some time: neither a client that is silent
/// nor one that does not read the answer to its request keeps its place for ever.
pub struct Watched<S> {
    stream: S,
    idle_time: Duration,
    idle: Pin<Box<tokio::time::Sleep>>,
}

impl<S> Watched<S> {
    /// Watches a stream.
    pub fn new(stream: S, idle_time: Duration) -> Watched<S> {
        Watched { stream, idle_time, idle: Box::pin(tokio::time::sleep(idle_time)) }
    }

    /// Passes on the outcome of an attempt to read or write, or fails if the time is up. An attempt
    /// that has an outcome begins the time anew.
    fn moved<T>(
        &mut self,
        context: &mut Context<'_>,
        attempt: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if attempt.is_ready() {
            let deadline = tokio::time::Instant::now() + self.idle_time;
            self.idle.as_mut().reset(deadline);
            return attempt;
        }
        ready!(self.idle.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let attempt = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.moved(context, attempt)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let attempt = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.moved(context, attempt)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// A response's content on its way out.
pub type Outgoing = UnsyncBoxBody<Bytes, io::Error>;

/// Makes a response's content ready to be sent. A file is read piece by piece, on another thread.
/// If it has become shorter than its `content-length` said, hyper ends the connection.
pub fn outgoing(body: Body) -> Outgoing {
    match body {
        Body::Bytes(bytes) => {
            Full::new(Bytes::from_owner(bytes)).map_err(|never| match never {}).boxed_unsync()
        }
        Body::File { file, bytes } => {
            let part = tokio::fs::File::from_std(file).take(bytes);
            let pieces = ReaderStream::with_capacity(part, PIECE_BYTES);
            StreamBody::new(pieces.map_ok(Frame::data)).boxed_unsync()
        }
    }
}
