//! A remote control plane as the authority.

use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde::Deserialize;
use ztna_protocol::machine_token::TokenReference;
use ztna_protocol::relay::{Member, MemberView, MembersAnswer, MembersQuestion};

use crate::authority::{Authority, AuthorityError};

/// Time limit of a request, well below the time within which a quarantine must take effect.
const REQUEST_TIMEOUT: Duration = Duration::from_millis(800);

/// Several times the length of the longest response that is possible.
const MAX_RESPONSE_LEN: usize = 1 << 20;

const MEMBERS_PATH: &str = "/api/relay/members";

/// A control plane that is asked over HTTP, authenticated by the secret shared with its relays.
pub struct ControlPlane {
    client: reqwest::Client,
    url: String,
    secret: String,
}

#[derive(Deserialize)]
struct Envelope {
    data: MembersAnswer,
}

impl ControlPlane {
    /// Creates a client of the control plane at `base_url`; sends nothing yet.
    ///
    /// # Errors
    /// [`AuthorityError`] if the HTTP client cannot be created.
    pub fn new(base_url: &str, secret: String) -> Result<Self, AuthorityError> {
        // Fails if a provider is already installed, which is equally good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder =
            reqwest::Client::builder().timeout(REQUEST_TIMEOUT).redirect(reqwest::redirect::Policy::none());
        if base_url.starts_with("http:") {
            // No TLS, and loading the system's certificates fails where there are none.
            builder = builder.tls_certs_only([]).no_proxy();
        }
        let client = builder.build().map_err(AuthorityError::Client)?;
        Ok(Self { client, url: format!("{}{MEMBERS_PATH}", base_url.trim_end_matches('/')), secret })
    }

    async fn ask(&self, tokens: Vec<TokenReference>) -> Result<Vec<Option<Member>>, AuthorityError> {
        let asked = tokens.len();
        let request = self.client.post(&self.url).bearer_auth(&self.secret);
        let answer =
            request.json(&MembersQuestion::from(tokens)).send().await.map_err(AuthorityError::Unreachable)?;
        if !answer.status().is_success() {
            return Err(AuthorityError::Refused(answer.status()));
        }
        read_members(&read_body(answer).await?, asked)
    }
}

/// Reads the response to a request for the members of `asked` tokens. A member with an invalid key counts as none.
pub(crate) fn read_members(body: &[u8], asked: usize) -> Result<Vec<Option<Member>>, AuthorityError> {
    let Envelope { data } = serde_json::from_slice(body).map_err(AuthorityError::Unreadable)?;
    if data.members.len() != asked {
        return Err(AuthorityError::Incomplete { asked, received: data.members.len() });
    }
    Ok(data.members.into_iter().map(|member| member.and_then(MemberView::read)).collect())
}

async fn read_body(mut response: reqwest::Response) -> Result<Vec<u8>, AuthorityError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(AuthorityError::Unreachable)? {
        if body.len().saturating_add(chunk.len()) > MAX_RESPONSE_LEN {
            return Err(AuthorityError::TooLong);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

impl Authority for ControlPlane {
    fn members(
        &self,
        tokens: Vec<TokenReference>,
    ) -> BoxFuture<'_, Result<Vec<Option<Member>>, AuthorityError>> {
        self.ask(tokens).boxed()
    }
}
