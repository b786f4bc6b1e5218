//! The mistakes, one constant each.

use serde_json::{Value, json};

use crate::implementation::{ADMIN, MEMBER, OUTSIDER};
use crate::layer::{Asked, Memory, Told};

/// One thing done wrong: to a request, to an answer, or by the reference's configuration.
#[derive(Clone, Copy)]
pub(crate) struct Deviation {
    /// Bends a request, or answers it at once.
    pub(crate) ask: fn(&mut Asked, &Memory) -> Option<Told>,
    /// Bends an answer to what was asked.
    pub(crate) tell: fn(&Asked, &mut Told, &Memory),
    /// Whether X-Forwarded-For is believed of everybody.
    pub(crate) trusts_everybody: bool,
}

/// Nothing is wrong.
pub(crate) const NONE: Deviation =
    Deviation { ask: |_, _| None, tell: |_, _, _| (), trusts_everybody: false };

const fn asking(ask: fn(&mut Asked, &Memory) -> Option<Told>) -> Deviation {
    Deviation { ask, ..NONE }
}

const fn telling(tell: fn(&Asked, &mut Told, &Memory)) -> Deviation {
    Deviation { tell, ..NONE }
}

pub(crate) const FORWARDED_FOR_BELIEVED: Deviation = Deviation { trusts_everybody: true, ..NONE };

pub(crate) const FROZEN_COUNT: Deviation =
    telling(|_, told, _| each_row(told, "used_count", |count| *count = json!(0)));

pub(crate) const NULL_COUNT: Deviation = telling(|_, told, _| {
    each_row(told, "used_count", |count| {
        if *count == json!(0) {
            *count = Value::Null;
        }
    });
});

pub(crate) const COUNT_AS_TEXT: Deviation =
    telling(|_, told, _| each_row(told, "used_count", |count| *count = json!(count.to_string())));

pub(crate) const REFUSALS_COUNT: Deviation = telling(|_, told, memory| {
    each_row(told, "used_count", |count| {
        *count = json!(count.as_u64().unwrap_or_default() + memory.refusals);
    });
});

pub(crate) const ALWAYS_REUSABLE: Deviation = Deviation {
    ask: |asked, _| {
        set_if(asked, creates_auth_key, "reusable", json!(true));
        None
    },
    tell: |asked, told, _| {
        if creates_auth_key(asked) {
            told.json["data"]["reusable"] = json!(false);
        }
    },
    ..NONE
};

pub(crate) const USED_BEFORE_EXPIRED: Deviation = telling(|asked, told, memory| {
    let key = asked.json["auth_key"].as_str().unwrap_or_default();
    if told.json["error"]["code"] == "INVALID_KEY" && memory.used.iter().any(|used| used == key) {
        told.json["error"] = json!({ "code": "KEY_USED", "message": "Auth key already used" });
    }
});

pub(crate) const USED_IS_FORBIDDEN: Deviation = telling(|_, told, _| {
    if told.json["error"]["code"] == "KEY_USED" {
        told.status = 403;
    }
});

pub(crate) const SELECT_IGNORED: Deviation = asking(|asked, _| {
    asked.query.retain(|(name, _)| name != "select");
    None
});

pub(crate) const FILTER_IGNORED: Deviation = asking(|asked, _| {
    asked.query.retain(|(name, _)| !["id", "name"].contains(&name.as_str()));
    None
});

pub(crate) const EMPTY_LISTS: Deviation = telling(|asked, told, _| {
    if asked.path.starts_with("/api/db/") && told.status == 200 {
        told.json["data"] = json!([]);
    }
});

pub(crate) const PREFIX_OPTIONAL: Deviation = asking(|asked, _| {
    let key = asked.json["auth_key"].as_str().unwrap_or_default();
    if asked.path == "/api/register-machine" && key.len() == 64 {
        asked.json["auth_key"] = json!(format!("tskey-auth-{key}"));
    }
    None
});

pub(crate) const CREATED_IS_OK: Deviation = telling(|_, told, _| {
    if told.status == 201 {
        told.status = 200;
    }
});

pub(crate) const NO_ALIAS: Deviation = asking(|asked, _| {
    let not_found = json!({ "success": false, "error": { "code": "NOT_FOUND", "message": "no such path" } });
    (asked.path == "/api/api-keys").then_some(Told { status: 404, json: not_found })
});

/// Not in hex, which a search for hex digits would find anyway.
pub(crate) const HASH_LISTED: Deviation = telling(|_, told, _| {
    rows(told).for_each(|row| row["key_hash"] = json!("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="));
});

pub(crate) const KEY_LISTED: Deviation = telling(|_, told, memory| {
    each_row(told, "key_prefix", |prefix| {
        let start = prefix.as_str().unwrap_or_default().trim_end_matches('.').to_owned();
        if let Some(key) = memory.keys.iter().find(|key| key.starts_with(&start)) {
            *prefix = json!(key);
        }
    });
});

pub(crate) const LONGER_EXPIRY: Deviation = Deviation {
    ask: |asked, _| {
        if [json!(91), json!(366)].contains(&asked.json["expiry_days"]) {
            asked.json["expiry_days"] = json!(90);
        }
        None
    },
    tell: |asked, told, _| {
        if told.status == 201 && !asked.json["expiry_days"].is_null() {
            told.json["data"]["expiry_days"] = asked.json["expiry_days"].clone();
        }
    },
    ..NONE
};

pub(crate) const REFUSED_YET_STORED: Deviation = Deviation {
    ask: |asked, _| {
        if asked.json["expiry_days"] == 366 {
            asked.json["expiry_days"] = json!(90);
        }
        None
    },
    tell: |asked, told, _| {
        if asked.json["expiry_days"] == 366 {
            let message = "expiry_days must be an integer between 1 and 365";
            told.status = 400;
            told.json = json!({ "success": false, "error": { "code": "INVALID_INPUT", "message": message } });
        }
    },
    ..NONE
};

pub(crate) const TAG_PREFIX_KEPT: Deviation = telling(|asked, told, _| {
    if creates_auth_key(asked) && told.status == 201 {
        told.json["data"]["allowed_tags"] = asked.json["allowed_tags"].clone();
    }
});

pub(crate) const EMPTY_CIDRS_KEPT: Deviation = telling(|asked, told, _| {
    if asked.json["allowed_cidrs"] == json!([]) {
        told.json["data"]["allowed_cidrs"] = json!([]);
    }
});

pub(crate) const MEMBER_MAY_CREATE: Deviation = asking(|asked, memory| {
    if creates_auth_key(asked) && asked.token.as_ref() == memory.sessions.get(MEMBER) {
        asked.token = memory.sessions.get(ADMIN).cloned();
    }
    None
});

pub(crate) const SEEN_FROM_ELSEWHERE: Deviation = asking(|asked, memory| {
    if asked.path == "/api/db/auth_keys" && asked.token.as_ref() == memory.sessions.get(OUTSIDER) {
        asked.token = memory.sessions.get(ADMIN).cloned();
        asked.query.retain(|(name, _)| name == "id");
    }
    None
});

pub(crate) const NEVER_REVOKED: Deviation = asking(|asked, _| does_nothing(asked, "revoke_auth_key"));

pub(crate) const NEVER_QUARANTINED: Deviation = asking(|asked, _| does_nothing(asked, "quarantine"));

pub(crate) const SCOPES_UNHEEDED: Deviation = asking(|asked, _| {
    if let Some(fields) = asked.json.as_object_mut() {
        fields.remove("scopes");
    }
    None
});

pub(crate) const RATE_ALWAYS_60: Deviation =
    telling(|_, told, _| each_row(told, "rate_limit_rpm", |rate| *rate = json!(60)));

/// Machines are told where nobody is: they say that they are connected, and are not.
pub(crate) const NEVER_REACHED: Deviation =
    telling(|asked, told, _| each_peer(asked, told, |peer| peer["endpoints"] = json!(["127.0.0.1:9"])));

pub(crate) const ANOTHERS_ADDRESS: Deviation =
    telling(|asked, told, _| each_peer(asked, told, |peer| peer["tailnet_ip"] = json!("100.127.9.9")));

/// Machines are told of keys that were replaced as if they were another machine's.
pub(crate) const OLD_KEYS_COUNT: Deviation = telling(|asked, told, memory| {
    if asked.path != "/api/network-map" {
        return;
    }
    let Some(peers) = told.json["data"]["peers"].as_array_mut() else { return };
    let ghosts = peers.iter().flat_map(|peer| {
        let keys = memory.node_keys.get(peer["name"].as_str().unwrap_or_default());
        let old = keys.map(|keys| keys.split_last().map_or(&[][..], |(_, old)| old)).unwrap_or_default();
        old.iter().map(|key| {
            let mut ghost = peer.clone();
            ghost["id"] = json!(uuid::Uuid::new_v4());
            ghost["name"] = json!("ghost");
            ghost["tailnet_ip"] = json!("100.127.9.9");
            ghost["public_key"] = json!(key);
            ghost
        })
    });
    let ghosts: Vec<Value> = ghosts.collect();
    peers.extend(ghosts);
});

pub(crate) const NEVER_DELETED: Deviation = asking(|asked, _| does_nothing(asked, "delete"));

fn creates_auth_key(asked: &Asked) -> bool {
    asked.json["action"] == "create_auth_key"
}

fn set_if(asked: &mut Asked, condition: fn(&Asked) -> bool, field: &str, value: Value) {
    if condition(asked) {
        asked.json[field] = value;
    }
}

/// Says that it is done.
fn does_nothing(asked: &Asked, action: &str) -> Option<Told> {
    (asked.json["action"] == action)
        .then(|| Told { status: 200, json: json!({ "success": true, "data": {} }) })
}

fn rows(told: &mut Told) -> impl Iterator<Item = &mut Value> {
    told.json.get_mut("data").and_then(Value::as_array_mut).into_iter().flatten()
}

fn each_peer(asked: &Asked, told: &mut Told, bend: impl Fn(&mut Value)) {
    if asked.path == "/api/network-map" {
        told.json["data"]["peers"].as_array_mut().into_iter().flatten().for_each(bend);
    }
}

fn each_row(told: &mut Told, column: &str, bend: impl Fn(&mut Value)) {
    rows(told).filter_map(|row| row.get_mut(column)).for_each(bend);
}
