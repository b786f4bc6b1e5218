//! What the store guarantees of machines, and keeps of those that earlier versions stored.

use ztna_protocol::machine_token::{self, TokenReference};

use super::{NOW, postgres_location, private_file, stores};
use crate::domain::key::material::sha256;
use crate::domain::machine::Status;
use crate::store::machines::{self, Machine};
use crate::store::migration::MIGRATIONS;
use crate::store::{Location, Store, StoreError, Tx, addresses, network_map, organisations, postgres};
use crate::values;

/// The last version in which tokens were random and machines referred to other tables.
const FORMER: usize = 13;

fn machine(number: u8, org_id: &str, name: &str) -> Machine {
    Machine {
        id: format!("019cfb3c-ed00-7000-8000-0000000000{number:02x}"),
        org_id: org_id.to_owned(),
        name: name.to_owned(),
        tailnet_ip: format!("100.64.0.{number}"),
        status: Status::Online,
        tags: Vec::new(),
        ephemeral: false,
        public_key: format!("key-{number}"),
        endpoints: Vec::new(),
        relay: None,
        logged_in: true,
        auth_key_id: None,
        enrolled_by: None,
        os: None,
        version: None,
        created_at: NOW,
        last_seen: NOW,
    }
}

fn token(machine: &Machine) -> String {
    machine_token::compose(&machine.id, [7; 16]).unwrap()
}

fn insert(tx: &mut Tx<'_>, machine: &Machine) -> Result<(), StoreError> {
    machines::insert(tx, machine, &machine_token::hash(&token(machine)), None)
}

#[tokio::test]
async fn names_and_addresses_are_unique_within_their_organisation() {
    for (store, _folder) in stores() {
        let prepared = store.write(|tx| {
            for org_id in ["o", "p"] {
                organisations::insert(tx, org_id, org_id, 10, NOW)?;
            }
            insert(tx, &machine(1, "o", "Web"))
        });
        prepared.await.unwrap();
        let same_address = Machine { tailnet_ip: "100.64.0.1".to_owned(), ..machine(2, "o", "mail") };
        for (other, refused) in [
            (machine(2, "o", "wEB"), true),
            (same_address.clone(), true),
            (machine(1, "o", "mail"), true),
            (Machine { org_id: "p".to_owned(), ..same_address }, false),
        ] {
            let shown = format!("{other:?}");
            let stored = store.write(move |tx| insert(tx, &other)).await;
            assert_eq!(matches!(stored, Err(StoreError::Unique { .. })), refused, "{shown}: {stored:?}");
        }
    }
}

#[tokio::test]
async fn an_unknown_organisation_has_no_machines() {
    for (store, _folder) in stores() {
        let admitted = store.write(|tx| {
            Ok::<_, StoreError>((addresses::quota(tx, "unknown")?.is_some(), addresses::take(tx, "unknown")?))
        });
        assert_eq!(admitted.await.unwrap(), (false, None));
        let stored = store.write(|tx| insert(tx, &machine(1, "unknown", "web"))).await;
        assert!(matches!(stored, Err(StoreError::Corrupt { .. })), "{stored:?}");
    }
}

#[tokio::test]
async fn machines_are_found_by_their_token_and_key_in_their_organisation_alone() {
    for (store, _folder) in stores() {
        let found = store.write(|tx| {
            for org_id in ["o", "p"] {
                organisations::insert(tx, org_id, org_id, 10, NOW)?;
            }
            let (one, other) = (machine(1, "o", "web"), machine(2, "p", "web"));
            let other = Machine { public_key: one.public_key.clone(), ..other };
            insert(tx, &one)?;
            insert(tx, &other)?;
            let mut by_token = |token: &str| {
                let found = machines::find_by_token(tx, &TokenReference::to(token));
                found.map(|found| found.map(|machine| machine.id))
            };
            let same_id = machine_token::compose(&one.id, [8; 16]).unwrap();
            let tokens = [by_token(&token(&one))?, by_token(&token(&other))?, by_token(&same_id)?];
            let keys = ["o", "p", "q"].map(|org_id| machines::id_by_public_key(tx, org_id, "key-1"));
            Ok::<_, StoreError>((tokens, keys.map(Result::unwrap), [one.id, other.id]))
        });
        let (tokens, keys, [one, other]) = found.await.unwrap();
        assert_eq!(tokens, [Some(one.clone()), Some(other.clone()), None]);
        assert_eq!(keys, [Some(one), Some(other), None]);
    }
}

/// What a store of that version has, with machines whose names differ in case alone.
fn rows_of_before() -> Vec<String> {
    let machine = |id: &str, name: &str, number: u8, token: &str| {
        format!(
            "INSERT INTO machines (id, org_id, name, tailnet_ip, status, tags, ephemeral, public_key, token_hash, created_at,
                 last_seen, map_version, name_key)
             VALUES ('{id}', 'o', '{name}', '100.64.0.{number}', 'online', '[]', 0, 'key-{number}', {token}, {number}, 0,
                 {number}, 'web')"
        )
    };
    let hash = |number: u8| format!("'{}'", sha256(&former_token(number)));
    vec![
        "INSERT INTO organisations (id, name, machine_limit, created_at) VALUES ('o', 'O', 10, 0)".to_owned(),
        "INSERT INTO address_pools (org_id, next_offset, machines) VALUES ('o', 4, 3)".to_owned(),
        "INSERT INTO network_maps (org_id, version, pruned) VALUES ('o', 3, 0)".to_owned(),
        "INSERT INTO settings (name, value) VALUES ('name_key_rule', '2')".to_owned(),
        machine("a", "Web", 1, &hash(1)),
        machine("b", "WEB", 2, &hash(2)),
        machine("c", "web", 3, "NULL"),
        "INSERT INTO audit_logs (id, org_id, actor, action, target, details, created_at)
             VALUES ('e', 'o', 'system', 'x', 'a', '{}', 5)"
            .to_owned(),
    ]
}

fn former_token(number: u8) -> String {
    format!("ztm_{}", format!("{number:02x}").repeat(32))
}

/// Databases of that version.
async fn former_databases(folder: &std::path::Path) -> Vec<Location> {
    let path = private_file(&folder.join("store.db"), b"");
    let old = rusqlite::Connection::open(&path).unwrap();
    for sql in MIGRATIONS.iter().take(FORMER) {
        old.execute_batch(sql).unwrap();
    }
    rows_of_before().iter().for_each(|sql| old.execute_batch(sql).unwrap());
    old.pragma_update(None, "user_version", i64::try_from(FORMER).unwrap()).unwrap();
    drop(old);
    let Some(location) = postgres_location() else { return vec![Location::File(path)] };
    let current = Store::open(&location).unwrap();
    let made = current.write(|tx| {
        let tables =
            "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() AND tablename <> 'schema_version'";
        for table in tx.all(tables, &[], |row| row.text(0))? {
            tx.execute(&format!("DROP TABLE {table} CASCADE"), &[])?;
        }
        for migration in MIGRATIONS.iter().take(FORMER) {
            for sql in postgres::translated(migration).split(';').filter(|sql| !sql.trim().is_empty()) {
                tx.execute(sql, &[])?;
            }
        }
        for sql in rows_of_before() {
            tx.execute(&sql, &[])?;
        }
        tx.execute("UPDATE schema_version SET version = ?1", values![i64::try_from(FORMER).unwrap()])
    });
    made.await.unwrap();
    vec![Location::File(path), location]
}

#[tokio::test]
async fn machines_of_earlier_versions_keep_their_names_and_tokens() {
    let folder = tempfile::tempdir().unwrap();
    for location in former_databases(folder.path()).await {
        let store = Store::open(&location).unwrap();
        let found = store.write(|tx| {
            let by_name = ["Web", "WEB", "web", "wEb"].map(|name| machines::find_by_name(tx, "o", name));
            let by_token = [1, 2, 3]
                .map(|number| machines::find_by_token(tx, &TokenReference::to(&former_token(number))));
            let ids = |found: Result<Option<Machine>, _>| found.unwrap().map(|machine| machine.id);
            let entries = tx.all("SELECT id FROM audit_logs", &[], |row| row.text(0))?;
            let peers = network_map::peers(tx, "o")?.len();
            let quota = addresses::quota(tx, "o")?.map(|quota| quota.machines);
            Ok::<_, StoreError>((by_name.map(ids), by_token.map(ids), entries, peers, quota))
        });
        let (by_name, by_token, entries, peers, quota) = found.await.unwrap();
        assert_eq!(by_name.map(Option::unwrap_or_default), ["a", "b", "c", "a"]);
        assert_eq!(by_token, [Some("a".to_owned()), Some("b".to_owned()), None]);
        assert_eq!((entries, peers, quota), (vec!["e".to_owned()], 2, Some(3)));

        // A new token replaces the former one, and a further machine of the name is refused.
        let replaced = store.write(|tx| {
            let before = machines::find_by_name(tx, "o", "Web")?.unwrap();
            machines::replace(tx, &before, &before, &machine_token::hash("another"), None)?;
            machines::find_by_token(tx, &TokenReference::to(&former_token(1)))
        });
        assert_eq!(replaced.await.unwrap(), None);
        let refused = store.write(|tx| insert(tx, &machine(9, "o", "weB"))).await;
        assert!(matches!(refused, Err(StoreError::Unique { .. })), "{refused:?}");
    }
}

/// A rule that makes two names the same later does not keep the store from opening.
#[tokio::test]
async fn names_that_a_new_rule_makes_the_same_are_kept_apart() {
    let folder = tempfile::tempdir().unwrap();
    for location in [Some(Location::File(folder.path().join("store.db"))), postgres_location()] {
        let Some(location) = location else { continue };
        let store = Store::open(&location).unwrap();
        let prepared = store.write(|tx| {
            organisations::insert(tx, "o", "O", 10, NOW)?;
            for (number, name) in [(1, "Straße"), (2, "other"), (3, "another")] {
                insert(tx, &machine(number, "o", name))?;
            }
            tx.execute(
                "UPDATE machines SET name = 'STRASSE', name_key = 'an old form' WHERE name = 'other'",
                &[],
            )?;
            tx.execute(
                "UPDATE machines SET name = 'strasse', name_key = 'older' WHERE name = 'another'",
                &[],
            )?;
            tx.execute("DELETE FROM settings WHERE name = 'name_key_rule'", &[])
        });
        prepared.await.unwrap();
        drop(store);
        let store = Store::open(&location).unwrap();
        let found = store.read(|tx| {
            let names = ["Straße", "STRASSE", "strasse"].map(|name| machines::find_by_name(tx, "o", name));
            Ok::<_, StoreError>(names.map(|found| found.unwrap().unwrap().name))
        });
        assert_eq!(found.await.unwrap(), ["Straße", "STRASSE", "strasse"]);
    }
}
