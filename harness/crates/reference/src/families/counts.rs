//! `used_count`: where it starts, and what moves it.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::deviation::{IssuedKey, Memory, Told};

use crate::deviation::{Family, telling};

pub(super) const ALL: Family = &[
    ("count-frozen", telling(|_, told, _| told.each("used_count", |count| *count = json!(0)))),
    (
        "count-null-at-first",
        telling(|_, told, _| {
            told.each("used_count", |count| {
                if *count == json!(0) {
                    *count = Value::Null;
                }
            });
        }),
    ),
    (
        "count-as-text",
        telling(|_, told, _| told.each("used_count", |count| *count = json!(count.to_string()))),
    ),
    ("count-starts-at-one", telling(|_, told, memory| recount(told, memory, |_, _, count| count + 1))),
    (
        "count-moves-on-refusal",
        telling(|_, told, memory| {
            recount(told, memory, |memory, issued, count| {
                count + memory.refusals.get(&issued.key).copied().unwrap_or_default()
            });
        }),
    ),
    (
        "count-skips-reregistrations",
        telling(|_, told, memory| {
            recount(told, memory, |memory, issued, _| {
                let names: BTreeSet<_> =
                    memory.enrolled_with(&issued.key).map(|registered| &registered.name).collect();
                number(names.len())
            });
        }),
    ),
    (
        "count-of-machines",
        telling(|_, told, memory| {
            recount(told, memory, |memory, issued, _| {
                let there: BTreeSet<_> = memory
                    .enrolled_with(&issued.key)
                    .map(|registered| &registered.id)
                    .filter(|id| !memory.deleted.contains(*id))
                    .collect();
                number(there.len())
            });
        }),
    ),
    ("count-jumps-by-two", telling(|_, told, memory| recount(told, memory, |_, _, count| count * 2))),
    (
        "count-lost-in-races",
        telling(|asked, told, memory| {
            let about = format!("{} {}", asked.path, asked.text("auth_key"));
            let at_once = memory.under_way.get(&about).is_some_and(|count| *count > 1);
            if asked.registers() && told.is_success() && at_once {
                let lost = memory.own.entry(asked.text("auth_key").to_owned()).or_insert(json!(0));
                *lost = json!(lost.as_u64().unwrap_or_default() + 1);
            }
            recount(told, memory, |memory, issued, count| {
                count.saturating_sub(memory.own.get(&issued.key).and_then(Value::as_u64).unwrap_or_default())
            });
        }),
    ),
];

/// Counts anew in every row of a key.
fn recount(told: &mut Told, memory: &Memory, count: fn(&Memory, &IssuedKey, u64) -> u64) {
    for row in told.rows() {
        let issued = memory.key_by_id(&row["id"]);
        // A row of selected columns has no id; a name is as good here.
        let issued = issued.or_else(|| memory.keys.iter().find(|issued| issued.told["name"] == row["name"]));
        if let (Some(issued), Some(used)) = (issued, row.get_mut("used_count")) {
            *used = json!(count(memory, issued, used.as_u64().unwrap_or_default()));
        }
    }
}

fn number(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
