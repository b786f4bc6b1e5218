//! The entry point of the fuzz target `relay_frame`. `cargo test` runs it with the stored corpus.

/// Parses any message as a frame.
///
/// # Panics
/// If a parsed frame is not encoded to the same bytes.
pub fn relay_frame(message: &[u8]) {
    if let Ok(frame) = crate::relay::Frame::parse(message) {
        assert_eq!(frame.to_bytes(), message);
    }
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
    fn corpus_of_frames_passes() {
        replay("relay_frame", 13, super::relay_frame);
    }
}
