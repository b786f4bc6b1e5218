//! JSON Schemas of requests.

use serde_json::{Value, json};
use utoipa::openapi::RefOr;
use utoipa::openapi::extensions::ExtensionsBuilder;
use utoipa::openapi::schema::{
    AdditionalProperties, ArrayBuilder, Object, ObjectBuilder, OneOfBuilder, Schema, SchemaType, Type,
};

/// The prefix of schema keywords that the library does not support; the document drops it.
pub(in crate::api) const KEYWORD_PREFIX: &str = "x-keyword-";

pub(in crate::api) struct Property {
    pub(in crate::api) name: &'static str,
    pub(in crate::api) description: &'static str,
    pub(in crate::api) example: Option<&'static str>,
    pub(in crate::api) required: bool,
    pub(in crate::api) schema: Schema,
}

pub(in crate::api) fn object(description: &str, properties: impl IntoIterator<Item = Property>) -> Object {
    let builder = ObjectBuilder::new().schema_type(Type::Object).description(text(description));
    let add = |builder: ObjectBuilder, property: Property| {
        let builder = if property.required { builder.required(property.name) } else { builder };
        let schema = described(property.schema, property.description, property.example);
        builder.property(property.name, schema)
    };
    properties.into_iter().fold(builder, add).build()
}

/// A string that matches a regular expression and has `min` to `max` characters.
pub(in crate::api) fn string(pattern: &str, min: usize, max: usize) -> ObjectBuilder {
    let min = (min > 0).then_some(min);
    ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some(pattern))
        .min_length(min)
        .max_length(Some(max))
}

pub(in crate::api) fn integer(min: i64, max: i64) -> Schema {
    let number = |number: i64| Some(isize::try_from(number).unwrap_or(isize::MAX));
    ObjectBuilder::new().schema_type(Type::Integer).minimum(number(min)).maximum(number(max)).into()
}

pub(in crate::api) fn one_of<const N: usize>(values: [&str; N]) -> Schema {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(values)).into()
}

pub(in crate::api) fn array(items: impl Into<Schema>, max: Option<usize>) -> Schema {
    ArrayBuilder::new().items(RefOr::T(items.into())).max_items(max).into()
}

/// The schema of an object without further properties.
pub(in crate::api) fn closed(mut object: Object) -> Object {
    object.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
    object
}

/// Adds a keyword that the library does not support.
pub(in crate::api) fn keyword(mut object: Object, keyword: &str, value: Value) -> Object {
    let mut extensions = object.extensions.take().unwrap_or_default();
    extensions.merge(ExtensionsBuilder::new().add(format!("{KEYWORD_PREFIX}{keyword}"), value).build());
    object.extensions = Some(extensions);
    object
}

/// One schema for each variant of a request: the common properties, of which `action` has the variant's name, and the
/// variant's own.
pub(in crate::api) fn merged(common: &Object, variants: Vec<(&'static str, Object)>) -> Schema {
    let merge = |(action, own): (&'static str, Object)| {
        let mut object = common.clone();
        object.title = Some(action.to_owned());
        object.properties.insert("action".to_owned(), RefOr::T(one_of([action])));
        object.description = own.description.or(object.description);
        object.properties.extend(own.properties);
        object.required.extend(own.required);
        object.extensions = own.extensions;
        object
    };
    variants.into_iter().map(merge).fold(OneOfBuilder::new(), |any, variant| any.item(variant)).into()
}

fn described(schema: Schema, description: &str, example: Option<&str>) -> Schema {
    match schema {
        Schema::Object(mut object) => {
            object.description = text(description);
            object.examples = example.map(Value::from).into_iter().collect();
            Schema::Object(object)
        }
        Schema::Array(mut array) => {
            array.description = text(description);
            Schema::Array(array)
        }
        other => other,
    }
}

/// The schema of a request declared by `request!`.
pub(in crate::api) fn schema_of<T: utoipa::PartialSchema>() -> Object {
    match T::schema() {
        RefOr::T(Schema::Object(object)) => object,
        _ => Object::new(),
    }
}

/// The schema that also accepts null.
pub(in crate::api) fn nullable(schema: Schema) -> Schema {
    let with_null = |types: SchemaType| match types {
        SchemaType::Type(one) => SchemaType::from_iter([one, Type::Null]),
        other => other,
    };
    match schema {
        Schema::Object(mut object) => {
            object.schema_type = with_null(object.schema_type);
            object.enum_values.iter_mut().for_each(|values| values.push(json!(null)));
            Schema::Object(object)
        }
        Schema::Array(mut array) => {
            array.schema_type = with_null(array.schema_type);
            Schema::Array(array)
        }
        other => other,
    }
}

fn text(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}
