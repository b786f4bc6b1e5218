//! The ready file: how to reach and use a started server.

use std::fmt;
use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;

use super::Fixture;
use super::fixture::{Login, People};
use crate::api::State;
use crate::store::{StoreError, users};

/// The server's URL and credentials; serialises to the JSON of the ready file.
#[derive(Clone, Serialize)]
pub struct Ready {
    /// Without a trailing slash.
    pub base_url: String,
    /// The configured URL by which clients are told to reach the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_url: Option<String>,
    /// The fixture's first organisation.
    pub org_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub admin: Option<Person>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<Person>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub member: Option<Person>,
    /// An admin or owner of another organisation who is not a member of the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outsider: Option<Person>,
    /// The outsider's organisation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub other_org_id: Option<String>,
    /// The base URL of the test control, if enabled. It contains a token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub control_url: Option<String>,
}

/// A user of the fixture with credentials.
#[derive(Clone, Serialize)]
pub struct Person {
    pub email: String,
    pub password: String,
    /// An access token issued when the server started.
    pub token: String,
}

impl Ready {
    /// Writes the ready file atomically and readable by its owner only, because it contains passwords and tokens.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        serde_json::to_writer_pretty(&mut file, self)?;
        file.write_all(b"\n")?;
        file.persist(path)?;
        Ok(())
    }
}

/// Describes the server and issues tokens for the fixture's users.
pub(super) async fn describe(fixture: &Fixture, state: &State) -> Result<Ready, StoreError> {
    let session = state.settings.session.clone();
    let (base_url, public_url) = (state.settings.base_url.clone(), state.settings.public_url.clone());
    let now = state.clock.now();
    let random = state.random.clone();
    let People { org_id, admin, owner, member, outsider, other_org_id } = fixture.people();
    let ready = state.store.read(move |tx| {
        let mut person = |login: Option<Login>| {
            let Some(Login { email, password }) = login else { return Ok(None) };
            // An existing database may lack the fixture's users.
            let user_id = users::id_by_email(tx, &email)?;
            Ok::<_, StoreError>(user_id.map(|user_id| {
                let token = session.issue(&random.id(now), &user_id, &email, now);
                Person { email, password, token }
            }))
        };
        Ok::<_, StoreError>(Ready {
            base_url,
            public_url,
            admin: person(admin)?,
            owner: person(owner)?,
            member: person(member)?,
            outsider: person(outsider)?,
            other_org_id,
            control_url: None,
            org_id,
        })
    });
    ready.await
}

impl fmt::Debug for Ready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ready").field("base_url", &self.base_url).finish_non_exhaustive()
    }
}

impl fmt::Debug for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Person").field("email", &self.email).finish_non_exhaustive()
    }
}
