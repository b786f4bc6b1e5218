//! What the fuzz target `datagram` calls. `cargo test` calls it with the corpus that it has gathered.

/// A WireGuard node that knows two peers is sent what the script says, between honest traffic and time that passes;
/// see `tunnel/core/script.rs`. Nothing forged is delivered, nothing piles up, and in the end the peers talk.
pub fn datagram(script: &[u8]) {
    crate::tunnel::run_script(script);
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    fn replay(target: &str, least: usize, run: fn(&[u8])) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
        let files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path()).collect();
        assert!(files.len() >= least, "{} files in {}", files.len(), folder.display());
        for file in files {
            let input = std::fs::read(&file).unwrap();
            let held = std::panic::catch_unwind(|| run(&input));
            assert!(held.is_ok(), "{}", file.display());
        }
    }

    #[test]
    fn the_corpus_of_datagrams() {
        replay("datagram", 13, super::datagram);
    }
}
