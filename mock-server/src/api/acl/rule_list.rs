//! The field `rules`, in the spelling of Tailscale's `acls`.

use serde_json::{Map, Value};
use utoipa::openapi::schema::{OneOfBuilder, Schema};
use ztna_protocol::access::{MAX_SELECTORS, RuleView};

use crate::api::request::{FieldType, Property, array, closed, object, one_of, plain, string, strings};
use crate::domain::Refusal;
use crate::domain::access_rules::{MAX_RULES, normalise};
use crate::domain::filter::excerpt;

/// Matches sources.
const SOURCE: &str = r"^(\*|tag:[A-Za-z0-9_.-]{1,63})$";

/// Matches destinations with ports, though not all: no pattern tells that a range ends after its beginning.
const DESTINATION: &str = concat!(
    r"^(\*|tag:[A-Za-z0-9_.-]{1,63}):",
    r"(\*|[1-9][0-9]{0,3}(,[1-9][0-9]{0,3}){0,15}|[1-9][0-9]{0,2}-[1-9][0-9]{3})$"
);

/// Matches destinations with all ports.
const ALL_PORTS: &str = r"^(\*|tag:[A-Za-z0-9_.-]{1,63}):\*$";

/// The maximum length of a source or destination in characters.
const MAX_DESTINATION_LEN: usize = 256;

/// Rules that machines can apply, in one spelling.
pub(in crate::api) struct RuleList(pub(super) Vec<RuleView>);

impl FieldType for RuleList {
    fn parse(field: &'static str, value: &Value) -> Result<Self, Refusal> {
        let rules =
            value.as_array().ok_or_else(|| Refusal::invalid(format!("{field} must be an array of rules")))?;
        let rules: Vec<RuleView> =
            rules.iter().enumerate().map(|(at, rule)| read_rule(at, rule)).collect::<Result<_, _>>()?;
        Ok(Self(normalise(&rules)?))
    }

    fn schema() -> Schema {
        let list = |name, description, pattern| Property {
            name,
            description,
            example: None,
            required: true,
            schema: not_empty(array(string(pattern, 1, MAX_DESTINATION_LEN), Some(MAX_SELECTORS))),
        };
        let choice =
            |name, required, schema| Property { name, description: "", example: None, required, schema };
        let variant = |destination, proto_required, protocols: Schema| {
            closed(object(
                "A rule in the spelling of Tailscale's `acls`.",
                [
                    choice("action", false, one_of(["accept"])),
                    list("src", "Who may open connections: `tag:NAME`, or `*` for every machine.", SOURCE),
                    list(
                        "dst",
                        "To what: `tag:NAME:PORTS` or `*:PORTS`, with `*` for all ports.",
                        destination,
                    ),
                    choice("proto", proto_required, protocols),
                ],
            ))
        };
        let variants = [
            variant(DESTINATION, false, one_of(["tcp", "udp", "any"])),
            variant(ALL_PORTS, true, one_of(["icmp"])),
        ];
        let rule = variants.into_iter().fold(OneOfBuilder::new(), |any, variant| any.item(variant));
        array(Schema::from(rule), Some(MAX_RULES))
    }
}

fn not_empty(schema: Schema) -> Schema {
    match schema {
        Schema::Array(mut array) => {
            array.min_items = Some(1);
            Schema::Array(array)
        }
        other => other,
    }
}

/// Reads a rule without judging its texts. Unknown fields are refused: a rule without one would allow more.
fn read_rule(at: usize, value: &Value) -> Result<RuleView, Refusal> {
    let in_rule = |reason: Refusal| match reason {
        Refusal::InvalidInput(message) => Refusal::invalid(format!("rules[{at}].{message}")),
        other => other,
    };
    let fields: &Map<String, Value> =
        value.as_object().ok_or_else(|| Refusal::invalid(format!("rules[{at}] must be an object")))?;
    let known = ["action", "src", "dst", "proto"];
    if let Some(unknown) = fields.keys().find(|name| !known.contains(&name.as_str())) {
        let known = known.join(", ");
        return Err(Refusal::invalid(format!(
            "rules[{at}] must not have {}; valid fields: {known}",
            excerpt(unknown)
        )));
    }
    let list = |name: &'static str| match fields.get(name) {
        None => Err(Refusal::invalid(format!("{name} must be given"))),
        Some(value) => strings(name, value),
    };
    let text = |name: &'static str| fields.get(name).map(|value| plain(name, value)).transpose();
    if text("action").map_err(in_rule)?.is_some_and(|action| action != "accept") {
        return Err(Refusal::invalid(format!(
            "rules[{at}].action must be accept: what no rule allows is denied"
        )));
    }
    let (src, dst) = (list("src").map_err(in_rule)?, list("dst").map_err(in_rule)?);
    Ok(RuleView { src, dst, proto: text("proto").map_err(in_rule)? })
}
