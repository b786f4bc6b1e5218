//! The entry point of the fuzz target `members`. `cargo test` runs it with the stored corpus.

use crate::remote::read_members;

/// Reads any bytes as the control plane's answer about as many tokens as the first byte says.
///
/// # Panics
/// If the answer has another number of members, or one with a key of low order.
pub fn members(bytes: &[u8]) {
    let Some((asked, body)) = bytes.split_first() else { return };
    let asked = usize::from(*asked);
    if let Ok(members) = read_members(body, asked) {
        assert_eq!(members.len(), asked);
        assert!(members.iter().flatten().all(|member| member.public_key != [0; 32]), "low order");
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    #[test]
    fn corpus_of_members_passes() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/members");
        let files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path()).collect();
        assert!(files.len() >= 5, "{} files in {}", files.len(), folder.display());
        for file in files {
            let input = std::fs::read(&file).unwrap();
            let held = std::panic::catch_unwind(|| super::members(&input));
            assert!(held.is_ok(), "{}", file.display());
        }
    }
}
