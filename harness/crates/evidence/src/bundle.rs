//! Packs the evidence of a run into a bundle.

use std::io::{self, Cursor, Read, Write};
use std::path::{Path, PathBuf};

use harness_model::library::Library;
use harness_model::plan::Plan;
use harness_model::scenario::model::Scenario;
use harness_report::results::Results;

use crate::EvidenceError;
use crate::archive::{Method, Writer};
use crate::manifest::{
    ArchiveDigest, ChainSummary, EXCHANGES, FORMAT, FileDigest, GUIDE, MANIFEST, Manifest, PROFILE, RESULTS,
    SCENARIOS, STATEMENT, is_plain,
};
use crate::signature::{SIGNATURE, Signer};
use crate::spool::Spooled;
use crate::statement::{self, Subject};

/// The guide included in every bundle.
const GUIDE_TEXT: &str = include_str!("guide.md");

/// The contents of a bundle.
#[derive(Debug)]
pub struct Material<'a> {
    pub spooled: Spooled,
    pub results: &'a Results,
    pub scenarios: Vec<ScenarioFile>,
    /// The profile's text, without secrets.
    pub profile: String,
    /// The digest of the kit's program.
    pub executable: Option<String>,
    pub signer: Option<&'a Signer>,
}

/// A file of the scenarios' folder: the registry, a sub-test or a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ScenarioFile {
    /// The path relative to the scenarios' folder.
    pub path: String,
    pub content: Vec<u8>,
}

/// Writes the bundle. Its bytes depend on the material alone, except for the signature.
///
/// # Errors
/// The material cannot be read, or the bundle cannot be written or signed.
pub fn write<W: Write>(material: Material<'_>, to: W) -> Result<W, EvidenceError> {
    let Material { spooled, results, mut scenarios, profile, executable, signer } = material;
    let chain = ChainSummary::of(&spooled);
    let mut packer = Packer { writer: Writer::new(to), files: Vec::new() };

    packer.add(GUIDE, GUIDE_TEXT.as_bytes())?;
    scenarios.sort();
    let mut configuration = Vec::new();
    for file in &scenarios {
        configuration.push(packer.add(&format!("{SCENARIOS}{}", file.path), file.content.as_slice())?);
    }
    packer.add(PROFILE, profile.as_bytes())?;
    packer.add(RESULTS, Cursor::new(harness_report::json::render(results)?))?;
    let exchanges = packer.add(EXCHANGES, spooled.file)?;
    let subject = Subject { program: executable.as_deref(), exchanges: &exchanges.sha256 };
    packer.add(STATEMENT, Cursor::new(statement::render(results, subject, &configuration)?))?;

    let Packer { mut writer, files } = packer;
    let before = writer.so_far();
    let manifest = Manifest {
        format: FORMAT.to_owned(),
        kit: results.kit.clone(),
        kit_executable_sha256: executable,
        target: results.target.clone(),
        started_at: results.started_at.clone(),
        verdict: results.verdict,
        exit_code: results.exit_code,
        totals: results.totals.clone(),
        chain,
        signed_by: signer.map(Signer::public_key),
        files,
        archive: ArchiveDigest { bytes: before.length, sha256: before.sha256 },
    };
    let text = manifest.text()?;
    writer.add(MANIFEST, Method::Stored, text.as_bytes())?;
    if let Some(signer) = signer {
        let comment = format!("{FORMAT} of {}, started {}", manifest.target.name, manifest.started_at);
        let signature = signer.sign(text.as_bytes(), &comment)?;
        writer.add(SIGNATURE, Method::Stored, signature.as_bytes())?;
    }
    Ok(writer.finish()?)
}

/// Returns the registry and the scenario files as they were read, and the snapshots as they are now.
pub fn scenario_files(library: &Library, plan: &Plan) -> Result<Vec<ScenarioFile>, EvidenceError> {
    let mut files = Vec::new();
    if let Some(registry) = library.sources.get(&shown_folder(library).join("requirements.toml")) {
        let content = registry.text.clone().into_bytes();
        files.push(ScenarioFile { path: "requirements.toml".to_owned(), content });
    }
    for scenario in plan.subtests.iter().map(|planned| &planned.scenario) {
        let path = format!("{}/{}.toml", scenario.suite, scenario.id);
        files.push(ScenarioFile { path, content: scenario.source.text.clone().into_bytes() });
        files.extend(snapshots(scenario)?);
    }
    Ok(files)
}

/// Returns the scenarios' folder as shown in locations.
pub fn shown_folder(library: &Library) -> &Path {
    let first = library.scenarios.first().and_then(|scenario| scenario.source.path.ancestors().nth(3));
    first.unwrap_or(Path::new("scenarios"))
}

/// Returns the digest of the running program.
pub fn program_digest() -> io::Result<String> {
    // This link stays valid even if the file was replaced in the meantime.
    let linked = Path::new("/proc/self/exe");
    let path = if linked.exists() { linked.to_owned() } else { std::env::current_exe()? };
    crate::digest_of(std::fs::File::open(path)?).map(|digest| digest.sha256)
}

struct Packer<W> {
    writer: Writer<W>,
    files: Vec<FileDigest>,
}

impl<W: Write> Packer<W> {
    fn add(&mut self, path: &str, content: impl Read) -> Result<FileDigest, EvidenceError> {
        if !is_plain(path) {
            return Err(EvidenceError::FileName(path.to_owned()));
        }
        let written = self.writer.add(path, Method::Deflated, content)?;
        let file = FileDigest { path: path.to_owned(), bytes: written.size, sha256: written.sha256 };
        self.files.push(file.clone());
        Ok(file)
    }
}

fn snapshots(scenario: &Scenario) -> Result<Vec<ScenarioFile>, EvidenceError> {
    let mut files = Vec::new();
    for path in snapshot_paths(&scenario.snapshots)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let relative = format!("{}/{}.snap/{name}", scenario.suite, scenario.id);
        let content = std::fs::read(&path).map_err(|cause| EvidenceError::Snapshot { path, cause })?;
        files.push(ScenarioFile { path: relative, content });
    }
    Ok(files)
}

fn snapshot_paths(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let paths = entries.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>()?;
    let is_snapshot = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "snap");
    Ok(paths.into_iter().filter(is_snapshot).collect())
}
