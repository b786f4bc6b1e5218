//! Admission of machines to relays.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ztna_protocol::relay::Member;

use crate::store::{StoreError, Tx, machines};

/// Returns the machine for each token hash, in order, or `None` for unknown, quarantined and pending machines.
pub fn members(tx: &mut Tx<'_>, token_hashes: &[String]) -> Result<Vec<Option<Member>>, StoreError> {
    token_hashes.iter().map(|hash| member(tx, hash)).collect()
}

fn member(tx: &mut Tx<'_>, token_hash: &str) -> Result<Option<Member>, StoreError> {
    let machine = machines::find_by_token(tx, token_hash)?;
    Ok(machine.filter(|machine| machine.peer().is_some()).and_then(|machine| {
        let public_key = BASE64_STANDARD.decode(&machine.public_key).ok()?.try_into().ok()?;
        Some(Member { org_id: machine.org_id, public_key })
    }))
}
