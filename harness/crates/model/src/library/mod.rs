//! The scenarios of a folder: loads them, and finds what is wrong between files.

mod lint;
mod order;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fs, io};

use crate::check::snapshot;
use crate::requirement::Registry;

use crate::scenario::model::{Scenario, Source};
use crate::scenario::{ScenarioPath, parse};
use crate::source::diagnostic::{Diagnostic, Severity, Sources};
use crate::source::unix_lines;

use lint::SnapshotFile;

/// The documented statements and the sub-tests that judge them.
#[derive(Debug, Clone)]
pub struct Library {
    pub registry: Registry,
    /// Ordered by suite and chapter as in the registry, then by file name (`ST2` before `ST10`).
    pub scenarios: Vec<Arc<Scenario>>,
    /// Warnings, for `harness lint`.
    pub warnings: Vec<Diagnostic>,
    pub sources: Sources,
}

/// The files have errors, so nothing can run.
#[derive(Debug, Clone)]
pub struct LoadErrors {
    /// All errors and warnings of all files.
    pub diagnostics: Vec<Diagnostic>,
    pub sources: Sources,
}

/// Loads `requirements.toml` and every `SUITE/CHAPTER/*.toml` of a folder. Messages show `shown` (such as
/// `scenarios`) in place of the folder.
///
/// # Errors
/// Returns all errors and warnings if there is any error.
pub fn load(folder: &Path, shown: &Path) -> Result<Library, LoadErrors> {
    let mut loader = Loader { folder, shown, diagnostics: Vec::new(), sources: Sources::default() };
    let registry = loader.registry();
    let files = loader.files();
    let mut scenarios = Vec::new();
    // Without the registry every `verifies` would be reported as unknown.
    for file in files.iter().filter(|_| registry.is_some()) {
        let Some(registry) = &registry else { continue };
        scenarios.extend(loader.scenario(file, registry));
    }
    let snapshots = loader.snapshots(&files);
    loader.diagnostics.extend(scenarios.iter().flat_map(unusable_snapshots));
    let Some(registry) = registry else { return Err(loader.into_errors()) };
    scenarios.sort_by_cached_key(|scenario| order::sort_key(scenario, &registry));
    // The references of an invalid file are unknown, so lints across files would be misleading.
    let has_no_errors = !loader.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error);
    if has_no_errors {
        loader.diagnostics.extend(lint::library(&scenarios, &registry, &snapshots, shown));
    }
    if loader.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error) {
        return Err(loader.into_errors());
    }
    let scenarios = scenarios.into_iter().map(Arc::new).collect();
    Ok(Library { registry, scenarios, warnings: loader.diagnostics, sources: loader.sources })
}

/// SUITE/CHAPTER/SUB-TEST.toml, and one more to report what is too deep.
const MAX_DEPTH: usize = 4;

/// Reports the snapshots that are there, but cannot be compared or replaced.
fn unusable_snapshots(scenario: &Scenario) -> Vec<Diagnostic> {
    let problems = lint::referenced_snapshots(scenario).filter_map(|(name, span)| {
        let problem = snapshot::problem(&scenario.snapshots, name)?;
        let message = format!("unusable snapshot `{name}`: {problem}");
        let diagnostic = Diagnostic {
            severity: Severity::Error,
            path: scenario.source.path.clone(),
            span: Some(span.clone()),
            message,
            help: Some("delete it: `harness --accept` writes it again".to_owned()),
        };
        Some(diagnostic)
    });
    problems.collect()
}

struct Loader<'a> {
    folder: &'a Path,
    shown: &'a Path,
    diagnostics: Vec<Diagnostic>,
    sources: Sources,
}

impl Loader<'_> {
    fn into_errors(self) -> LoadErrors {
        LoadErrors { diagnostics: self.diagnostics, sources: self.sources }
    }

    fn registry(&mut self) -> Option<Registry> {
        let source = self.text(Path::new("requirements.toml"))?;
        match Registry::load(&source.text, &source.path) {
            Ok(registry) => Some(registry),
            Err(diagnostics) => {
                self.diagnostics.extend(diagnostics);
                None
            }
        }
    }

    fn scenario(&mut self, file: &Path, registry: &Registry) -> Option<Scenario> {
        let parts: Vec<String> = file.iter().map(|part| part.to_string_lossy().into_owned()).collect();
        let [suite, chapter, _] = parts.as_slice() else {
            let message = "invalid path: expected SUITE/CHAPTER/SUB-TEST.toml";
            let diagnostic = Diagnostic::of_file(&self.shown.join(file), message);
            self.diagnostics.push(diagnostic.help("move the file to the chapter whose statements it judges"));
            return None;
        };
        let path = ScenarioPath {
            suite: suite.clone(),
            chapter: chapter.clone(),
            stem: file.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
            snapshots: self.folder.join(file).with_extension("snap"),
        };
        let source = self.text(file)?;
        let parsed = parse(&source, &path, registry);
        self.diagnostics.extend(parsed.diagnostics);
        parsed.scenario
    }

    fn text(&mut self, file: &Path) -> Option<Arc<Source>> {
        let path = self.shown.join(file);
        match fs::read_to_string(self.folder.join(file)) {
            Ok(text) => {
                let source = Arc::new(Source::new(path, unix_lines(text)));
                self.sources.add(Arc::clone(&source));
                Some(source)
            }
            Err(error) => {
                let message = format!("cannot read file: {error}");
                self.diagnostics.push(Diagnostic::of_file(&path, message));
                None
            }
        }
    }

    /// Returns the TOML files in the folders of the suites, relative to the library folder.
    fn files(&mut self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        for suite in self.entries(Path::new("")) {
            // The folder is also the crate that embeds it.
            if self.folder.join(&suite).is_dir() && suite != Path::new("src") && suite != Path::new("target")
            {
                self.collect_toml(&suite, &mut files);
            }
        }
        files.sort();
        files
    }

    fn collect_toml(&mut self, folder: &Path, files: &mut Vec<PathBuf>) {
        for entry in self.entries(folder) {
            let is_folder = self.folder.join(&entry).is_dir();
            match entry.extension().and_then(|extension| extension.to_str()) {
                Some("snap") if is_folder => {}
                Some("toml") if !is_folder => files.push(entry),
                // Deeper folders hold no sub-tests, and a link may lead back.
                _ if is_folder && entry.components().count() < MAX_DEPTH => self.collect_toml(&entry, files),
                _ => {}
            }
        }
    }

    /// Returns the snapshots of the chapters with scenarios, including those of deleted scenarios.
    fn snapshots(&mut self, files: &[PathBuf]) -> Vec<SnapshotFile> {
        let chapters: BTreeSet<&Path> = files.iter().filter_map(|file| file.parent()).collect();
        let mut snapshots = Vec::new();
        for chapter in chapters {
            let folders: Vec<PathBuf> = self
                .entries(chapter)
                .into_iter()
                .filter(|entry| entry.extension().is_some_and(|extension| extension == "snap"))
                .filter(|entry| self.folder.join(entry).is_dir())
                .collect();
            for folder in folders {
                for file in self.entries(&folder) {
                    let is_snapshot = file.extension().is_some_and(|extension| extension == "snap");
                    if let (true, Some(name)) = (is_snapshot, file.file_stem()) {
                        snapshots.push(SnapshotFile {
                            folder: self.folder.join(&folder),
                            name: name.to_string_lossy().into_owned(),
                            shown: self.shown.join(&file),
                        });
                    }
                }
            }
        }
        snapshots
    }

    fn entries(&mut self, folder: &Path) -> Vec<PathBuf> {
        let read = fs::read_dir(self.folder.join(folder)).and_then(|entries| {
            entries.map(|entry| Ok(folder.join(entry?.file_name()))).collect::<io::Result<Vec<_>>>()
        });
        match read {
            Ok(mut entries) => {
                entries.retain(|entry| {
                    !entry.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'))
                });
                entries.sort();
                entries
            }
            Err(error) => {
                let message = format!("cannot read folder: {error}");
                self.diagnostics.push(Diagnostic::of_file(&self.shown.join(folder), message));
                Vec::new()
            }
        }
    }
}

#[cfg(test)]
mod tests;
