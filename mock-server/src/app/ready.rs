//! What a started server tells those who started it.

use std::fmt;
use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;

/// Where the server is and who may use it; serialises to the ready file's JSON.
#[derive(Clone, Serialize)]
pub struct Ready {
    /// Where it answers, without a slash at the end.
    pub base_url: String,
    /// The fixture's first organisation.
    pub org_id: String,
    /// An admin of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub admin: Option<Person>,
    /// An owner of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<Person>,
    /// A member of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub member: Option<Person>,
    /// An admin or owner of another organisation, with no place in the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outsider: Option<Person>,
    /// That other organisation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub other_org_id: Option<String>,
    /// Where tests move the clock, if the server was started for that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub control_url: Option<String>,
}

/// A user of the fixture, with all it takes to act as them.
#[derive(Clone, Serialize)]
pub struct Person {
    /// What they log in with.
    pub email: String,
    /// What they log in with.
    pub password: String,
    /// An access token made when the server started.
    pub token: String,
}

impl Ready {
    /// Writes the ready file, all of it at once, for the eyes of its owner only: it holds passwords and tokens.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        serde_json::to_writer_pretty(&mut file, self)?;
        file.write_all(b"\n")?;
        file.persist(path)?;
        Ok(())
    }
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
