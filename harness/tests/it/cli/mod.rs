//! The program against targets that are conformant, subtly wrong, or unreachable.

mod comparison;
#[allow(clippy::type_complexity, reason = "tables of cases")]
mod defaults;
mod documentation;
mod exit_code;
mod foreign;
mod in_container;
mod init;
mod judgement;
mod long;
mod quiet;
mod snapshots;
mod usage;
mod waiting;
mod waiver;
mod watching;

use wiremock::ResponseTemplate;

use crate::small_target;

/// Copies the scenarios to a folder that a test may modify.
fn copied() -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    let mut command = std::process::Command::new("cp");
    let status = command.arg("-r").arg(small_target::scenarios().join(".")).arg(copy.path()).status();
    assert!(status.unwrap().success());
    copy
}

fn json(status: u16, body: &str) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_raw(body, "application/json")
}

/// Answers a creation with 200 instead of 201, which violates keys/F.1 only.
fn wrong_status() -> (&'static str, ResponseTemplate) {
    ("create", json(200, &small_target::created_body()))
}
