//! Between an agent and its control plane: what the agent asks for is bent before anybody sees it.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use reqwest::Url;

use crate::deviation::{Asked, Call, Deviation, Memory, NONE, Told};
use crate::front::{Sessions, Standing as _};
use crate::layer::Layer;

/// Where the agent finds its control plane.
const SERVER: &str = "ZTNA_SERVER";

/// A layer of one call's own.
pub(super) struct Detour {
    layer: Layer,
    fired: Arc<AtomicBool>,
    origin: String,
    state: PathBuf,
}

impl Detour {
    /// Leads a call around: its state, which knows the control plane's address, says the layer's meanwhile.
    pub(super) async fn begin(
        ask: fn(&mut Asked, &mut Memory) -> Option<Told>,
        call: &mut Call,
    ) -> io::Result<Option<Self>> {
        let Some(origin) = std::env::var(SERVER).ok().and_then(|text| Url::parse(&text).ok()) else {
            return Ok(None);
        };
        let fired = Arc::<AtomicBool>::default();
        let (anywhere, deviation) = (SocketAddr::from(([127, 0, 0, 1], 0)), Deviation { ask, ..NONE });
        let address = without_slash(&origin);
        let layer =
            Layer::stand(origin, anywhere, Sessions::new(), deviation, Arc::clone(&fired), None).await?;
        call.environment.push((SERVER.to_owned(), Some(without_slash(layer.base_url()))));
        let detour = Self { layer, fired, origin: address, state: call.state.join("state.json") };
        detour.rewrite(&detour.origin, &without_slash(detour.layer.base_url()));
        Ok(Some(detour))
    }

    /// Ends it; whether something was bent.
    pub(super) fn end(self) -> bool {
        self.rewrite(&without_slash(self.layer.base_url()), &self.origin);
        self.fired.load(Ordering::Relaxed)
    }

    /// An agent without a state has no address in it.
    fn rewrite(&self, from: &str, to: &str) {
        if let Ok(text) = fs::read_to_string(&self.state) {
            let _ = fs::write(&self.state, text.replace(from, to));
        }
    }
}

fn without_slash(url: &Url) -> String {
    url.as_str().trim_end_matches('/').to_owned()
}
