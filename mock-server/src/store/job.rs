//! Jobs: closures that run in a transaction, and reply to a waiting caller once it has ended.
//!
//! A write may run twice: again, if the transaction of its batch was rolled back because of another one. What a closure
//! does besides its statements must be the same each time; see [`crate::control::random::Repeatable`].

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};

use tokio::sync::oneshot;

use super::health::Health;
use super::lookup::Lookup;
use super::tx::Connection;
use super::{StoreError, Tx};

pub(super) enum Job {
    Read(Box<dyn Work>),
    /// A read whose cost its caller chooses. Other jobs do not wait for more than one of them.
    List(Box<dyn Work>),
    Write(Box<dyn Work>),
}

/// A closure and its caller, whatever its result.
pub(super) trait Work: Send {
    /// Runs the closure, again if it ran before; returns whether to keep its changes. The result of an earlier run is
    /// forgotten, even if this one panics.
    fn run(&mut self, tx: &mut Tx<'_>) -> bool;

    /// What the closure is going to look up, if that is known.
    fn lookup(&self) -> Option<&Lookup>;

    /// Turns true when the caller no longer waits.
    fn abandoned(&self) -> Arc<AtomicBool>;

    /// Sends the result of the last run to the caller, or `failure` if the transaction failed: then the result rests on
    /// changes that were not kept. A closure that never ran has no result of its own.
    fn reply(self: Box<Self>, failure: Option<StoreError>);
}

/// What running a job led to.
pub(super) struct Executed {
    pub(super) keep: bool,
    /// The organisations whose network map it changed.
    pub(super) notices: Vec<String>,
}

struct Pending<F, T, E> {
    closure: F,
    lookup: Option<Lookup>,
    result: Option<Result<T, E>>,
    caller: oneshot::Sender<Result<T, E>>,
    abandoned: Arc<AtomicBool>,
}

/// Tells the job when its caller stops waiting, such as when a client closes its connection.
struct Waiting(Arc<AtomicBool>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Lets a closure run once only, as one whose transaction is never repeated.
pub(super) fn once<T, E: From<StoreError>>(
    closure: impl FnOnce(&mut Tx<'_>) -> Result<T, E>,
) -> impl FnMut(&mut Tx<'_>) -> Result<T, E> {
    let mut closure = Some(closure);
    move |tx| closure.take().map_or_else(|| Err(StoreError::Stopped.into()), |closure| closure(tx))
}

/// Queues a closure and waits for its result.
pub(super) async fn submit<T, E>(
    queue: &mpsc::Sender<Job>,
    kind: fn(Box<dyn Work>) -> Job,
    lookup: Option<Lookup>,
    closure: impl FnMut(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
) -> Result<T, E>
where
    T: Send + 'static,
    E: From<StoreError> + Send + 'static,
{
    let (caller, receiver) = oneshot::channel();
    let waiting = Waiting(Arc::default());
    let pending = Pending { closure, lookup, result: None, caller, abandoned: Arc::clone(&waiting.0) };
    queue.send(kind(Box::new(pending))).map_err(|_| StoreError::Stopped)?;
    receiver.await.map_err(|_| StoreError::Stopped)?
}

/// Runs a job. One that panics keeps no changes, and other jobs keep the connection; its caller learns that it
/// stopped.
pub(super) fn execute<'c>(
    connection: impl Into<Connection<'c>>,
    work: &mut dyn Work,
    writable: bool,
    health: &'c Health,
) -> Executed {
    let connection = connection.into();
    let executed = catch_unwind(AssertUnwindSafe(|| {
        let mut tx = Tx::new(connection, writable, health);
        let keep = work.run(&mut tx);
        Executed { keep, notices: tx.into_notices() }
    }));
    executed.unwrap_or(Executed { keep: false, notices: Vec::new() })
}

impl Job {
    pub(super) fn into_work(self) -> Box<dyn Work> {
        match self {
            Self::Read(work) | Self::List(work) | Self::Write(work) => work,
        }
    }
}

impl<F, T, E> Work for Pending<F, T, E>
where
    F: FnMut(&mut Tx<'_>) -> Result<T, E> + Send,
    T: Send,
    E: From<StoreError> + Send,
{
    fn run(&mut self, tx: &mut Tx<'_>) -> bool {
        self.result = None;
        let result = (self.closure)(tx);
        let keep = result.is_ok();
        self.result = Some(result);
        keep
    }

    fn lookup(&self) -> Option<&Lookup> {
        self.lookup.as_ref()
    }

    fn abandoned(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.abandoned)
    }

    fn reply(self: Box<Self>, failure: Option<StoreError>) {
        let result = match failure {
            Some(failure) => Err(failure.into()),
            None => self.result.unwrap_or_else(|| Err(StoreError::Stopped.into())),
        };
        // The caller may have given up waiting.
        let _ = self.caller.send(result);
    }
}
