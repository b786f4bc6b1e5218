//! What the fuzz target `relay_frame` calls. `cargo test` calls it with the corpus that it has gathered.

/// A message that may be a relay's frame: what can be read is written the same.
pub fn relay_frame(message: &[u8]) {
    if let Ok(frame) = crate::relay::Frame::parse(message) {
        assert_eq!(frame.to_bytes(), message);
    }
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
    fn the_corpus_of_frames() {
        replay("relay_frame", 13, super::relay_frame);
    }
}
