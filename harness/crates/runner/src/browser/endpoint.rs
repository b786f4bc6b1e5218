//! Where the commands of a session go, and what the driver printed last.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use reqwest::{Client, Url};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::sync::watch;

/// Lines kept of what driver and browser print.
const MAX_LAST_WORDS: usize = 12;
const READY: &str = "was started successfully on port ";

/// Where a session's commands go.
#[derive(Debug, Clone)]
pub(super) struct Endpoint {
    pub(super) url: Url,
    pub(super) client: Client,
    pub(super) last_words: LastWords,
}

/// The last lines that driver and browser printed.
#[derive(Debug, Clone, Default)]
pub(super) struct LastWords(Arc<Mutex<VecDeque<String>>>);

impl LastWords {
    /// Returns what was printed last, to be put behind a message.
    pub(super) fn said(&self) -> String {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().map(|line| format!("\n  {line}")).collect()
    }

    /// Keeps what is printed there; the driver's port goes to `port`.
    pub(super) fn follow<R>(&self, source: Option<R>, port: Option<watch::Sender<Option<u16>>>)
    where
        R: AsyncRead + Unpin + Send + 'static,
    {
        let Some(source) = source else { return };
        let kept = self.clone();
        tokio::spawn(async move {
            let mut lines = BufReader::new(source).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                if let Some(port) = &port
                    && let Some((_, rest)) = line.split_once(READY)
                {
                    let _ = port.send(rest.trim_end_matches('.').parse().ok());
                } else {
                    kept.push(line);
                }
            }
        });
    }

    fn push(&self, line: String) {
        if line.trim().is_empty() {
            return;
        }
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == MAX_LAST_WORDS {
            lines.pop_front();
        }
        lines.push_back(line);
    }
}
