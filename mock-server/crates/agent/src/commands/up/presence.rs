//! Reports of this machine's presence to the control plane: online from time to time, offline at the end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};
use ztna_protocol::region::Region;

use crate::control_client::{ControlClient, ControlError, Machine};
use crate::secret::Secret;

/// The heartbeats of one run.
///
/// They are sent by a task of their own. If what cancels a run cancelled an unanswered heartbeat as well, the control plane
/// could still record it, but after the sign-off: peers would count a machine that has stopped as online.
pub(super) struct Presence<'a> {
    control: &'a Arc<ControlClient>,
    in_flight: Mutex<Option<JoinHandle<Result<Machine, ControlError>>>>,
}

impl<'a> Presence<'a> {
    pub(super) fn new(control: &'a Arc<ControlClient>) -> Self {
        Self { control, in_flight: Mutex::new(None) }
    }

    /// Reports the machine online, with where its peers reach it. If this is cancelled, the request goes on.
    ///
    /// # Errors
    /// The control plane refuses the report or gives no usable answer.
    pub(super) async fn report_online(
        &self,
        token: &Secret,
        endpoints: Option<Vec<SocketAddr>>,
        relay: Option<Region>,
    ) -> Result<Machine, ControlError> {
        let mut in_flight = self.in_flight.lock().await;
        let (control, token) = (Arc::clone(self.control), token.clone());
        let request = async move { control.heartbeat(&token, endpoints.as_deref(), relay).await };
        let answer = in_flight.insert(tokio::spawn(request)).await;
        *in_flight = None;
        answer.unwrap_or_else(|fault| {
            let server = self.control.server().to_owned();
            Err(ControlError::Unreachable { server, cause: fault.to_string() })
        })
    }

    /// Sends the last heartbeat within `limit`, of which an unanswered one may take half: its connection may be dead.
    ///
    /// # Errors
    /// The control plane refuses the report or does not answer in time.
    pub(super) async fn report_offline(&self, token: &Secret, limit: Duration) -> Result<(), ControlError> {
        let start = Instant::now();
        if let Some(unanswered) = self.in_flight.lock().await.as_mut()
            && timeout_at(start + limit / 2, &mut *unanswered).await.is_err()
        {
            unanswered.abort();
        }
        self.control.report_offline(token, limit.saturating_sub(start.elapsed())).await
    }
}
