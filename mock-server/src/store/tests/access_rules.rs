//! Access rules and the version of the map that they change, in every store.

use super::{NOW, stores};
use crate::store::{StoreError, Tx, access_rules, network_map, organisations};
use ztna_protocol::access::RuleView;

fn rule() -> RuleView {
    RuleView {
        src: vec!["tag:laptop".to_owned()],
        dst: vec!["tag:prod:22".to_owned()],
        proto: Some("tcp".to_owned()),
    }
}

/// Returns the version of the map, that of its last change of rules, and whether there are rules.
fn map(tx: &mut Tx<'_>, org_id: &str) -> Result<(i64, i64, bool), StoreError> {
    let range = network_map::version_range(tx, org_id)?;
    Ok((range.version, range.rules_version, range.restricted))
}

#[tokio::test]
async fn rules_belong_to_one_organisation_and_advance_its_map() {
    for (store, _folder) in stores() {
        let done = store.write(|tx| {
            for org_id in ["o", "p"] {
                organisations::insert(tx, org_id, org_id, 10, NOW)?;
            }
            let before = (access_rules::find(tx, "o")?, map(tx, "o")?);
            assert!(access_rules::replace(tx, "o", 0, &[rule()], NOW)?);
            let set = (access_rules::find(tx, "o")?, map(tx, "o")?);
            assert!(access_rules::replace(tx, "o", 1, &[], NOW)?);
            let emptied = (access_rules::find(tx, "o")?, map(tx, "o")?);
            let other = (access_rules::find(tx, "p")?, map(tx, "p")?);
            Ok::<_, StoreError>((before, set, emptied, other))
        });
        let (before, set, emptied, other) = done.await.unwrap();
        assert_eq!((before.0.version, before.0.rules.len(), before.1), (0, 0, (1, 0, false)));
        assert_eq!((set.0.version, set.0.rules, set.1), (1, vec![rule()], (2, 2, true)));
        assert_eq!(set.0.updated_at, Some(NOW));
        assert_eq!((emptied.0.version, emptied.0.rules.len(), emptied.1), (2, 0, (3, 3, false)));
        assert_eq!(other, before, "another organisation");
    }
}

#[tokio::test]
async fn a_version_is_replaced_once() {
    for (store, _folder) in stores() {
        let done = store.write(|tx| {
            organisations::insert(tx, "o", "o", 10, NOW)?;
            let first = access_rules::replace(tx, "o", 0, &[rule()], NOW)?;
            let second = access_rules::replace(tx, "o", 0, &[], NOW)?;
            Ok::<_, StoreError>((first, second, access_rules::find(tx, "o")?.rules, map(tx, "o")?.0))
        });
        assert_eq!(done.await.unwrap(), (true, false, vec![rule()], 2));
    }
}
