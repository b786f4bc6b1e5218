//! The evidence of a run: recorded during the run, packed once its results are known.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

use crate::cli::error::CliError;
use harness_evidence::EvidenceError;
use harness_evidence::bundle::{self, Material};
use harness_evidence::profile;
use harness_evidence::signature::{PASSWORD_VARIABLE, Signer};
use harness_evidence::spool::Spool;
use harness_model::library::Library;
use harness_model::plan::Plan;
use harness_model::recording::PseudonymKey;
use harness_report::destination::{Destination, Format};
use harness_report::results::Results;

use super::arguments::Arguments;

/// The recording and everything else that is packed with it.
pub(super) struct Evidence {
    pub(super) spool: Spool,
    pub(super) key: PseudonymKey,
    signer: Option<Signer>,
    profile: Option<PathBuf>,
    executable: JoinHandle<Option<String>>,
}

impl Evidence {
    /// Starts recording, if an evidence report is requested.
    ///
    /// # Errors
    /// The signing key cannot be used, or a temporary file cannot be created.
    pub(super) fn begin(
        arguments: &Arguments,
        destinations: &[Destination],
        library: &Library,
    ) -> Result<Option<Self>, CliError> {
        let key_file = arguments.sign_with.as_deref();
        if !destinations.iter().any(is_evidence) {
            return if key_file.is_some() { Err(CliError::NothingToSign) } else { Ok(None) };
        }
        let password = std::env::var(PASSWORD_VARIABLE).ok();
        let signer = key_file.map(|path| Signer::read(path, password)).transpose()?;
        let shown = bundle::shown_folder(library).to_string_lossy().into_owned();
        let spool = Spool::begin(arguments.strict, &shown).map_err(CliError::RecordEvidence)?;
        Ok(Some(Self {
            spool,
            key: PseudonymKey::new(rand::random()),
            signer,
            profile: arguments.target.clone(),
            executable: std::thread::spawn(|| bundle::program_digest().ok()),
        }))
    }

    /// Packs the evidence into the requested files and returns their paths.
    pub(super) fn pack(
        self,
        destinations: &[Destination],
        results: &Results,
        library: &Library,
        plan: &Plan,
    ) -> Result<Vec<PathBuf>, CliError> {
        let mut wanted = destinations.iter().filter(|destination| is_evidence(destination));
        let Some(first) = wanted.next() else { return Ok(Vec::new()) };
        let material = Material {
            profile: match &self.profile {
                Some(path) => read_profile(path)?,
                None => profile::of_description(&results.target)?,
            },
            spooled: self.spool.finish().map_err(EvidenceError::Io)?,
            results,
            scenarios: bundle::scenario_files(library, plan)?,
            executable: self.executable.join().ok().flatten(),
            signer: self.signer.as_ref(),
        };
        first.fill(|file| bundle::write(material, file).map(drop))?;
        let mut written = vec![first.path.clone()];
        for other in wanted {
            other.fill(|file| io::copy(&mut File::open(&first.path)?, file).map(drop))?;
            written.push(other.path.clone());
        }
        Ok(written)
    }
}

fn is_evidence(destination: &Destination) -> bool {
    destination.format == Format::Evidence
}

fn read_profile(path: &Path) -> Result<String, CliError> {
    let text =
        std::fs::read_to_string(path).map_err(|cause| CliError::ReadFile { path: path.to_owned(), cause })?;
    Ok(profile::without_secrets(&text)?)
}
