//! Admission of machines to relays.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ztna_protocol::machine_token::TokenReference;
use ztna_protocol::relay::Member;

use crate::store::{StoreError, Tx, machines};

/// Returns the machine of each token, in order, or `None` for unknown, quarantined and pending machines.
pub fn members(tx: &mut Tx<'_>, tokens: &[TokenReference]) -> Result<Vec<Option<Member>>, StoreError> {
    tokens.iter().map(|token| member(tx, token)).collect()
}

fn member(tx: &mut Tx<'_>, token: &TokenReference) -> Result<Option<Member>, StoreError> {
    let machine = machines::find_by_token(tx, token)?;
    Ok(machine.filter(|machine| machine.peer().is_some()).and_then(|machine| {
        let public_key = BASE64_STANDARD.decode(&machine.public_key).ok()?.try_into().ok()?;
        Some(Member { org_id: machine.org_id, public_key })
    }))
}
