//! What hyper needs of a connection: bytes in and out, a clock, and contents that are read while
//! they are sent.

use std::fs::File;
use std::future::Future;
use std::io::{self, Read};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use hyper::body::{Bytes, Frame, SizeHint};
use hyper::rt::ReadBufCursor;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::task::JoinHandle;

use crate::http::Body;

/// How much of a file is read at a time.
const PIECE_BYTES: u64 = 1 << 16;

/// The clock for hyper's time limits.
#[derive(Clone, Copy, Debug)]
pub struct Clock;

struct Sleep(Pin<Box<tokio::time::Sleep>>);

impl hyper::rt::Timer for Clock {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn hyper::rt::Sleep>> {
        Box::pin(Sleep(Box::pin(tokio::time::sleep(duration))))
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn hyper::rt::Sleep>> {
        Box::pin(Sleep(Box::pin(tokio::time::sleep_until(deadline.into()))))
    }

    fn now(&self) -> Instant {
        tokio::time::Instant::now().into_std()
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.0.as_mut().poll(context)
    }
}

impl hyper::rt::Sleep for Sleep {}

/// A stream that fails when nothing has moved on it for some time: neither a client that is silent
/// nor one that does not read what it asked for keeps its place for ever.
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

    /// Passes on what came of an attempt: something moved, or the time is up, or neither.
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

impl<S: AsyncRead + Unpin> hyper::rt::Read for Watched<S> {
    /// Reads through a buffer of our own: to fill hyper's in place would take `unsafe`, and requests
    /// are short.
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        mut cursor: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let mut space = [0; 4096];
        let room = cursor.remaining().min(space.len());
        let mut buffer = ReadBuf::new(&mut space[..room]);
        let attempt = Pin::new(&mut self.stream).poll_read(context, &mut buffer);
        ready!(self.moved(context, attempt))?;
        cursor.put_slice(buffer.filled());
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> hyper::rt::Write for Watched<S> {
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

/// A content on its way out.
pub enum Outgoing {
    /// At hand, until it is sent.
    Bytes(Option<Bytes>),
    /// A file, of which so many bytes are left.
    File(Reading, u64),
}

/// A file between two pieces, or a piece being read elsewhere: reading from a disk waits, and this
/// thread must not.
pub enum Reading {
    /// Nothing is being read.
    Idle(Option<File>),
    /// The next piece.
    Piece(JoinHandle<io::Result<(File, Bytes)>>),
}

impl Outgoing {
    /// Nothing.
    pub fn empty() -> Outgoing {
        Outgoing::Bytes(None)
    }

    /// A response's content.
    pub fn of(body: Body) -> Outgoing {
        match body {
            Body::Bytes(bytes) => Outgoing::Bytes(Some(Bytes::from_owner(bytes))),
            Body::File { file, bytes } => Outgoing::File(Reading::Idle(Some(file)), bytes),
        }
    }
}

impl hyper::body::Body for Outgoing {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let (reading, left) = match self.get_mut() {
            Outgoing::Bytes(bytes) => {
                let bytes = bytes.take().filter(|bytes| !bytes.is_empty());
                return Poll::Ready(bytes.map(|bytes| Ok(Frame::data(bytes))));
            }
            Outgoing::File(reading, left) => (reading, left),
        };
        if *left == 0 {
            return Poll::Ready(None);
        }
        if let Reading::Idle(file) = reading {
            let Some(file) = file.take() else { return Poll::Ready(None) };
            let room = (*left).min(PIECE_BYTES);
            *reading = Reading::Piece(tokio::task::spawn_blocking(move || piece(file, room)));
        }
        let Reading::Piece(task) = reading else { return Poll::Ready(None) };
        let read =
            ready!(Pin::new(task).poll(context)).map_err(io::Error::other).and_then(|read| read);
        match read {
            Ok((file, bytes)) => {
                *left -= bytes.len() as u64;
                *reading = Reading::Idle(Some(file));
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            Err(error) => {
                *reading = Reading::Idle(None);
                Poll::Ready(Some(Err(error)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Outgoing::Bytes(bytes) => bytes.as_ref().is_none_or(Bytes::is_empty),
            Outgoing::File(_, left) => *left == 0,
        }
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(match self {
            Outgoing::Bytes(bytes) => bytes.as_ref().map_or(0, |bytes| bytes.len() as u64),
            Outgoing::File(_, left) => *left,
        })
    }
}

/// The next piece of a file. One that has become shorter cannot keep the length that was promised:
/// the connection ends.
fn piece(file: File, room: u64) -> io::Result<(File, Bytes)> {
    let mut bytes = Vec::with_capacity(room as usize);
    let mut part = file.take(room);
    part.read_to_end(&mut bytes)?;
    if bytes.is_empty() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok((part.into_inner(), Bytes::from(bytes)))
}
