//! Opens the session of an identity, and renews it if it has ended.

use harness_model::check::evidence::Exchange;
use harness_model::scenario::model::{Identity, identity_name};
use reqwest::Method;
use serde_json::Value;

use crate::exchange::{ExchangeError, joined, send};
use crate::targets::paths::KEY_LIST;
use crate::targets::profile::{Content, token_key};
use crate::targets::request::json_request;

use super::Preflight;
use super::finding::{Finding, State};
use super::observation::{Observation, Response};
use super::organisations::Organisations;

const ORGANISATIONS: &str = "/api/user-orgs";

impl Preflight<'_> {
    /// Obtains a session and sends the two reads that show what it is. If both refuse it with 401 it has ended, and is
    /// renewed once.
    ///
    /// # Errors
    /// The finding if there is no session, or nothing can be said about it.
    pub(super) async fn open(&self, identity: Identity) -> Result<Observation, Finding> {
        let key = token_key(identity);
        let wrong = |message: &str| Finding::of_session(identity, State::wrong(&key, message));
        let token = self.sessions.token(identity).await.map_err(|error| wrong(&error.to_string()))?;
        let first = self.observe(identity, token).await?;
        if !first.is_refused {
            return Ok(first);
        }
        let renewed = self.sessions.renew(identity, &first.token).await;
        let second = self.observe(identity, renewed.map_err(|error| wrong(&error.to_string()))?).await?;
        if second.is_refused {
            return Err(wrong(&format!(
                "a new session of `{}` is refused as well: {}\ncheck {key} and base_url in {}",
                identity_name(identity),
                second.list,
                self.profile.place(&key)
            )));
        }
        Ok(second)
    }

    pub(super) async fn ask(
        &self,
        token: &str,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Exchange, ExchangeError> {
        let Content { paths, pointers, .. } = &self.profile.content;
        let mut url = joined(&self.profile.base_url, path);
        paths.redirect(&self.profile.base_url, &mut url);
        let request = json_request(Some(token), method, url.clone(), body)?;
        let mut exchange = send(self.caller, &request).await?;
        pointers.apply(paths.origin(&self.profile.base_url, &url), &mut exchange);
        Ok(exchange)
    }

    async fn observe(&self, identity: Identity, token: String) -> Result<Observation, Finding> {
        let content = &self.profile.content;
        let org = match identity {
            Identity::Outsider => content.other_org_id.as_ref(),
            Identity::Limited => content.quota.as_ref().map(|quota| &quota.org_id),
            Identity::Admin | Identity::Owner | Identity::Member => None,
        };
        let org = org.unwrap_or(&content.org_id);
        let list_path = |org: &str| {
            let org: String = form_urlencoded::byte_serialize(org.as_bytes()).collect();
            format!("{KEY_LIST}?org_id={org}")
        };
        let (own, foreign) = (list_path(org), list_path(&content.org_id));
        let listed = self.ask(&token, Method::GET, &own, None);
        let organisations = self.ask(&token, Method::GET, ORGANISATIONS, None);
        let (listed, organisations) = futures::future::join(listed, organisations).await;
        // The sub-tests report a response that is missing or incomplete.
        let listed = listed.map_err(|error| Finding::of_session(identity, State::open(error.to_string())))?;
        let organisations = organisations.ok();
        let is_refused_elsewhere =
            organisations.as_ref().is_none_or(|seen| matches!(seen.status, 401 | 404 | 405));
        let organisations = organisations.filter(|seen| (200..300).contains(&seen.status));
        let organisations = organisations.and_then(|seen| seen.json().cloned()).map(Organisations::new);
        let is_suspect = identity == Identity::Outsider
            && *org != content.org_id
            && organisations.as_ref().is_some_and(|seen| seen.lists(&content.org_id));
        let reads_foreign = is_suspect
            && self.ask(&token, Method::GET, &foreign, None).await.is_ok_and(|seen| seen.status == 200);
        Ok(Observation {
            identity,
            org: org.clone(),
            token,
            // One endpoint alone may refuse a session wrongly.
            is_refused: listed.status == 401 && is_refused_elsewhere,
            list: Response::of(&listed),
            organisations,
            reads_foreign,
            is_renewable: self.sessions.is_renewable(identity),
        })
    }
}
