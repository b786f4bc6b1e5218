//! The kit against an implementation that shares only the documents with the reference: it passes, and small
//! departures from it fail the statements that they break. Statements visible over HTTP are judged without an agent.

mod conformance;
mod departures;
mod implementation;
mod judgement;
mod statements;

use std::path::{Path, PathBuf};

use harness_model::scenario::{Library, load};

fn scenarios() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios")
}

fn fixture(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/certificates").join(file)
}

fn library() -> Library {
    load(&scenarios(), Path::new("scenarios")).unwrap_or_else(|refusal| panic!("{:?}", refusal.diagnostics))
}
