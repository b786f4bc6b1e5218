//! What a Terraform provider may get wrong, done to the requests that it sends.

use serde_json::json;

use crate::deviation::{Deviation, Family, ProxyRequest, UNCHANGED, on_request, on_response};
use crate::families::shared::pretend_success;

pub(super) const ALL: Family = &[
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
            if request.is_of_terraform() { pretend_success(request, "revoke_auth_key") } else { None }
        }),
    ),
    (
        "terraform-never-looks",
        on_response(|request, response, _| {
            if request.is_of_terraform() {
                for row in response.rows() {
                    row["revoked"] = json!(false);
                }
            }
        }),
    ),
    ("terraform-exports-the-key-unmarked", Deviation { provider: Some("unmarked-key"), ..UNCHANGED }),
];

fn forget(request: &mut ProxyRequest, field: &str) {
    if request.is_of_terraform() && request.creates_auth_key() {
        request.remove(field);
    }
}
