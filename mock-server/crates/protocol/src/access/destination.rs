use std::fmt;
use std::str::FromStr;

use super::{InvalidText, Ports, Selector};

/// Machines and ports that a rule allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    pub selector: Selector,
    pub ports: Ports,
}

impl FromStr for Destination {
    type Err = InvalidText;

    fn from_str(text: &str) -> Result<Self, InvalidText> {
        let (selector, ports) = text.rsplit_once(':').ok_or_else(|| InvalidText::destination(text))?;
        // Otherwise the name of a tag would be taken for ports.
        if selector == "tag" {
            return Err(InvalidText::destination(text));
        }
        Ok(Self { selector: selector.parse()?, ports: ports.parse()? })
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.selector, self.ports)
    }
}
