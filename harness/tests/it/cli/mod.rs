//! The program against targets that are conformant, subtly wrong, or unreachable.

mod comparison;
mod exit_code;
mod foreign;
mod judgement;
mod snapshots;
mod usage;
mod waiting;
mod waiver;

use wiremock::ResponseTemplate;

use crate::small_target;

fn json(status: u16, body: &str) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_raw(body, "application/json")
}

/// Answers a creation with 200 instead of 201, which violates keys/F.1 only.
fn wrong_status() -> (&'static str, ResponseTemplate) {
    ("create", json(200, &small_target::created_body()))
}
