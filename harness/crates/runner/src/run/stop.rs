use tokio::sync::watch;

use harness_model::event::RunEnd;

/// The sending side: asks a run to stop.
#[derive(Debug, Clone)]
pub struct Stopper(watch::Sender<Demand>);

/// The receiving side: tells a run whether to stop.
#[derive(Debug, Clone)]
pub struct Stop(watch::Receiver<Demand>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Demand {
    Continue,
    Stop(RunEnd),
    /// Skip cleanup, too.
    StopNow(RunEnd),
}

pub fn stop() -> (Stopper, Stop) {
    let (sender, receiver) = watch::channel(Demand::Continue);
    (Stopper(sender), Stop(receiver))
}

impl Stopper {
    /// Asks the run to stop: no further sub-test starts, and running ones clean up. A second call skips cleanup.
    pub fn ask(&self, end: RunEnd) {
        self.0.send_modify(|demand| {
            *demand = match *demand {
                Demand::Continue => Demand::Stop(end),
                Demand::Stop(first) | Demand::StopNow(first) => Demand::StopNow(first),
            };
        });
    }
}

impl Stop {
    /// Returns how the run ends if it was asked to stop.
    pub fn end(&self) -> Option<RunEnd> {
        match *self.0.borrow() {
            Demand::Continue => None,
            Demand::Stop(end) | Demand::StopNow(end) => Some(end),
        }
    }

    /// Waits until the run is asked to stop.
    pub async fn asked(&mut self) {
        if self.0.wait_for(|demand| *demand != Demand::Continue).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Waits until the run is asked to skip cleanup.
    pub async fn asked_twice(&mut self) {
        if self.0.wait_for(|demand| matches!(demand, Demand::StopNow(_))).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
