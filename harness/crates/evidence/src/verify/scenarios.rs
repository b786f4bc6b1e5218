//! Extracts and loads the bundle's scenarios.

use std::io::{Read, Seek};
use std::path::Path;

use harness_model::library::{Library, load};

use crate::archive::Archive;
use crate::manifest::{Manifest, SCENARIOS, is_plain};

use super::obstacle::Obstacle;

/// Upper bound of all scenarios together: the kit's own take half a megabyte.
const MAX_SCENARIOS_LEN: u64 = 64 << 20;

/// Extracts the scenarios into a temporary folder. Only plain paths are accepted.
pub(super) fn extract<R: Read + Seek>(
    archive: &mut Archive<R>,
    manifest: &Manifest,
    folder: &Path,
) -> Result<(), Obstacle> {
    let mut remaining = MAX_SCENARIOS_LEN;
    for file in &manifest.files {
        let Some(name) = file.path.strip_prefix(SCENARIOS) else { continue };
        if !is_plain(&file.path) {
            return Err(Obstacle::ScenarioPath(file.path.clone()));
        }
        let member = archive.member(&file.path).ok_or_else(|| Obstacle::MissingFile(name.to_owned()))?;
        let content = archive
            .read_all(&member, remaining)
            .map_err(|cause| Obstacle::UnreadableFile { name: name.to_owned(), cause })?;
        remaining = remaining.saturating_sub(content.len() as u64);
        let path = folder.join(name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(path, content)?;
    }
    Ok(())
}

/// Loads the extracted scenarios; `shown` replaces the folder in locations.
pub(super) fn load_extracted(folder: &Path, shown: &str) -> Result<Library, Obstacle> {
    load(folder, Path::new(shown)).map_err(|refusal| {
        let first = refusal.diagnostics.first();
        let message = first.map(|first| format!("{}: {}", first.path.display(), first.message));
        Obstacle::Scenarios(message.unwrap_or_default())
    })
}
