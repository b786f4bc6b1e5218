//! The self-test: what is declared fits, deviations are caught and diagnosed, and what is not caught is said.
//! The whole of it is `harness selftest`; here is what can be known in seconds.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may end like this")]

mod bench;
mod declared;
mod diagnosis;
mod program;
#[path = "../support"]
mod support {
    pub(crate) mod program;
}

use std::path::{Path, PathBuf};

use harness_model::scenario::{Library, load};

fn scenarios() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios")
}

fn library() -> Library {
    load(&scenarios(), Path::new("scenarios")).unwrap_or_else(|refusal| panic!("{:?}", refusal.diagnostics))
}
