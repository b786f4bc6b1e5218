//! The refusals of an endpoint in its OpenAPI document.

use std::collections::BTreeMap;

use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder};

use super::error;
use crate::domain::RefusalCode;

/// Declares a type that documents the refusals with these codes as the responses of an endpoint.
macro_rules! refusals {
    ($name:ident: $($code:ident),+ $(,)?) => {
        struct $name;

        impl utoipa::IntoResponses for $name {
            fn responses() -> std::collections::BTreeMap<
                String,
                utoipa::openapi::RefOr<utoipa::openapi::Response>,
            > {
                $crate::api::refusals::responses(&[$($crate::domain::RefusalCode::$code),+])
            }
        }
    };
}
pub(super) use refusals;

/// One response for each status, which lists the codes.
pub(super) fn responses(codes: &[RefusalCode]) -> BTreeMap<String, RefOr<Response>> {
    let mut by_status: BTreeMap<u16, Vec<&str>> = BTreeMap::new();
    for code in codes {
        by_status.entry(error::status(*code).as_u16()).or_default().push(code.as_str());
    }
    let response = |codes: Vec<&str>| {
        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Failed"))).build();
        ResponseBuilder::new().description(codes.join(", ")).content("application/json", content).build()
    };
    by_status.into_iter().map(|(status, codes)| (status.to_string(), response(codes).into())).collect()
}
