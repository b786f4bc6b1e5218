//! The state that all connections of a relay share.

use std::sync::Arc;

use ztna_protocol::region::Region;

use crate::authority::Authority;
use crate::counters::Counters;
use crate::proving::PendingProofs;
use crate::table::ConnectionTable;

/// The state of a relay.
pub(crate) struct Shared {
    pub(crate) region: Region,
    pub(crate) authority: Arc<dyn Authority>,
    pub(crate) table: ConnectionTable,
    pub(crate) counters: Counters,
    pub(crate) pending_proofs: PendingProofs,
}
