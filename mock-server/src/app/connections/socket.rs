//! A socket with deadlines for reading and writing.

use std::future::{Future as _, poll_fn};
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until};

use super::activity::Activity;
use super::limits::Limits;

/// How much a client must read within the deadline: one that takes a byte now and then would hold its connection forever.
const MIN_PROGRESS: usize = 256 * 1024;

pub(super) struct Socket {
    stream: TcpStream,
    limits: Arc<Limits>,
    activity: Arc<Activity>,
    /// What was received already, and is to be read first.
    received: Bytes,
    read_timer: Option<Pin<Box<Sleep>>>,
    writing: Writing,
}

/// How long the client has not read.
#[derive(Default)]
struct Writing {
    timer: Option<Pin<Box<Sleep>>>,
    /// Since when a write is waiting.
    blocked: Option<Instant>,
    /// How long earlier writes waited since the last progress.
    waited: Duration,
    written: usize,
    /// The request that is answered.
    request: u64,
}

impl Socket {
    pub(super) fn new(stream: TcpStream, limits: &Arc<Limits>, activity: Arc<Activity>) -> Self {
        let limits = Arc::clone(limits);
        Self {
            stream,
            limits,
            activity,
            received: Bytes::new(),
            read_timer: None,
            writing: Writing::default(),
        }
    }

    /// Keeps only what is needed until the next exchange, which reads `received` first.
    pub(super) fn pause(&mut self, received: Bytes) {
        if !received.is_empty() {
            self.received = received;
        }
        (self.read_timer, self.writing.timer) = (None, None);
    }

    /// Waits until there is something to read, the end included.
    ///
    /// # Errors
    /// If there is nothing in time.
    pub(super) async fn begun(&mut self) -> io::Result<()> {
        let begun = poll_fn(|context| match self.stream.poll_read_ready(context) {
            _ if !self.received.is_empty() => Poll::Ready(Ok(())),
            Poll::Ready(ready) => Poll::Ready(ready),
            Poll::Pending => self.poll_read_deadline(context).map(Err),
        });
        begun.await
    }

    /// Waits until the client has closed the connection; forever if it sent more before that.
    pub(super) async fn closed(&self) {
        let mut first = [0];
        poll_fn(|context| match self.stream.poll_peek(context, &mut ReadBuf::new(&mut first)) {
            Poll::Ready(Ok(1..)) | Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(0) | Err(_)) => Poll::Ready(()),
        })
        .await;
    }

    /// Completes with an error once the client should have sent something.
    fn poll_read_deadline(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        let deadline = self.activity.read_deadline(&self.limits, context.waker());
        let Some(deadline) = deadline else { return Poll::Pending };
        ready!(poll_until(&mut self.read_timer, deadline, context));
        Poll::Ready(io::Error::new(io::ErrorKind::TimedOut, "no request was received in time"))
    }

    fn wrote(&mut self, written: &io::Result<usize>) {
        let writing = &mut self.writing;
        if let Some(blocked) = writing.blocked.take() {
            writing.waited += blocked.elapsed();
            self.activity.set_blocked(false);
        }
        writing.written += written.as_ref().copied().unwrap_or(0);
        let request = self.activity.requests();
        let enough = if self.activity.is_upgraded() { 1 } else { MIN_PROGRESS };
        if writing.written >= enough || writing.request != request {
            (writing.written, writing.waited, writing.request) = (0, Duration::ZERO, request);
        }
    }

    /// Completes with an error once the client should have read something.
    fn poll_write_deadline(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        let writing = &mut self.writing;
        if writing.blocked.is_none() {
            writing.blocked = Some(Instant::now());
            self.activity.set_blocked(true);
        }
        let left = self.limits.stalled.saturating_sub(writing.waited);
        let deadline = writing.blocked.unwrap_or_else(Instant::now) + left;
        ready!(poll_until(&mut writing.timer, deadline, context));
        Poll::Ready(io::Error::new(io::ErrorKind::TimedOut, "the client reads too slowly"))
    }

    fn poll_written(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        match written {
            Poll::Ready(written) => {
                self.wrote(&written);
                Poll::Ready(written)
            }
            Poll::Pending => self.poll_write_deadline(context).map(Err),
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.received.is_empty() {
            let length = buffer.remaining().min(self.received.len());
            buffer.put_slice(&self.received.split_to(length));
            self.activity.received();
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        match Pin::new(&mut self.stream).poll_read(context, buffer) {
            Poll::Ready(read) => {
                if buffer.filled().len() > before {
                    self.activity.received();
                }
                Poll::Ready(read)
            }
            Poll::Pending => self.poll_read_deadline(context).map(Err),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.poll_written(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.poll_written(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// Waits until `deadline` with a timer that is kept from one call to the next.
fn poll_until(timer: &mut Option<Pin<Box<Sleep>>>, deadline: Instant, context: &mut Context<'_>) -> Poll<()> {
    let timer = timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
    if timer.deadline() != deadline {
        timer.as_mut().reset(deadline);
    }
    timer.as_mut().poll(context)
}
