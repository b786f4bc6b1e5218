//! What a block of a configuration may hold.

use crate::plugin::message::{AttributeSchema, Block, Schema};
use crate::value::{Object, Value};

/// An attribute of a block.
#[derive(Debug, Clone, Copy)]
pub struct Attribute {
    pub name: &'static str,
    /// In Terraform's JSON: `"string"`, `["set","string"]`, …
    pub kind: &'static str,
    pub role: Role,
    pub sensitive: bool,
    pub description: &'static str,
}

/// Who decides about an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Required,
    Optional,
    /// The configuration, or else the provider: false
    FalseByDefault,
    /// The control plane
    Computed,
}

impl Attribute {
    pub const fn new(name: &'static str, kind: &'static str, role: Role, description: &'static str) -> Self {
        Self { name, kind, role, sensitive: false, description }
    }

    pub const fn sensitive(mut self) -> Self {
        self.sensitive = true;
        self
    }

    fn schema(&self) -> AttributeSchema {
        AttributeSchema {
            name: self.name.to_owned(),
            r#type: self.kind.as_bytes().to_vec(),
            description: self.description.to_owned(),
            required: self.role == Role::Required,
            optional: matches!(self.role, Role::Optional | Role::FalseByDefault),
            computed: matches!(self.role, Role::FalseByDefault | Role::Computed),
            sensitive: self.sensitive,
        }
    }
}

pub fn schema(attributes: &[Attribute], description: &str) -> Schema {
    let attributes = attributes.iter().map(Attribute::schema).collect();
    Schema { version: 0, block: Some(Block { version: 0, attributes, description: description.to_owned() }) }
}

/// Returns an object with each attribute, null unless `values` has it, and no other.
pub fn complete(attributes: &[Attribute], mut values: Object) -> Object {
    let value = |name| values.remove(name).unwrap_or(Value::Null);
    let mut value = value;
    attributes.iter().map(|attribute| (attribute.name.to_owned(), value(attribute.name))).collect()
}
