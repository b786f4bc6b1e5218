//! The evidence of a run: recorded during the run, packed once its results are known.

use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

use crate::cli::console::Console;
use harness_evidence::bundle::{self, Material};
use harness_evidence::profile;
use harness_evidence::signature::{PASSWORD_VARIABLE, Signer};
use harness_evidence::spool::Spool;
use harness_model::plan::Plan;
use harness_model::recording::PseudonymKey;
use harness_model::scenario::Library;
use harness_report::destination::{Destination, Format};
use harness_report::exit_code::{ENVIRONMENT, USAGE};
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
        console: &Console,
    ) -> Result<Option<Self>, u8> {
        let usage = |message: String| {
            console.complain(&message);
            USAGE
        };
        let is_asked_for = destinations.iter().any(|destination| destination.format == Format::Evidence);
        if !is_asked_for {
            return match arguments.sign_with {
                Some(_) => {
                    Err(usage("--sign-with needs evidence to sign\nadd --report evidence=PATH".to_owned()))
                }
                None => Ok(None),
            };
        }
        let signer = arguments
            .sign_with
            .as_deref()
            .map(|path| Signer::read(path, std::env::var(PASSWORD_VARIABLE).ok()));
        let signer = signer.transpose().map_err(|error| usage(error.to_string()))?;
        let shown = bundle::shown_folder(library).to_string_lossy().into_owned();
        let spool = Spool::begin(arguments.strict, &shown).map_err(|error| {
            console.complain(&format!("recording evidence failed: {error}\nset TMPDIR to a writable folder"));
            ENVIRONMENT
        })?;
        Ok(Some(Self {
            spool,
            key: PseudonymKey::new(rand::random()),
            signer,
            profile: arguments.target.clone(),
            executable: std::thread::spawn(|| bundle::program_digest().ok()),
        }))
    }

    /// Packs the evidence into the requested files and returns their paths.
    ///
    /// # Errors
    /// A file cannot be read or written.
    pub(super) fn pack(
        self,
        destinations: &[Destination],
        results: &Results,
        library: &Library,
        plan: &Plan,
    ) -> Result<Vec<PathBuf>, String> {
        let profile = match &self.profile {
            Some(path) => from_file(path)?,
            None => profile::of_description(&results.target).map_err(|error| error.to_string())?,
        };
        let mut wanted = destinations.iter().filter(|destination| destination.format == Format::Evidence);
        let Some(first) = wanted.next() else { return Ok(Vec::new()) };
        let unwritten = |error: &dyn std::fmt::Display| format!("packing evidence failed: {error}");
        let material = Material {
            spooled: self.spool.finish().map_err(|error| unwritten(&error))?,
            results,
            scenarios: bundle::scenario_files(library, plan).map_err(|error| unwritten(&error))?,
            profile,
            executable: self.executable.join().ok().flatten(),
            signer: self.signer.as_ref(),
        };
        first.fill(|file| bundle::write(material, file).map(drop)).map_err(|error| error.to_string())?;
        let mut written = vec![first.path.clone()];
        for other in wanted {
            let copy = |file: &mut std::fs::File| {
                std::io::copy(&mut std::fs::File::open(&first.path)?, file).map(drop)
            };
            other.fill(copy).map_err(|error| error.to_string())?;
            written.push(other.path.clone());
        }
        Ok(written)
    }
}

fn from_file(path: &Path) -> Result<String, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    profile::without_secrets(&text).map_err(|error| format!("{}: {error}", path.display()))
}
