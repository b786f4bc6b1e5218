//! A proxy between one call of the agent and its control plane.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use reqwest::Url;

use crate::deviation::{AgentCall, Deviation};
use crate::front_proxy::{RunningProxy as _, Sessions};
use crate::proxy::{DeviationProxy, ProxyOptions};

/// Where the agent finds its control plane.
const SERVER: &str = "ZTNA_SERVER";

pub(super) struct CallProxy {
    proxy: DeviationProxy,
    triggered: Arc<AtomicBool>,
    /// The control plane's address, as the agent's state has it.
    upstream: String,
    state_file: PathBuf,
}

impl CallProxy {
    /// Directs a call through a proxy. The agent's state holds the control plane's address, so it names the proxy until
    /// the call has ended. None if no control plane is named.
    pub(super) async fn start(deviation: Deviation, call: &mut AgentCall) -> io::Result<Option<Self>> {
        let Some(server) = std::env::var(SERVER).ok().and_then(|text| Url::parse(&text).ok()) else {
            return Ok(None);
        };
        let triggered = Arc::<AtomicBool>::default();
        let upstream = without_slash(&server);
        let proxy = DeviationProxy::start(ProxyOptions {
            upstream: server,
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            sessions: Sessions::new(),
            deviation,
            triggered: Arc::clone(&triggered),
            recording: None,
        })
        .await?;
        call.environment.push((SERVER.to_owned(), Some(without_slash(proxy.base_url()))));
        let started = Self { proxy, triggered, upstream, state_file: call.state_folder.join("state.json") };
        started.replace_in_state(&started.upstream, &without_slash(started.proxy.base_url()));
        Ok(Some(started))
    }

    /// Restores the agent's state. Returns whether something was changed.
    pub(super) fn stop(self) -> bool {
        self.replace_in_state(&without_slash(self.proxy.base_url()), &self.upstream);
        self.triggered.load(Ordering::Relaxed)
    }

    /// An agent without a state file has no address to replace.
    fn replace_in_state(&self, from: &str, to: &str) {
        if let Ok(text) = fs::read_to_string(&self.state_file) {
            let _ = fs::write(&self.state_file, text.replace(from, to));
        }
    }
}

fn without_slash(url: &Url) -> String {
    url.as_str().trim_end_matches('/').to_owned()
}
