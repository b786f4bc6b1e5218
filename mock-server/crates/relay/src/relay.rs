//! The relay itself: who is let in, and who has to go.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{WebSocket, WebSocketUpgrade};
use axum::response::Response;
use ztna_protocol::region::Region;
use ztna_protocol::relay::{MOST_ASKED, Member, frame};

use crate::authority::{Authority, AuthorityError};
use crate::connection;
use crate::counters::{Counted, Counters};
use crate::proving::Proving;
use crate::shared::Shared;
use crate::table::Table;

/// How often the authority is asked whether those who are connected still may be.
pub const RECHECK: Duration = Duration::from_millis(700);

/// A relay in one region; clones are the same one.
#[derive(Clone)]
pub struct Relay {
    shared: Arc<Shared>,
}

impl Relay {
    /// A relay that nobody is connected to.
    pub fn new(region: Region, authority: Arc<dyn Authority>) -> Self {
        let (table, counters, proving) = (Table::default(), Counters::default(), Proving::default());
        Self { shared: Arc::new(Shared { region, authority, table, counters, proving }) }
    }

    /// Where it stands.
    pub fn region(&self) -> Region {
        self.shared.region
    }

    /// What it has done so far.
    pub fn counted(&self) -> Counted {
        self.shared.counters.read(self.shared.table.len())
    }

    /// The machine that may speak with the token of this hash.
    ///
    /// # Errors
    /// [`AuthorityError`] if nobody can tell.
    pub async fn admit(&self, token_hash: &str) -> Result<Option<Member>, AuthorityError> {
        let members = self.shared.authority.members(vec![token_hash.to_owned()]).await?;
        Ok(members.into_iter().next().flatten())
    }

    /// Answers the upgrade, and then speaks with the machine that is believed to be `member` until it goes.
    pub fn accept(&self, upgrade: WebSocketUpgrade, member: Member, token_hash: String) -> Response {
        let relay = self.clone();
        upgrade
            .max_message_size(frame::LONGEST)
            .max_frame_size(frame::LONGEST)
            .on_failed_upgrade(|error| tracing::debug!(%error, "no connection"))
            .on_upgrade(async move |socket: WebSocket| {
                connection::converse(&relay.shared, socket, member, token_hash).await;
            })
    }

    /// Ends every connection; for a relay that stops.
    pub fn end(&self) {
        self.shared.table.retain(|_, _| false);
    }

    /// Cuts off who may not speak any more, for ever. While the authority does not answer, everybody stays.
    pub async fn watch(self) {
        loop {
            tokio::time::sleep(RECHECK).await;
            for asked in self.shared.table.token_hashes().chunks(MOST_ASKED) {
                match self.shared.authority.members(asked.to_vec()).await {
                    Ok(members) => {
                        let members: HashMap<&String, Option<Member>> = asked.iter().zip(members).collect();
                        self.shared.table.retain(|hash, member| {
                            members.get(hash).is_none_or(|now| now.as_ref() == Some(member))
                        });
                    }
                    Err(error) => tracing::warn!(%error, "it is not known who may still use the relay"),
                }
            }
        }
    }
}
