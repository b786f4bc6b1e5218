//! A control plane somewhere else as the authority.

use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde::Deserialize;
use ztna_protocol::relay::{Member, MemberView, MembersAnswer, MembersQuestion};

use crate::authority::{Authority, AuthorityError};

/// How long the control plane may take; well below what a quarantine may take to be felt.
const LIMIT: Duration = Duration::from_millis(800);

/// Where a relay asks.
const PATH: &str = "/api/relay/members";

/// The control plane at an address, asked over HTTP with the secret that it shares with its relays.
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
    /// The control plane at `base_url`; nothing is asked yet.
    ///
    /// # Errors
    /// [`AuthorityError`], if there is no way to speak HTTP from here.
    pub fn new(base_url: &str, secret: String) -> Result<Self, AuthorityError> {
        // Fails when a provider is installed already, which then is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder =
            reqwest::Client::builder().timeout(LIMIT).redirect(reqwest::redirect::Policy::none());
        if base_url.starts_with("http:") {
            // Nothing to certify, and reading the system's certificates fails where there are none.
            builder = builder.tls_certs_only([]).no_proxy();
        }
        let client = builder.build().map_err(|error| AuthorityError(error.to_string()))?;
        Ok(Self { client, url: format!("{}{PATH}", base_url.trim_end_matches('/')), secret })
    }

    async fn ask(&self, token_hashes: Vec<String>) -> Result<Vec<Option<Member>>, AuthorityError> {
        let failed = |error: reqwest::Error| AuthorityError(error.to_string());
        let asked = token_hashes.len();
        let request = self.client.post(&self.url).bearer_auth(&self.secret);
        let answer = request.json(&MembersQuestion { token_hashes }).send().await.map_err(failed)?;
        if !answer.status().is_success() {
            let status = answer.status();
            return Err(AuthorityError(format!("HTTP {status}; ZTNA_RELAY_SECRET must be the same at both")));
        }
        let Envelope { data } = answer.json().await.map_err(failed)?;
        if data.members.len() != asked {
            return Err(AuthorityError(format!("{} answers to {asked} questions", data.members.len())));
        }
        Ok(data.members.into_iter().map(|member| member.and_then(MemberView::read)).collect())
    }
}

impl Authority for ControlPlane {
    fn members(
        &self,
        token_hashes: Vec<String>,
    ) -> BoxFuture<'_, Result<Vec<Option<Member>>, AuthorityError>> {
        self.ask(token_hashes).boxed()
    }
}
