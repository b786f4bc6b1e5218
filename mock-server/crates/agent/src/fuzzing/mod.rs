//! The entry points of the fuzz targets. `cargo test` runs them with the stored corpus.

#![allow(clippy::panic, reason = "the fuzzer detects panics")]

mod answer;

/// Runs a script of network events against a WireGuard node with two peers, see `tunnel/core/script.rs`.
///
/// # Panics
/// If a forged packet is delivered, a queue grows without bound, or the peers cannot exchange packets afterwards.
pub fn datagram(script: &[u8]) {
    crate::tunnel::run_script(script);
}

/// Decodes an answer of the control plane, see `fuzzing/answer.rs`.
///
/// # Panics
/// If a value out of its range gets through, or its use overflows.
pub fn answer(bytes: &[u8]) {
    answer::run(bytes);
}

/// Decodes a state file, or a message of the local socket.
///
/// # Panics
/// If a state that can be read is not the same after it was stored.
pub fn stored(bytes: &[u8]) {
    use crate::state::{State, is_state};

    let _ = crate::local_socket::decode(bytes);
    let Ok(state) = State::parse(bytes) else { return };
    assert!(state.is_empty() || is_state(bytes));
    let _ = state.is_authenticated(time::OffsetDateTime::UNIX_EPOCH);
    let stored = serde_json::to_vec(&state).unwrap_or_default();
    let again = State::parse(&stored).ok();
    assert_eq!(again.and_then(|state| serde_json::to_vec(&state).ok()), Some(stored));
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    fn replay(target: &str, min_files: usize, run: fn(&[u8])) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
        let files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path()).collect();
        assert!(files.len() >= min_files, "{} files in {}", files.len(), folder.display());
        for file in files {
            let input = std::fs::read(&file).unwrap();
            let held = std::panic::catch_unwind(|| run(&input));
            assert!(held.is_ok(), "{}", file.display());
        }
    }

    #[test]
    fn corpus_of_datagrams_passes() {
        replay("datagram", 13, super::datagram);
    }

    #[test]
    fn corpus_of_answers_passes() {
        replay("answer", 20, super::answer);
    }

    #[test]
    fn corpus_of_stored_values_passes() {
        replay("stored", 10, super::stored);
    }
}
