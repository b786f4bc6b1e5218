//! Typed requests.
//!
//! [`request!`] declares a request: a struct that deserialises from a body and describes itself in the OpenAPI document.
//! A field's value is validated only when its accessor is called, so that a handler decides which refusal comes first
//! (`generate/ST5.1` to `ST5.3`).

mod field;
mod schema;
mod types;

pub(super) use field::{Field, FieldType, NonNull, Optional, Required};
pub(super) use schema::{
    KEYWORD_PREFIX, Property, array, closed, integer, keyword, merged, nullable, object, one_of, schema_of,
    string,
};
pub(super) use types::{
    Flag, KeyName, MAX_TEXT_LEN, Networks, NonBlank, PLAIN, PRINTABLE, Password, RateLimit, SHOWN, ScopeList,
    Tags, Text, VISIBLE, plain, strings,
};

/// Declares a request. Each field is a [`Required`], [`Optional`] or [`NonNull`] value and gets an accessor.
macro_rules! request {
    (
        $(#[doc = $doc:literal])*
        $visibility:vis struct $name:ident {
            $( $(#[doc = $field_doc:literal])* $field:ident: $type:ty $(= $example:literal)? ),* $(,)?
        }
    ) => {
        $(#[doc = $doc])*
        #[derive(Default, serde::Deserialize)]
        #[serde(default)]
        $visibility struct $name { $( $field: $type, )* }

        #[allow(dead_code)]
        impl $name {
            pub(in $crate::api) const FIELDS: &'static [&'static str] = &[$( stringify!($field) ),*];

            $(
                $(#[doc = $field_doc])*
                pub(in $crate::api) fn $field(
                    &self,
                ) -> Result<<$type as $crate::api::request::Field>::Value, $crate::domain::Refusal> {
                    $crate::api::request::Field::get(&self.$field, stringify!($field))
                }
            )*
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                let properties = [$(
                    $crate::api::request::Property {
                        name: stringify!($field),
                        description: concat!($( $field_doc ),*).trim(),
                        example: None $( .or(Some($example)) )?,
                        required: <$type as $crate::api::request::Field>::REQUIRED,
                        schema: <$type as $crate::api::request::Field>::schema(),
                    }
                ),*];
                $crate::api::request::object(concat!($( $doc ),*).trim(), properties).into()
            }
        }

        impl utoipa::ToSchema for $name {}
    };
}
pub(super) use request;
