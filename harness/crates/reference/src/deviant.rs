//! One deviation in front of every control plane of a run.

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::future::BoxFuture;
use reqwest::Url;

use crate::front::{Front, Sessions, Standing};
use harness_model::target::Deviating;

use super::agent::SUBCOMMAND;
use super::layer::Layer;
use crate::deviation::Deviation;
use crate::families;
use harness_report::diagnosis::catalogue::Declared;

/// The file by which an agent, a process of its own, tells that it deviated.
const MARK: &str = "fired";

/// The reference with one thing wrong.
pub struct Deviant {
    announced: Deviating,
    deviation: Deviation,
    fired: Arc<AtomicBool>,
    folder: tempfile::TempDir,
}

impl Deviant {
    /// A declared deviation, ready to stand in front of control planes.
    ///
    /// # Errors
    /// There is no such deviation in the program, or no temporary folder can be made.
    pub fn new(declared: &Declared) -> io::Result<Self> {
        let (_, deviation) = families::named(&declared.id)
            .ok_or_else(|| io::Error::other(format!("the program has no deviation {}", declared.id)))?;
        Ok(Self {
            announced: Deviating { id: declared.id.clone(), wrong: declared.wrong.clone() },
            deviation,
            fired: Arc::default(),
            folder: tempfile::Builder::new().prefix("qz-deviant-").tempdir()?,
        })
    }

    /// Whether a request, an answer or an agent's doing was really changed.
    pub fn has_fired(&self) -> bool {
        self.fired.load(Ordering::Relaxed) || self.mark().exists()
    }

    /// What is wrong.
    pub fn deviation(&self) -> &Deviation {
        &self.deviation
    }

    fn mark(&self) -> PathBuf {
        self.folder.path().join(MARK)
    }
}

impl Front for Deviant {
    fn announced(&self) -> Deviating {
        self.announced.clone()
    }

    fn trusts_every_proxy(&self) -> bool {
        self.deviation.trusts_every_proxy
    }

    fn agent(&self) -> Option<Vec<OsString>> {
        self.deviation.agent?;
        Some(vec![SUBCOMMAND.into(), (&self.announced.id).into(), self.mark().into()])
    }

    fn stand(
        &self,
        origin: Url,
        listen: SocketAddr,
        sessions: Sessions,
    ) -> BoxFuture<'_, io::Result<Box<dyn Standing>>> {
        let fired = Arc::clone(&self.fired);
        Box::pin(async move {
            let layer = Layer::stand(origin, listen, sessions, self.deviation, fired, None).await?;
            Ok(Box::new(layer) as Box<dyn Standing>)
        })
    }
}

impl fmt::Debug for Deviant {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Deviant").field(&self.announced.id).finish()
    }
}
