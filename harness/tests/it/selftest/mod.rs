//! The self-test: declarations are consistent, and deviations are caught, diagnosed or reported as missed.
//! CI runs the whole of it as `harness selftest`.

mod caught;
mod declared;
mod diagnosis;
mod program;

use std::path::{Path, PathBuf};

use harness_model::library::{Library, load};

fn scenarios() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios")
}

fn library() -> Library {
    load(&scenarios(), Path::new("scenarios")).unwrap_or_else(|refusal| panic!("{:?}", refusal.diagnostics))
}
