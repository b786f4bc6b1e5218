//! What a Terraform provider may get wrong, done to the requests that it sends.

use axum::http::header;
use serde_json::json;

use crate::deviation::{Family, ProxyRequest, on_request, on_response};
use crate::families::shared::pretend_success;

pub(super) const ALL: Family =
    &[
        (
            "terraform-forgets-tags",
            on_request(|request, _| {
                forget(request, "tags");
                None
            }),
        ),
        (
            "terraform-forgets-reusable",
            on_request(|request, _| {
                forget(request, "reusable");
                None
            }),
        ),
        (
            "terraform-forgets-expiry",
            on_request(|request, _| {
                forget(request, "expires_in");
                None
            }),
        ),
        (
            "terraform-destroys-nothing",
            on_request(|request, _| {
                if is_terraforms(request) { pretend_success(request, "revoke_auth_key") } else { None }
            }),
        ),
        (
            "terraform-never-looks",
            on_response(|request, response, _| {
                if is_terraforms(request) {
                    for row in response.rows() {
                        row["revoked"] = json!(false);
                    }
                }
            }),
        ),
    ];

fn forget(request: &mut ProxyRequest, field: &str) {
    if is_terraforms(request) && request.creates_auth_key() {
        request.remove(field);
    }
}

fn is_terraforms(request: &ProxyRequest) -> bool {
    let agent = request.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    agent.is_some_and(|agent| agent.starts_with("terraform-provider-"))
}
