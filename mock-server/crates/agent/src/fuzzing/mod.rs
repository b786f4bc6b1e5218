//! The entry point of the fuzz target `datagram`. `cargo test` runs it with the stored corpus.

/// Runs a script of network events against a WireGuard node with two peers, see `tunnel/core/script.rs`.
///
/// # Panics
/// If a forged packet is delivered, a queue grows without bound, or the peers cannot exchange packets afterwards.
pub fn datagram(script: &[u8]) {
    crate::tunnel::run_script(script);
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
}
