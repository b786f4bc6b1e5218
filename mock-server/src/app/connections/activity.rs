//! What a connection is doing, which decides how long it may wait and whether it may give way.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};
use tokio::time::Instant;

use super::limits::Limits;

/// What a connection is doing, shared by its socket and its requests.
#[derive(Debug)]
pub(super) struct Activity(Mutex<State>);

#[derive(Debug)]
struct State {
    phase: Phase,
    since: Instant,
    requests: u64,
    /// The client has not read yet what was written.
    blocked: bool,
    /// Wakes the reading task, for which a deadline begins with the end of an answer.
    reader: Option<Waker>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// No request was sent completely, or a further one has begun.
    Head,
    /// Answered, before the next request.
    Idle,
    Busy,
    /// A WebSocket, which has its own deadlines.
    Upgraded,
}

/// How willingly a connection gives way: the lowest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    served: bool,
    since: Instant,
}

impl Activity {
    pub(super) fn new() -> Self {
        let since = Instant::now();
        Self(Mutex::new(State { phase: Phase::Head, since, requests: 0, blocked: false, reader: None }))
    }

    /// A request's head has arrived.
    pub(super) fn begin(&self) {
        let mut state = self.lock();
        state.requests += 1;
        state.enter(Phase::Busy);
    }

    pub(super) fn upgrade(&self) {
        self.lock().enter(Phase::Upgraded);
    }

    /// Bytes have arrived.
    pub(super) fn received(&self) {
        let mut state = self.lock();
        if state.phase == Phase::Idle {
            state.enter(Phase::Head);
        }
    }

    /// The client has yet to read, or has read, what was written.
    pub(super) fn set_blocked(&self, blocked: bool) {
        let mut state = self.lock();
        state.blocked = blocked;
        if !blocked && state.phase == Phase::Idle {
            state.enter(Phase::Idle);
            state.wake_reader();
        }
    }

    /// When the client must have sent the rest of a head, or the next request. Without a deadline, `reader` is woken when
    /// there is one.
    pub(super) fn read_deadline(&self, limits: &Limits, reader: &Waker) -> Option<Instant> {
        let mut state = self.lock();
        state.reader = Some(reader.clone());
        match state.phase {
            _ if state.blocked => None,
            Phase::Head => Some(state.since + limits.head),
            Phase::Idle => Some(state.since + limits.idle),
            Phase::Busy | Phase::Upgraded => None,
        }
    }

    pub(super) fn is_busy(&self) -> bool {
        let state = self.lock();
        state.blocked || matches!(state.phase, Phase::Busy | Phase::Upgraded)
    }

    /// Whether the client has not read yet what was written.
    pub(super) fn is_blocked(&self) -> bool {
        self.lock().blocked
    }

    pub(super) fn is_upgraded(&self) -> bool {
        self.lock().phase == Phase::Upgraded
    }

    /// The number of requests so far.
    pub(super) fn requests(&self) -> u64 {
        self.lock().requests
    }

    /// Whether a request has ever been sent.
    pub(super) fn is_proven(&self) -> bool {
        self.requests() > 0
    }

    /// Returns how willingly it gives way, or `None` while it is in use.
    pub(super) fn rank(&self) -> Option<Rank> {
        let state = self.lock();
        let waits = matches!(state.phase, Phase::Head | Phase::Idle) && !state.blocked;
        waits.then_some(Rank { served: state.requests > 0, since: state.since })
    }

    /// The answer was written, or at least all of it was handed over.
    pub(super) fn answered(&self) {
        let mut state = self.lock();
        if state.phase == Phase::Busy {
            state.enter(Phase::Idle);
            state.wake_reader();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn enter(&mut self, phase: Phase) {
        (self.phase, self.since) = (phase, Instant::now());
    }

    fn wake_reader(&mut self) {
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }
}

/// The body of a response, with whose end the connection becomes idle.
pub(super) struct ServedBody {
    body: Body,
    activity: Arc<Activity>,
}

impl ServedBody {
    pub(super) fn new(body: Body, activity: Arc<Activity>) -> Self {
        Self { body, activity }
    }
}

impl HttpBody for ServedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for ServedBody {
    fn drop(&mut self) {
        self.activity.answered();
    }
}
