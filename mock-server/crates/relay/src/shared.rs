//! What the connections of one relay share.

use std::sync::Arc;

use ztna_protocol::region::Region;

use crate::authority::Authority;
use crate::counters::Counters;
use crate::proving::Proving;
use crate::table::Table;

/// Where the relay stands, who may speak at it, and who does.
pub(crate) struct Shared {
    pub(crate) region: Region,
    pub(crate) authority: Arc<dyn Authority>,
    pub(crate) table: Table,
    pub(crate) counters: Counters,
    pub(crate) proving: Proving,
}
