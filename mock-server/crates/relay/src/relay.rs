//! The relay itself: admits machines and disconnects those that may no longer use it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{WebSocket, WebSocketUpgrade};
use axum::response::Response;
use ztna_protocol::machine_token::TokenReference;
use ztna_protocol::region::Region;
use ztna_protocol::relay::{MAX_TOKENS_PER_REQUEST, Member, frame};

use crate::authority::{Authority, AuthorityError};
use crate::connection;
use crate::counters::{Counted, Counters};
use crate::proving::PendingProofs;
use crate::shared::Shared;
use crate::table::ConnectionTable;

/// Interval of asking the authority whether connected machines may still use the relay.
pub const RECHECK: Duration = Duration::from_millis(700);

/// A relay in one region; clones share its state.
#[derive(Clone)]
pub struct Relay {
    shared: Arc<Shared>,
}

impl Relay {
    /// Creates a relay without connections.
    pub fn new(region: Region, authority: Arc<dyn Authority>) -> Self {
        let (table, counters, pending_proofs) =
            (ConnectionTable::default(), Counters::default(), PendingProofs::default());
        Self { shared: Arc::new(Shared { region, authority, table, counters, pending_proofs }) }
    }

    /// Returns the region that the relay serves.
    pub fn region(&self) -> Region {
        self.shared.region
    }

    pub fn counted(&self) -> Counted {
        self.shared.counters.read(self.shared.table.len())
    }

    /// Returns the machine that may use the relay with this token.
    ///
    /// # Errors
    /// [`AuthorityError`] if the authority does not answer.
    pub async fn admit(&self, token: &TokenReference) -> Result<Option<Member>, AuthorityError> {
        let members = self.shared.authority.members(vec![token.clone()]).await?;
        Ok(members.into_iter().next().flatten())
    }

    /// Answers the upgrade and serves the machine, which must prove to be `member`, until it disconnects.
    pub fn accept(&self, upgrade: WebSocketUpgrade, member: Member, token: TokenReference) -> Response {
        let relay = self.clone();
        upgrade
            .max_message_size(frame::MAX_FRAME_LEN)
            .max_frame_size(frame::MAX_FRAME_LEN)
            .on_failed_upgrade(|error| tracing::debug!(%error, "the upgrade to WebSocket failed"))
            .on_upgrade(async move |socket: WebSocket| {
                connection::serve(&relay.shared, socket, member, token).await;
            })
    }

    /// Closes all connections when the relay stops.
    pub fn end(&self) {
        self.shared.table.retain(|_, _| false);
    }

    /// Disconnects machines that may no longer use the relay, in a loop. While the authority does not answer, all stay
    /// connected.
    pub async fn watch(self) {
        loop {
            tokio::time::sleep(RECHECK).await;
            for tokens in self.shared.table.tokens().chunks(MAX_TOKENS_PER_REQUEST) {
                match self.shared.authority.members(tokens.to_vec()).await {
                    Ok(members) => {
                        let members: HashMap<&TokenReference, Option<Member>> =
                            tokens.iter().zip(members).collect();
                        self.shared.table.retain(|token, member| {
                            members.get(token).is_none_or(|now| now.as_ref() == Some(member))
                        });
                    }
                    Err(error) => tracing::warn!(%error, "rechecking the connected machines failed"),
                }
            }
        }
    }
}
