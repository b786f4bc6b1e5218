//! Jobs: closures that run in a transaction, and reply to a waiting caller once it has ended.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};

use tokio::sync::oneshot;

use super::health::Health;
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
    /// Runs the closure; returns whether to keep its changes.
    fn run(&mut self, tx: &mut Tx<'_>) -> bool;

    /// Turns true when the caller no longer waits.
    fn abandoned(&self) -> Arc<AtomicBool>;

    /// Sends the result to the caller, or `failure` if the transaction failed. A closure that never ran, because its
    /// transaction could not begin, has no result of its own.
    fn reply(self: Box<Self>, failure: Option<StoreError>);
}

/// What running a job led to.
pub(super) struct Executed {
    pub(super) keep: bool,
    /// The organisations whose network map it changed.
    pub(super) notices: Vec<String>,
}

struct Pending<F, T, E> {
    closure: Option<F>,
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

/// Queues a closure and waits for its result.
pub(super) async fn submit<T, E>(
    queue: &mpsc::Sender<Job>,
    kind: fn(Box<dyn Work>) -> Job,
    closure: impl FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
) -> Result<T, E>
where
    T: Send + 'static,
    E: From<StoreError> + Send + 'static,
{
    let (caller, receiver) = oneshot::channel();
    let waiting = Waiting(Arc::default());
    let pending = Pending { closure: Some(closure), result: None, caller, abandoned: Arc::clone(&waiting.0) };
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

    pub(super) fn writes(&self) -> bool {
        matches!(self, Self::Write(_))
    }

    pub(super) fn is_list(&self) -> bool {
        matches!(self, Self::List(_))
    }
}

impl<F, T, E> Work for Pending<F, T, E>
where
    F: FnOnce(&mut Tx<'_>) -> Result<T, E> + Send,
    T: Send,
    E: From<StoreError> + Send,
{
    fn run(&mut self, tx: &mut Tx<'_>) -> bool {
        let Some(closure) = self.closure.take() else { return false };
        let result = closure(tx);
        let keep = result.is_ok();
        self.result = Some(result);
        keep
    }

    fn abandoned(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.abandoned)
    }

    fn reply(self: Box<Self>, failure: Option<StoreError>) {
        let result = match (self.result, failure) {
            (Some(Err(error)), _) => Err(error),
            (_, Some(failure)) => Err(failure.into()),
            (Some(result), None) => result,
            (None, None) => Err(StoreError::Stopped.into()),
        };
        // The caller may have given up waiting.
        let _ = self.caller.send(result);
    }
}
