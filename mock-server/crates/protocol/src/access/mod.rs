//! Access rules: which machines may open connections to which others, by their tags.
//!
//! A rule is written as in Tailscale's `acls`: `{"src": ["tag:laptop"], "dst": ["tag:prod:22"], "proto": "tcp"}`. The
//! control plane validates and stores rules and sends all of them to all machines; each machine compiles those that
//! concern it ([`Policy::grants`]).

mod destination;
mod error;
mod grants;
mod ports;
mod protocol;
mod selector;

pub use destination::Destination;
pub use error::{InvalidText, MAX_SELECTORS, Part, RuleError};
pub use grants::Grants;
pub use ports::{PortRange, Ports};
pub use protocol::Protocol;
pub use selector::{MAX_TAG_LEN, Selector, is_tag};

use serde::{Deserialize, Serialize};

/// A rule as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RuleView {
    /// Who may open connections: `tag:NAME`, or `*` for every machine.
    #[cfg_attr(feature = "openapi", schema(example = json!(["tag:laptop"])))]
    pub src: Vec<String>,
    /// To what: `tag:NAME:PORTS` or `*:PORTS`, where PORTS are ports and ranges (`22,8000-8080`), or `*`.
    #[cfg_attr(feature = "openapi", schema(example = json!(["tag:prod:22"])))]
    pub dst: Vec<String>,
    /// `tcp`, `udp`, `icmp`, or `any`, the default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "tcp"))]
    pub proto: Option<String>,
}

/// A rule, which allows connections from its sources to its destinations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessRule {
    pub src: Vec<Selector>,
    pub dst: Vec<Destination>,
    pub proto: Protocol,
}

/// What the rules of an organisation allow: everything without rules.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Policy {
    rules: Option<Vec<AccessRule>>,
}

impl AccessRule {
    /// Reads a rule.
    ///
    /// # Errors
    /// The first part that is not valid.
    pub fn parse(view: &RuleView) -> Result<Self, RuleError> {
        for (list, name) in [(&view.src, "src"), (&view.dst, "dst")] {
            if list.is_empty() || list.len() > MAX_SELECTORS {
                return Err(RuleError::Length { list: name });
            }
        }
        let proto = match view.proto.as_deref() {
            None => Protocol::default(),
            Some(name) => Protocol::ALL
                .into_iter()
                .find(|protocol| protocol.as_str() == name)
                .ok_or_else(|| RuleError::invalid(Part::Proto, InvalidText::protocol(name)))?,
        };
        let src = each(&view.src, Part::Src, |text| text.parse::<Selector>())?;
        let dst = each(&view.dst, Part::Dst, |text| {
            let destination = text.parse::<Destination>()?;
            // ICMP has no ports, so a rule with some would allow something else than it says.
            let fits = proto != Protocol::Icmp || destination.ports == Ports::All;
            if fits { Ok(destination) } else { Err(InvalidText::icmp_port(text)) }
        })?;
        Ok(Self { src, dst, proto })
    }

    /// Returns the rule in its usual spelling.
    #[must_use]
    pub fn view(&self) -> RuleView {
        RuleView {
            src: self.src.iter().map(ToString::to_string).collect(),
            dst: self.dst.iter().map(ToString::to_string).collect(),
            proto: Some(self.proto.as_str().to_owned()),
        }
    }
}

impl Policy {
    /// The policy of these rules. Without any, every machine may reach every other; else only what a rule allows.
    #[must_use]
    pub fn new(rules: Vec<AccessRule>) -> Self {
        Self { rules: (!rules.is_empty()).then_some(rules) }
    }

    /// The policy of an organisation with rules, of which these can be read. Without any, nothing is allowed.
    #[must_use]
    pub const fn only(rules: Vec<AccessRule>) -> Self {
        Self { rules: Some(rules) }
    }

    /// Returns what a machine with the tags `from` may open to a machine with the tags `to`. Tags have no prefix.
    #[must_use]
    pub fn grants(&self, from: &[String], to: &[String]) -> Grants {
        let Some(rules) = &self.rules else { return Grants::everything() };
        let applies = |rule: &&AccessRule| rule.src.iter().any(|selector| selector.selects(from));
        let allowed = rules.iter().filter(applies).flat_map(|rule| {
            let to_it = rule.dst.iter().filter(|destination| destination.selector.selects(to));
            to_it.map(|destination| (rule.proto, &destination.ports))
        });
        Grants::of(allowed)
    }
}

fn each<T>(
    texts: &[String],
    part: impl Fn(usize) -> Part,
    parse: impl Fn(&str) -> Result<T, InvalidText>,
) -> Result<Vec<T>, RuleError> {
    let parsed =
        |(at, text): (usize, &String)| parse(text).map_err(|reason| RuleError::invalid(part(at), reason));
    texts.iter().enumerate().map(parsed).collect()
}

#[cfg(test)]
mod tests;
