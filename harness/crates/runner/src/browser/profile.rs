//! The profiles of a Chromium, over its own socket: the driver refuses to create them.

use std::io;
use std::time::Duration;

use futures::{SinkExt as _, StreamExt as _};
use reqwest::Client;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{self, Message};

const LIMIT: Duration = Duration::from_secs(20);
/// The outer size of a window, as that of the first one.
const WINDOW: (u32, u32) = (1280, 960);

/// What a sub-test keeps in Chromium: cookies, storage, caches, workers, permissions, windows.
#[derive(Debug)]
pub(super) struct Profile {
    pub(super) context: String,
    /// WebDriver's handle of its first window.
    pub(super) window: String,
}

/// Creates and removes profiles. All of them go when the connection ends.
#[derive(Debug)]
pub(super) struct Profiles {
    socket: WebSocketStream<TcpStream>,
    last: u64,
    /// Chromium's own first window, which nobody uses.
    first: String,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum ProfileError {
    #[error("failed to reach Chromium's debugging port: {0}")]
    Unreachable(String),
    #[error("failed to reach Chromium's debugging port: {0}")]
    Connect(#[from] io::Error),
    #[error("lost the connection to Chromium: {0}")]
    Lost(#[from] Box<tungstenite::Error>),
    #[error("Chromium has closed the connection")]
    Closed,
    #[error("Chromium did not answer {0} within {LIMIT:?}")]
    Silent(&'static str),
    #[error("Chromium refuses {command}: {message}")]
    Refused { command: &'static str, message: String },
    #[error("Chromium still has {0}")]
    Unclean(String),
}

impl Profiles {
    /// Connects to the Chromium that listens at this address of this host.
    pub(super) async fn connect(client: &Client, address: &str) -> Result<Self, ProfileError> {
        let unreachable = |cause: reqwest::Error| ProfileError::Unreachable(crate::exchange::causes(&cause));
        let about = client.get(format!("http://{address}/json/version")).send().await.map_err(unreachable)?;
        let about: Value = about.json().await.map_err(unreachable)?;
        let url = about.get("webSocketDebuggerUrl").and_then(Value::as_str).unwrap_or_default();
        let stream = TcpStream::connect(address).await?;
        let (socket, _) = tokio_tungstenite::client_async(url, stream).await.map_err(Box::new)?;
        let mut profiles = Self { socket, last: 0, first: String::new() };
        profiles.first = profiles.pages().await?.pop().unwrap_or_default();
        Ok(profiles)
    }

    pub(super) async fn create(&mut self) -> Result<Profile, ProfileError> {
        let created = self.command("Target.createBrowserContext", json!({ "disposeOnDetach": true })).await?;
        let context = text(&created, "browserContextId");
        let (width, height) = WINDOW;
        let window = json!({
            "url": "about:blank",
            "browserContextId": context,
            "width": width,
            "height": height,
            "newWindow": true,
        });
        let opened = self.command("Target.createTarget", window).await?;
        Ok(Profile { context, window: text(&opened, "targetId") })
    }

    pub(super) async fn remove(&mut self, profile: Profile) -> Result<(), ProfileError> {
        let which = json!({ "browserContextId": profile.context });
        self.command("Target.disposeBrowserContext", which).await?;
        // The driver can open windows outside of any profile.
        let left = self.pages().await?.into_iter().find(|page| *page != self.first);
        left.map_or(Ok(()), |page| Err(ProfileError::Unclean(page)))
    }

    async fn pages(&mut self) -> Result<Vec<String>, ProfileError> {
        let found = self.command("Target.getTargets", json!({ "filter": [{ "type": "page" }] })).await?;
        let targets = found.get("targetInfos").and_then(Value::as_array);
        Ok(targets.into_iter().flatten().map(|target| text(target, "targetId")).collect())
    }

    pub(super) async fn command(
        &mut self,
        command: &'static str,
        parameters: Value,
    ) -> Result<Value, ProfileError> {
        self.last += 1;
        let request = json!({ "id": self.last, "method": command, "params": parameters }).to_string();
        let answer = timeout(LIMIT, async {
            self.socket.send(Message::text(request)).await.map_err(Box::new)?;
            self.answer().await
        });
        let answer = answer.await.map_err(|_| ProfileError::Silent(command))??;
        match answer.pointer("/error/message").and_then(Value::as_str) {
            Some(message) => Err(ProfileError::Refused { command, message: message.to_owned() }),
            None => Ok(answer.get("result").cloned().unwrap_or_default()),
        }
    }

    /// Returns the answer to the last command, and leaves out what else Chromium says.
    async fn answer(&mut self) -> Result<Value, ProfileError> {
        loop {
            let message = self.socket.next().await.ok_or(ProfileError::Closed)?.map_err(Box::new)?;
            let Message::Text(message) = message else { continue };
            let message: Value = serde_json::from_str(&message).unwrap_or_default();
            if message.get("id").and_then(Value::as_u64) == Some(self.last) {
                return Ok(message);
            }
        }
    }
}

fn text(answer: &Value, field: &str) -> String {
    answer.get(field).and_then(Value::as_str).unwrap_or_default().to_owned()
}
