//! Reads the files: the only place of the language that touches a disk.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fs, io};

use crate::requirement::Registry;

use super::lint::{self, SnapshotFile};
use super::model::{Scenario, Source};
use super::parse::parse;
use super::place::Place;
use crate::source::diagnostic::{Diagnostic, Severity, Sources};

/// Everything the kit knows: the statements and the sub-tests that judge them.
#[derive(Debug, Clone)]
pub struct Library {
    /// The statements.
    pub registry: Registry,
    /// The sub-tests, ordered by suite, chapter (as in the registry) and file name (numbers by value).
    pub scenarios: Vec<Arc<Scenario>>,
    /// What `lint` remarks on.
    pub warnings: Vec<Diagnostic>,
    /// The files' texts.
    pub sources: Sources,
}

/// The files have errors, so that nothing may run.
#[derive(Debug, Clone)]
pub struct Refusal {
    /// Every error and warning of every file.
    pub diagnostics: Vec<Diagnostic>,
    /// The files' texts.
    pub sources: Sources,
}

/// Reads `requirements.toml` and every `SUITE/CHAPTER/*.toml` of the folder. `shown` is what stands for the
/// folder in messages (such as `scenarios`).
///
/// # Errors
/// Every mistake of every file.
pub fn load(folder: &Path, shown: &Path) -> Result<Library, Refusal> {
    let mut found = Found { folder, shown, diagnostics: Vec::new(), sources: Sources::default() };
    let registry = found.registry();
    let files = found.files();
    let mut scenarios = Vec::new();
    // Without the statements every `verifies` would be an error of its own.
    for file in files.iter().filter(|_| registry.is_some()) {
        let Some(registry) = &registry else { continue };
        scenarios.extend(found.scenario(file, registry));
    }
    let snapshots = found.snapshots(&files);
    let Some(registry) = registry else { return Err(found.refusal()) };
    scenarios.sort_by_cached_key(|scenario| order(scenario, &registry));
    // What a file with errors refers to is not known: remarks on the whole would mislead.
    let is_sound = !found.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error);
    if is_sound {
        found.diagnostics.extend(lint::whole(&scenarios, &registry, &snapshots, shown));
    }
    if found.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error) {
        return Err(found.refusal());
    }
    let scenarios = scenarios.into_iter().map(Arc::new).collect();
    Ok(Library { registry, scenarios, warnings: found.diagnostics, sources: found.sources })
}

struct Found<'a> {
    folder: &'a Path,
    shown: &'a Path,
    diagnostics: Vec<Diagnostic>,
    sources: Sources,
}

impl Found<'_> {
    fn refusal(self) -> Refusal {
        Refusal { diagnostics: self.diagnostics, sources: self.sources }
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
            let message = "a scenario lies at SUITE/CHAPTER/SUB-TEST.toml";
            let diagnostic = Diagnostic::of_file(&self.shown.join(file), message);
            self.diagnostics.push(diagnostic.help("move it to the chapter whose statements it judges"));
            return None;
        };
        let place = Place {
            suite: suite.clone(),
            chapter: chapter.clone(),
            stem: file.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
            snapshots: self.folder.join(file).with_extension("snap"),
        };
        let source = self.text(file)?;
        let parsed = parse(&source, &place, registry);
        self.diagnostics.extend(parsed.diagnostics);
        parsed.scenario
    }

    fn text(&mut self, file: &Path) -> Option<Arc<Source>> {
        let path = self.shown.join(file);
        match fs::read_to_string(self.folder.join(file)) {
            Ok(text) => {
                let source = Arc::new(Source { path, text });
                self.sources.add(Arc::clone(&source));
                Some(source)
            }
            Err(error) => {
                let message = format!("this file cannot be read: {error}");
                self.diagnostics.push(Diagnostic::of_file(&path, message));
                None
            }
        }
    }

    /// The TOML files of the suites' folders, relative to the folder.
    fn files(&mut self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        for suite in self.entries(Path::new("")) {
            // The crate that embeds this folder lives in it too.
            if self.folder.join(&suite).is_dir() && suite != Path::new("src") && suite != Path::new("target")
            {
                self.below(&suite, &mut files);
            }
        }
        files.sort();
        files
    }

    fn below(&mut self, folder: &Path, files: &mut Vec<PathBuf>) {
        for entry in self.entries(folder) {
            let is_folder = self.folder.join(&entry).is_dir();
            match entry.extension().and_then(|extension| extension.to_str()) {
                Some("snap") if is_folder => {}
                Some("toml") if !is_folder => files.push(entry),
                _ if is_folder => self.below(&entry, files),
                _ => {}
            }
        }
    }

    /// The files in the folders of snapshots beside these and other scenarios.
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
                let message = format!("this folder cannot be read: {error}");
                self.diagnostics.push(Diagnostic::of_file(&self.shown.join(folder), message));
                Vec::new()
            }
        }
    }
}

/// As the documents have it: suites and chapters in the registry's order, `ST2` before `ST10`.
fn order(scenario: &Scenario, registry: &Registry) -> (usize, usize, Vec<Part>) {
    let suite = registry.suites().iter().position(|suite| *suite == scenario.suite);
    let chapter = registry.chapters().iter().position(|chapter| chapter.id == scenario.chapter);
    (suite.unwrap_or(usize::MAX), chapter.unwrap_or(usize::MAX), parts(&scenario.id))
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Number(u64),
    Text(String),
}

fn parts(id: &str) -> Vec<Part> {
    id.chars()
        .collect::<Vec<char>>()
        .chunk_by(|a, b| a.is_ascii_digit() == b.is_ascii_digit())
        .map(|chunk| chunk.iter().collect::<String>())
        .map(|text| text.parse().map_or(Part::Text(text), Part::Number))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const REGISTRY: &str = r#"
[chapters]
keys = { suite = "s", title = "Keys", document = "a.txt" }
[[requirement]]
id = "keys/ST1.1"
text = "x"
via = ["http"]
level = "must"
[[requirement]]
id = "keys/ST1.2"
text = "y"
via = ["http", "cli"]
level = "must"
"#;

    fn scenario(title: &str, more: &str) -> String {
        let check = format!("check = [{{ verifies = \"keys/ST1.1\", status = 200{more} }}]");
        format!("title = \"{title}\"\n[[step]]\nname = \"a\"\nget = \"/\"\n{check}\n")
    }

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        folder
    }

    fn messages(diagnostics: &[Diagnostic]) -> Vec<String> {
        diagnostics.iter().map(|d| format!("{}: {}", d.path.display(), d.message)).collect()
    }

    #[test]
    fn files_come_in_the_documents_order_and_the_whole_is_remarked_on() {
        let (two, ten) = (scenario("two", ""), scenario("ten", ", snapshot = \"fresh\""));
        let folder = folder(&[
            ("requirements.toml", REGISTRY),
            ("Cargo.toml", "[package]"),
            ("src/x/y.toml", "no"),
            ("s/keys/ST10.toml", &ten),
            ("s/keys/ST2.toml", &two),
            ("s/keys/ST2.snap/old.snap", ""),
            ("s/keys/ST9.snap/gone.snap", ""),
        ]);
        let library = load(folder.path(), Path::new("scenarios")).unwrap();
        let ids: Vec<&str> = library.scenarios.iter().map(|scenario| scenario.id.as_str()).collect();
        assert_eq!(ids, ["keys/ST2", "keys/ST10"]);
        assert_eq!(
            messages(&library.warnings),
            [
                "scenarios/s/keys/ST10.toml: the snapshot `fresh` has no file yet",
                "scenarios/s/keys/ST2.snap/old.snap: no check refers to this snapshot",
                "scenarios/s/keys/ST9.snap/gone.snap: no check refers to this snapshot",
                "scenarios/requirements.toml: 1 statement of chapter `keys` has no check: keys/ST1.2 (http, cli)",
            ]
        );
    }

    #[test]
    fn the_errors_of_all_files_come_together() {
        let folder = folder(&[
            ("requirements.toml", REGISTRY),
            ("s/keys/ST1.toml", "title = \n"),
            ("s/keys/ST2.toml", "titel = \"x\"\n"),
            ("s/keys/deep/ST3.toml", ""),
            ("s/kyes/ST4.toml", &scenario("four", "")),
            ("t/keys/ST5.toml", &scenario("five", "")),
        ]);
        let refusal = load(folder.path(), Path::new("scenarios")).unwrap_err();
        let messages = messages(&refusal.diagnostics).join("\n");
        for expected in [
            "ST1.toml: this is not TOML",
            "ST2.toml: a sub-test has no key `titel`",
            "ST2.toml: a sub-test needs `title`",
            "ST2.toml: a sub-test needs at least one [[step]]",
            "ST3.toml: a scenario lies at SUITE/CHAPTER/SUB-TEST.toml",
            "ST4.toml: the folder `kyes` is none of the chapters",
            "ST5.toml: chapter `keys` belongs to suite `s`",
        ] {
            assert!(messages.contains(expected), "{expected} is not in\n{messages}");
        }
    }

    #[test]
    fn two_files_of_one_title_are_an_error() {
        let one = scenario("the same", "");
        let folder =
            folder(&[("requirements.toml", REGISTRY), ("s/keys/A.toml", &one), ("s/keys/B.toml", &one)]);
        let refusal = load(folder.path(), Path::new("scenarios")).unwrap_err();
        assert!(messages(&refusal.diagnostics)[0].contains("has the title of keys/A"), "{refusal:?}");
    }

    #[test]
    fn a_folder_that_is_not_there_is_told() {
        let refusal = load(Path::new("/nonexistent/x"), Path::new("x")).unwrap_err();
        assert!(messages(&refusal.diagnostics)[0].contains("x/requirements.toml: this file cannot be read"));
    }
}
