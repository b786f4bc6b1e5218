//! The program itself, against targets that are right, subtly wrong, or not there.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may end like this")]

mod comparison;
mod exit_code;
mod judgement;
#[path = "../support/mod.rs"]
mod support;
mod usage;
mod waiver;

use wiremock::ResponseTemplate;

fn json(status: u16, body: &str) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_raw(body, "application/json")
}

/// A target that answers a creation with 200 rather than 201: keys/F.1 alone is violated.
fn wrong_status() -> (&'static str, ResponseTemplate) {
    ("create", json(200, &support::created_body()))
}
