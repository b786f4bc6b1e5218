//! Packs the evidence of a run.

use std::fs::File;
use std::io::{self, Cursor, Read, Write};
use std::path::{Path, PathBuf};

use crate::archive::{Method, Writer};
use crate::digest_of;
use crate::manifest::{
    ArchiveDigest, ChainSummary, EXCHANGES, FORMAT, FileDigest, GUIDE, MANIFEST, Manifest, PROFILE, RESULTS,
    SCENARIOS, STATEMENT, is_plain,
};
use crate::signature::{SIGNATURE, Signer};
use crate::spool::Spooled;
use crate::statement::{self, Subject};
use harness_model::plan::Plan;
use harness_model::scenario::Library;
use harness_report::results::Results;

/// What is in every bundle for people who have nothing else.
const GUIDE_TEXT: &str = include_str!("guide.md");

/// What goes into a bundle.
#[derive(Debug)]
pub struct Material<'a> {
    /// The lines of the run.
    pub spooled: Spooled,
    /// What it found.
    pub results: &'a Results,
    /// The scenarios and the registry, by name below their folder.
    pub scenarios: Vec<(String, Vec<u8>)>,
    /// The profile without secrets.
    pub profile: String,
    /// The digest of the program.
    pub executable: Option<String>,
    /// Who signs, if anybody does.
    pub signer: Option<&'a Signer>,
}

/// A bundle cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// Something cannot be read or written.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Something cannot be written as JSON.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// A file has a name that bundles do not take.
    #[error(
        "{0} cannot be put into a bundle: its name has other characters than letters, digits, `.`, `_` and `-`"
    )]
    Name(String),
    /// The signature cannot be made.
    #[error("the manifest cannot be signed: {0}")]
    Signature(String),
}

/// Writes the bundle. Apart from the signature it depends on the material alone.
///
/// # Errors
/// Something cannot be read or written.
pub fn write<W: Write>(material: Material<'_>, to: W) -> Result<W, BundleError> {
    let Material { spooled, results, mut scenarios, profile, executable, signer } = material;
    let mut packing = Packing { writer: Writer::new(to), files: Vec::new() };
    packing.add(GUIDE, GUIDE_TEXT.as_bytes())?;
    scenarios.sort();
    for (name, text) in &scenarios {
        packing.add(&format!("{SCENARIOS}{name}"), text.as_slice())?;
    }
    let configuration: Vec<FileDigest> = packing.files.iter().skip(1).cloned().collect();
    packing.add(PROFILE, profile.as_bytes())?;
    packing.add(RESULTS, Cursor::new(harness_report::json::render(results)?))?;
    packing.add(EXCHANGES, spooled.file)?;
    let exchanges = packing.files.last().map(|file| file.sha256.clone()).unwrap_or_default();
    let subject = Subject { program: executable.as_deref(), exchanges: &exchanges };
    packing.add(STATEMENT, Cursor::new(statement::render(results, subject, &configuration)?))?;

    let (bytes, sha256) = packing.writer.so_far();
    let manifest = Manifest {
        format: FORMAT.to_owned(),
        kit: results.kit.clone(),
        kit_executable_sha256: executable,
        target: results.target.clone(),
        started_at: results.started_at.clone(),
        verdict: results.verdict,
        exit_code: results.exit_code,
        totals: results.totals.clone(),
        chain: ChainSummary {
            lines: spooled.chain.lines(),
            head: spooled.chain.head().to_owned(),
            steps: spooled.counts.steps,
            exchanges: spooled.counts.exchanges,
            checks: spooled.counts.checks,
            rest_on_secrets: spooled.counts.rest_on_secrets,
        },
        signed_by: signer.map(Signer::public_key),
        files: packing.files,
        archive: ArchiveDigest { bytes, sha256 },
    };
    let text = manifest.text()?;
    let mut writer = packing.writer;
    writer.add(MANIFEST, Method::Stored, text.as_bytes())?;
    if let Some(signer) = signer {
        let trusted = format!("{} of {}, begun {}", FORMAT, manifest.target.name, manifest.started_at);
        let signature = signer.sign(text.as_bytes(), &trusted).map_err(BundleError::Signature)?;
        writer.add(SIGNATURE, Method::Stored, signature.as_bytes())?;
    }
    Ok(writer.finish()?)
}

/// The registry and the files of these sub-tests as they were read, their snapshots as they are now, by name below
/// the folder of scenarios.
///
/// # Errors
/// A snapshot cannot be read.
pub fn scenarios(library: &Library, plan: &Plan) -> io::Result<Vec<(String, Vec<u8>)>> {
    let mut files = Vec::new();
    if let Some(registry) = library.sources.get(&shown(library).join("requirements.toml")) {
        files.push(("requirements.toml".to_owned(), registry.text.clone().into_bytes()));
    }
    for scenario in plan.subtests.iter().map(|planned| &planned.scenario) {
        let path = format!("{}/{}", scenario.suite, scenario.id);
        files.push((format!("{path}.toml"), scenario.source.text.clone().into_bytes()));
        for (name, file) in snapshots(&scenario.snapshots)? {
            let content = std::fs::read(&file).map_err(|error| {
                io::Error::new(error.kind(), format!("the snapshot {}: {error}", file.display()))
            })?;
            files.push((format!("{path}.snap/{name}"), content));
        }
    }
    Ok(files)
}

/// What stands for the folder of scenarios in locations.
pub fn shown(library: &Library) -> &Path {
    let first = library.scenarios.first().and_then(|scenario| scenario.source.path.ancestors().nth(3));
    first.unwrap_or(Path::new("scenarios"))
}

fn snapshots(folder: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "snap") {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            found.push((name, path));
        }
    }
    Ok(found)
}

/// The digest of the program that runs.
///
/// # Errors
/// It cannot be read.
pub fn executable() -> io::Result<String> {
    // The link holds even if the file was replaced meanwhile.
    let linked = Path::new("/proc/self/exe");
    let path = if linked.exists() { linked.to_owned() } else { std::env::current_exe()? };
    digest_of(File::open(path)?).map(|(_, digest)| digest)
}

struct Packing<W> {
    writer: Writer<W>,
    files: Vec<FileDigest>,
}

impl<W: Write> Packing<W> {
    fn add(&mut self, path: &str, content: impl Read) -> Result<(), BundleError> {
        if !is_plain(path) {
            return Err(BundleError::Name(path.to_owned()));
        }
        let written = self.writer.add(path, Method::Deflated, content)?;
        self.files.push(FileDigest { path: path.to_owned(), bytes: written.size, sha256: written.sha256 });
        Ok(())
    }
}
