//! The kit against an implementation that shares nothing with the reference but the documents: it passes, and small
//! departures from it fail at the statement that they break. And what HTTP alone can show is judged over HTTP alone.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::needless_pass_by_value,
    reason = "a test may end like this, and its implementation is a test"
)]

mod conformance;
mod departures;
mod implementation;
mod judgement;
mod statements;
#[path = "../support"]
mod support {
    pub(crate) mod program;
}

use std::path::{Path, PathBuf};

use harness_model::scenario::{Library, load};

fn scenarios() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios")
}

/// A file of `fixtures/certificates`.
fn fixture(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/certificates").join(file)
}

fn library() -> Library {
    load(&scenarios(), Path::new("scenarios")).unwrap_or_else(|refusal| panic!("{:?}", refusal.diagnostics))
}
