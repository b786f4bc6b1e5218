//! A connection to the database, driven by the thread that owns it.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio_postgres::types::ToSql;
use tokio_postgres::{CancelToken, Client, Connection, Error, NoTls, Row, Statement};

use super::address::{Address, Encryption};
use super::cause::{cause, is_lost, start_problem};
use super::overlay::{CommitError, Facts, Notices, Overlay};
use super::placeholders::numbered;
use super::prepared::Prepared;
use super::tls::Verified;
use crate::store::{StoreError, Value};

/// How long a transaction may wait for its client's next statement. A replica that was paused loses its transaction, so
/// that the others go on.
const IDLE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the end of a connection is waited for, so that the server hears of it.
const CLOSE_TIMEOUT: Duration = Duration::from_millis(100);
/// How often a running query is looked after.
const LOOK_INTERVAL: Duration = Duration::from_millis(25);

/// The limits of a session's statements.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) statement: Duration,
    pub(super) lock: Duration,
}

/// A connection with its prepared statements.
pub(in crate::store) struct Session {
    runtime: Runtime,
    client: Option<Client>,
    /// A statement found that the connection had ended; all later ones fail as well.
    lost: bool,
    driving: JoinHandle<()>,
    prepared: Prepared,
    /// What the writer knows in advance; readers have none.
    overlay: Option<Overlay>,
    /// How many batches had an overlay.
    batches: u64,
    /// Whether the next batch makes new plans.
    replan: bool,
    cancel: Cancel,
    /// Interrupts the next statements when it turns true.
    abandoned: Option<Arc<AtomicBool>>,
    state: JobState,
}

/// What the statements of a job led to.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct JobState {
    /// A statement changed rows.
    pub(super) wrote: bool,
    /// A statement failed, and with it the transaction.
    pub(super) failed: bool,
    /// The one that failed was deferred, possibly by another job.
    pub(super) deferred_failed: bool,
}

/// A client with the future that serves it.
type Connected = (Client, std::pin::Pin<Box<dyn Future<Output = ()> + Send>>);

struct Cancel {
    token: CancelToken,
    tls: Option<Verified>,
}

impl Session {
    /// Connects; blocks the thread.
    pub(super) fn open(address: &Address, limits: Limits) -> Result<Self, StoreError> {
        let runtime = runtime()?;
        let (client, driving) = runtime.block_on(async {
            let (client, connection) = connect(address).await?;
            Ok::<_, StoreError>((client, tokio::spawn(connection)))
        })?;
        let tls = verified(address)?;
        let cancel = Cancel { token: client.cancel_token(), tls };
        let mut session = Self {
            runtime,
            client: Some(client),
            lost: false,
            driving,
            prepared: Prepared::default(),
            overlay: None,
            batches: 0,
            replan: false,
            cancel,
            abandoned: None,
            state: JobState::default(),
        };
        session.run(&format!(
            "SET statement_timeout = {}; SET lock_timeout = {}; SET idle_in_transaction_session_timeout = {};
             SET client_min_messages = warning; SET jit = off",
            limits.statement.as_millis(),
            limits.lock.as_millis(),
            IDLE_TIMEOUT.as_millis()
        ))?;
        Ok(session)
    }

    /// Whether the connection is known to have ended.
    pub(super) fn is_closed(&self) -> bool {
        self.lost || self.client.as_ref().is_none_or(Client::is_closed)
    }

    /// Runs statements without values and results.
    pub(super) fn run(&mut self, sql: &str) -> Result<(), Error> {
        let Some(client) = &self.client else { return Ok(()) };
        self.runtime.block_on(client.batch_execute(sql))
    }

    /// Begins the transaction of a batch. `gather` runs the statement that it is given, and returns what the batch's jobs
    /// are going to look up; an inner error has ended the transaction.
    pub(super) fn begin_batch(
        &mut self,
        begin: &str,
        gather: impl AsyncFnOnce(&Client, &Statement, &str) -> Result<Option<Result<Facts, Error>>, Error>,
    ) -> Result<(), Error> {
        let Some(client) = &self.client else { return Ok(()) };
        let prepared = &mut self.prepared;
        // In empty tables one index is as good as another, and a plan is kept until the tables are analysed.
        let replan = if std::mem::take(&mut self.replan) { "DISCARD PLANS; " } else { "" };
        let begin = &format!("{replan}{begin}");
        let begun = self.runtime.block_on(async {
            let question = Facts::question(client, prepared).await?;
            gather(client, &question, begin).await
        });
        match begun? {
            Some(Ok(facts)) => {
                self.overlay = Some(Overlay::of(facts));
                self.batches += 1;
                self.replan = self.batches.is_power_of_two();
            }
            Some(Err(error)) => {
                tracing::debug!(cause = cause(&error), "a batch runs statement by statement");
                self.roll_back()?;
                self.run(begin)?;
            }
            None => {}
        }
        Ok(())
    }

    pub(in crate::store) fn overlay(&mut self) -> Option<&mut Overlay> {
        self.overlay.as_mut()
    }

    pub(super) fn begin_job(&mut self) {
        self.state = JobState::default();
        self.overlay.iter_mut().for_each(Overlay::begin_job);
    }

    pub(super) fn job_state(&self) -> JobState {
        let wrote = self.state.wrote || self.overlay.as_ref().is_some_and(Overlay::is_changed);
        JobState { wrote, ..self.state }
    }

    /// Commits, and notifies other replicas.
    pub(super) fn commit(&mut self, notices: Notices<'_>) -> Result<(), CommitError> {
        let overlay = self.overlay.take();
        let Some(client) = &self.client else { return Err(CommitError::Uncertain) };
        self.runtime.block_on(async {
            match overlay {
                Some(overlay) => overlay.commit(client, &mut self.prepared, notices).await,
                None => {
                    let end = format!("{}COMMIT", notices.statements());
                    client.batch_execute(&end).await.map_err(CommitError::of)
                }
            }
        })
    }

    pub(super) fn roll_back(&mut self) -> Result<(), Error> {
        self.overlay = None;
        self.run("ROLLBACK")
    }

    pub(super) fn watch(&mut self, abandoned: Option<Arc<AtomicBool>>) {
        self.abandoned = abandoned;
    }

    pub(in crate::store) fn execute(&mut self, sql: &str, values: &[Value<'_>]) -> Result<usize, StoreError> {
        let statement = self.prepare(sql)?;
        let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| value as _).collect();
        let Some(client) = &self.client else { return Err(StoreError::Stopped) };
        let done = self.runtime.block_on(client.execute(&statement, &values));
        let changed = self.noted(done)?;
        self.state.wrote |= changed > 0;
        Ok(usize::try_from(changed).unwrap_or(usize::MAX))
    }

    pub(in crate::store) fn query(
        &mut self,
        sql: &str,
        values: &[Value<'_>],
    ) -> Result<Vec<Row>, StoreError> {
        let statement = self.prepare(sql)?;
        let rows = self.rows(&statement, values)?;
        // A statement with a result may change rows as well.
        self.state.wrote |= !rows.is_empty() && !sql.trim_start().starts_with("SELECT");
        Ok(rows)
    }

    /// As [`Session::query`], without keeping the prepared statement.
    pub(in crate::store) fn query_once(
        &mut self,
        sql: &str,
        values: &[Value<'_>],
    ) -> Result<Vec<Row>, StoreError> {
        self.settle()?;
        let Some(client) = &self.client else { return Err(StoreError::Stopped) };
        let prepared = self.runtime.block_on(client.prepare(&numbered(sql)));
        let statement = self.noted(prepared)?;
        self.rows(&statement, values)
    }

    fn rows(&mut self, statement: &Statement, values: &[Value<'_>]) -> Result<Vec<Row>, StoreError> {
        let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| value as _).collect();
        let Some(client) = &self.client else { return Err(StoreError::Stopped) };
        let query = client.query(statement, &values);
        let found = match &self.abandoned {
            None => self.runtime.block_on(query),
            Some(abandoned) => self.runtime.block_on(cancellable(query, abandoned, &self.cancel)),
        };
        self.noted(found)
    }

    fn prepare(&mut self, sql: &str) -> Result<Statement, StoreError> {
        self.settle()?;
        let Some(client) = &self.client else { return Err(StoreError::Stopped) };
        let prepared = self.runtime.block_on(self.prepared.get(client, sql));
        self.noted(prepared)
    }

    /// Sends what was deferred and forgets what was known: the next statement may read the one and change the other.
    fn settle(&mut self) -> Result<(), StoreError> {
        let (Some(overlay), Some(client)) = (self.overlay.take(), &self.client) else { return Ok(()) };
        self.state.wrote |= overlay.is_changed();
        let flushed = self.runtime.block_on(overlay.flush(client, &mut self.prepared));
        self.state.deferred_failed |= flushed.is_err();
        self.noted(flushed)
    }

    fn noted<T>(&mut self, result: Result<T, Error>) -> Result<T, StoreError> {
        self.state.failed |= result.is_err();
        self.lost |= result.as_ref().is_err_and(is_lost);
        Ok(result?)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.client = None;
        let closing = &mut self.driving;
        self.runtime.block_on(async {
            let _ = tokio::time::timeout(CLOSE_TIMEOUT, closing).await;
        });
    }
}

pub(super) fn runtime() -> Result<Runtime, StoreError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|source| StoreError::Thread { name: "store", source })
}

/// Connects; the future must be polled for as long as the client is used.
pub(super) async fn connect(address: &Address) -> Result<Connected, StoreError> {
    let failed = |error: Error| unreachable(address, error);
    Ok(match verified(address)? {
        None => {
            let (client, connection) = address.config().connect(NoTls).await.map_err(failed)?;
            (client, Box::pin(drive(connection)))
        }
        Some(tls) => {
            let (client, connection) = address.config().connect(tls).await.map_err(failed)?;
            (client, Box::pin(drive(connection)))
        }
    })
}

pub(super) fn verified(address: &Address) -> Result<Option<Verified>, StoreError> {
    Ok(match address.encryption() {
        Encryption::None => None,
        Encryption::Verified { root_certificates } => {
            Some(Verified::new(root_certificates.as_ref()).map_err(StoreError::Address)?)
        }
    })
}

fn unreachable(address: &Address, error: Error) -> StoreError {
    let (cause, way_out) = start_problem(&error);
    let condition = match StoreError::from(error) {
        StoreError::Unavailable(condition) => condition,
        _ => crate::store::Condition::Unreachable,
    };
    StoreError::Connect { address: address.to_string(), cause, way_out, condition }
}

async fn drive<S, T>(connection: Connection<S, T>)
where
    Connection<S, T>: Future<Output = Result<(), Error>>,
{
    // Its end is what the client's next statement reports.
    let _ = connection.await;
}

/// Waits for a query, and cancels it when its caller no longer does.
async fn cancellable<T>(
    query: impl Future<Output = Result<T, Error>>,
    abandoned: &AtomicBool,
    cancel: &Cancel,
) -> Result<T, Error> {
    tokio::pin!(query);
    let mut cancelled = false;
    loop {
        tokio::select! {
            done = &mut query => return done,
            () = tokio::time::sleep(LOOK_INTERVAL), if !cancelled => {
                if abandoned.load(Ordering::Relaxed) {
                    cancelled = true;
                    cancel.request().await;
                }
            }
        }
    }
}

impl Cancel {
    async fn request(&self) {
        // Without it, the query ends with its timeout.
        let _ = match &self.tls {
            None => self.token.cancel_query(NoTls).await,
            Some(tls) => self.token.cancel_query(tls.clone()).await,
        };
    }
}
