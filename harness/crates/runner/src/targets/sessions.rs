//! The sessions of the people in a profile, which all sub-tests share.

use std::collections::BTreeMap;
use std::sync::Arc;

use harness_model::scenario::model::{Identity, identity_name};
use tokio::sync::Mutex;

use crate::exchange::{ClientSettings, joined};

use super::credential::{Credential, LoginEndpoint};
use super::error::{Cause, ProfileSettingError, RenewalFailure, TargetError};
use super::paths::LOGIN;
use super::profile::{Profile, token_key};

/// Obtains, caches and renews sessions.
#[derive(Debug)]
pub(super) struct Sessions {
    profile: Arc<Profile>,
    settings: ClientSettings,
    sources: BTreeMap<Identity, SessionSource>,
}

/// The source of one identity's sessions. All sub-tests share the token until it is refused or the clock moves.
#[derive(Debug)]
struct SessionSource {
    credential: Credential,
    token: Mutex<Option<String>>,
}

impl Sessions {
    pub(super) fn new(
        profile: Arc<Profile>,
        settings: ClientSettings,
        credentials: BTreeMap<Identity, Credential>,
    ) -> Self {
        let source = |credential| SessionSource { credential, token: Mutex::default() };
        let sources =
            credentials.into_iter().map(|(identity, credential)| (identity, source(credential))).collect();
        Self { profile, settings, sources }
    }

    /// Whether the profile has a source of sessions for the identity.
    pub(super) fn knows(&self, identity: Identity) -> bool {
        self.sources.contains_key(&identity)
    }

    pub(super) fn is_renewable(&self, identity: Identity) -> bool {
        self.sources.get(&identity).is_some_and(|source| source.credential.is_renewable())
    }

    pub(super) async fn token(&self, identity: Identity) -> Result<String, TargetError> {
        let source = self.source(identity)?;
        let mut token = source.token.lock().await;
        if let Some(token) = token.as_ref() {
            return Ok(token.clone());
        }
        let obtained = self.obtain(identity, source).await?;
        *token = Some(obtained.clone());
        Ok(obtained)
    }

    /// Returns a token other than the refused one. If several sub-tests report the same token, it is renewed once.
    pub(super) async fn renew(&self, identity: Identity, refused: &str) -> Result<String, TargetError> {
        let source = self.source(identity)?;
        let mut token = source.token.lock().await;
        if let Some(present) = token.as_ref().filter(|present| *present != refused) {
            return Ok(present.clone());
        }
        let name = identity_name(identity);
        let refused_error = |cause| TargetError::Spent {
            identity: name,
            cause,
            profile: self.profile.place(&token_key(identity)),
        };
        if !source.credential.is_renewable() {
            return Err(refused_error(RenewalFailure::NotRenewable));
        }
        let obtained = self.obtain(identity, source).await?;
        if obtained == refused {
            return Err(refused_error(RenewalFailure::SameToken));
        }
        *token = Some(obtained.clone());
        Ok(obtained)
    }

    /// Forgets the cached tokens, which may have expired.
    pub(super) async fn forget(&self) {
        for source in self.sources.values() {
            *source.token.lock().await = None;
        }
    }

    fn source(&self, identity: Identity) -> Result<&SessionSource, TargetError> {
        let name = identity_name(identity);
        let key = token_key(identity);
        self.sources.get(&identity).ok_or_else(|| {
            let profile = self.profile.place(&key);
            let cause: Cause = ProfileSettingError::Missing { key, profile }.into();
            TargetError::Token { identity: name, cause }
        })
    }

    async fn obtain(&self, identity: Identity, source: &SessionSource) -> Result<String, TargetError> {
        let mut endpoint = joined(&self.profile.base_url, LOGIN);
        self.profile.content.paths.redirect(&self.profile.base_url, &mut endpoint);
        let pointers = &self.profile.content.pointers;
        let at = LoginEndpoint { settings: &self.settings, endpoint, pointers };
        source.credential.obtain(&at).await.map_err(|cause| {
            let key = token_key(identity);
            let identity = identity_name(identity);
            let profile = self.profile.place(&key);
            let cause = ProfileSettingError::Failed { cause: cause.into(), key, profile }.into();
            TargetError::Token { identity, cause }
        })
    }
}
