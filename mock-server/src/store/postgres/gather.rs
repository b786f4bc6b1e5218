//! Waits for the writers' turn, and gathers jobs meanwhile.

use std::pin::{Pin, pin};
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt as _, MaybeDone, join_all, maybe_done};
use tokio_postgres::{Client, Error, Statement};

use super::overlay::Facts;
use crate::store::job::Work;
use crate::store::lookup::Lookup;

/// How often new jobs are looked for during the wait.
const LOOK_INTERVAL: Duration = Duration::from_millis(1);

pub(super) type Jobs = Vec<Box<dyn Work>>;

/// Jobs that share a transaction, and where further ones come from.
pub(super) struct Batch<'q> {
    jobs: Jobs,
    next: &'q mut dyn FnMut() -> Option<Box<dyn Work>>,
    capacity: usize,
    /// How many jobs the batch before had.
    expected: usize,
    /// How many of the jobs were asked what they look up.
    asked: usize,
}

type Answer<'a> = MaybeDone<BoxFuture<'a, Result<Facts, Error>>>;

impl<'q> Batch<'q> {
    pub(super) fn new(
        first: Box<dyn Work>,
        next: &'q mut dyn FnMut() -> Option<Box<dyn Work>>,
        capacity: usize,
        expected: usize,
    ) -> Self {
        Self { jobs: vec![first], next, capacity, expected, asked: 0 }
    }

    /// Runs `begin`, which waits for the writers' turn, and asks for what the jobs look up. The questions are sent during
    /// the wait and answered after it: no round trip is added to the time in which other replicas wait for this one.
    /// Returns `None` if no job says what it looks up; an inner error has ended the transaction.
    pub(super) async fn begin(
        &mut self,
        client: &Client,
        question: &Statement,
        begin: &str,
    ) -> Result<Option<Result<Facts, Error>>, Error> {
        self.asked = 0;
        let mut beginning = pin!(client.batch_execute(begin));
        // Sends the statement.
        let mut begun = beginning.as_mut().now_or_never();
        let mut answers = Vec::new();
        let mut seen = 0;
        while begun.is_none() {
            self.fill();
            // Clients that were answered at once ask again at about the same time, and one question for all is cheaper.
            let complete = self.asked == 0 && self.jobs.len() >= self.expected;
            if complete || self.jobs.len() == seen {
                answers.extend(self.ask(client, question));
            }
            seen = self.jobs.len();
            begun = tokio::time::timeout(LOOK_INTERVAL, beginning.as_mut()).await.ok();
        }
        begun.transpose()?;
        self.fill();
        // Fewer latecomers have a turn of their own.
        if self.jobs.len() >= 2 * self.asked {
            answers.extend(self.ask(client, question));
        }
        join_all(answers.iter_mut()).await;
        let facts = answers.iter_mut().filter_map(|answer| Pin::new(answer).take_output());
        Ok(facts.reduce(|one, other| Ok(one?.and(other?))))
    }

    /// Returns the jobs of this turn and those of the next one.
    pub(super) fn into_turns(mut self) -> (Jobs, Jobs) {
        let later = self.jobs.split_off(self.asked);
        (self.jobs, later)
    }

    /// Returns all jobs, also those that were not gathered yet.
    pub(super) fn into_all(self) -> impl Iterator<Item = Box<dyn Work>> {
        self.jobs.into_iter().chain(std::iter::from_fn(self.next))
    }

    fn fill(&mut self) {
        while self.jobs.len() < self.capacity {
            let Some(job) = (self.next)() else { return };
            self.jobs.push(job);
        }
    }

    /// Asks for what further jobs look up.
    fn ask<'a>(&mut self, client: &'a Client, question: &'a Statement) -> Option<Answer<'a>> {
        let further = self.jobs[self.asked..].iter();
        let lookups: Vec<Lookup> = further.filter_map(|job| job.lookup()).cloned().collect();
        self.asked = self.jobs.len();
        if lookups.is_empty() {
            return None;
        }
        let mut answer = maybe_done(Facts::load(client, question, lookups).boxed());
        // Sends the statements.
        let _ = (&mut answer).now_or_never();
        Some(answer)
    }
}
