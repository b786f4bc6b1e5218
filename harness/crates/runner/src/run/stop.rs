//! How a run is cut short.

use tokio::sync::watch;

use harness_model::event::End;

/// Asks a run to stop.
#[derive(Debug, Clone)]
pub struct Stopper(watch::Sender<Demand>);

/// Tells a run whether it should.
#[derive(Debug, Clone)]
pub struct Stop(watch::Receiver<Demand>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Demand {
    GoOn,
    Stop(End),
    /// Not even cleanup is waited for.
    Now(End),
}

/// Both ends of a demand.
pub fn stop() -> (Stopper, Stop) {
    let (sender, receiver) = watch::channel(Demand::GoOn);
    (Stopper(sender), Stop(receiver))
}

impl Stopper {
    /// Asks: no new sub-test begins, those that run clean up. Asked a second time, they do not even that.
    pub fn ask(&self, end: End) {
        self.0.send_modify(|demand| {
            *demand = match *demand {
                Demand::GoOn => Demand::Stop(end),
                Demand::Stop(first) | Demand::Now(first) => Demand::Now(first),
            };
        });
    }
}

impl Stop {
    /// How the run ends, if it was asked to.
    pub fn end(&self) -> Option<End> {
        match *self.0.borrow() {
            Demand::GoOn => None,
            Demand::Stop(end) | Demand::Now(end) => Some(end),
        }
    }

    /// Waits until the run should stop.
    pub async fn asked(&mut self) {
        if self.0.wait_for(|demand| *demand != Demand::GoOn).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Waits until cleanup should stop too.
    pub async fn asked_twice(&mut self) {
        if self.0.wait_for(|demand| matches!(demand, Demand::Now(_))).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
