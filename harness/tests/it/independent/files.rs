//! Files of the repository that these tests read.

use std::path::{Path, PathBuf};

use harness_model::library::{Library, load};

pub(crate) fn scenarios() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios")
}

pub(crate) fn certificate(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/certificates").join(file)
}

/// The text of one of the five documents, its white space as single spaces.
pub(crate) fn document(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/documents").join(file);
    single_spaced(&std::fs::read_to_string(path).unwrap())
}

pub(crate) fn single_spaced(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

pub(crate) fn library() -> Library {
    load(&scenarios(), Path::new("scenarios")).unwrap_or_else(|refusal| panic!("{:?}", refusal.diagnostics))
}
