//! The program against targets that are conformant, subtly wrong, or unreachable.

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

/// Answers a creation with 200 instead of 201, which violates keys/F.1 only.
fn wrong_status() -> (&'static str, ResponseTemplate) {
    ("create", json(200, &support::created_body()))
}
