//! Fills an organisation with machines, without registering them.

use std::path::PathBuf;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use mock_server::domain::key::material::sha256;
use mock_server::store::{Address, Location, Store, StoreError, Tx};
use mock_server::values;
use ztna_protocol::machine_token;

use crate::organisation::ORGANISATION;

/// The token of the machine with this number.
pub(crate) fn token(number: usize) -> String {
    machine_token::compose(&id(number), [7; 16]).unwrap()
}

fn id(number: usize) -> String {
    format!("019a0000-0000-7000-8000-{number:012}")
}

/// The public key of the machine with this name.
pub(crate) fn public_key(name: &str) -> String {
    BASE64_STANDARD.encode(hex::decode(sha256(name)).unwrap())
}

/// Inserts that many machines, which count as offline so that time does not change them. Returns the version of the map.
pub(crate) async fn fill(database: &str, machines: usize) -> i64 {
    let location = match database.strip_prefix("sqlite:") {
        Some(path) => Location::File(PathBuf::from(path)),
        None => Location::Postgres(Box::new(Address::parse(database).unwrap())),
    };
    let store = Store::open(&location).unwrap();
    store.write(move |tx| insert(tx, machines)).await.unwrap()
}

fn insert(tx: &mut Tx<'_>, machines: usize) -> Result<i64, StoreError> {
    const NOW: i64 = 1_790_000_000_000;
    for number in 0..machines {
        let (name, version) = (format!("machine-{number:05}"), i64::try_from(number).unwrap() + 2);
        let ip = format!("100.64.{}.{}", 1 + number / 250, 1 + number % 250);
        tx.execute(
            "INSERT INTO machines (id, org_id, name, tailnet_ip, status, tags, ephemeral, public_key, token_hash,
                 created_at, last_seen, map_version, name_key, endpoints, relay)
             VALUES (?1, ?2, ?3, ?4, 'offline', '[]', 0, ?5, ?6, ?7, ?7, ?8, ?3, ?9, 'blr1')",
            values![
                id(number),
                ORGANISATION,
                name.clone(),
                ip,
                public_key(&name),
                sha256(&token(number)),
                NOW,
                version,
                r#"["203.0.113.7:41641","192.168.1.20:41641"]"#
            ],
        )?;
    }
    let (machines, version) = (i64::try_from(machines).unwrap(), i64::try_from(machines).unwrap() + 1);
    tx.execute(
        "UPDATE address_pools SET next_offset = ?2, machines = ?3 WHERE org_id = ?1",
        values![ORGANISATION, 65_536, machines],
    )?;
    tx.execute("UPDATE network_maps SET version = ?2 WHERE org_id = ?1", values![ORGANISATION, version])?;
    Ok(version)
}
