//! Where a target's dashboard is, and what it calls what the documents name.

use std::collections::BTreeMap;
use std::fmt;

use reqwest::Url;

use crate::exchange::joined;

/// A target's dashboard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dashboard {
    pub url: Url,
    /// The target's own words for those of the documents.
    pub words: BTreeMap<String, String>,
    /// The target's own pages for documented paths, and for ways such as `Settings > Auth Keys`.
    pub paths: BTreeMap<String, String>,
    /// How a user signs in; with email and password, or a session, if empty.
    pub sign_in: Vec<SignInAct>,
    /// Paths of requests that pages leave open until there is news.
    pub waits: Vec<String>,
}

/// One act of signing in. `${email}` and `${password}` are the user's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignInAct {
    Open(String),
    Fill { label: String, value: String },
    Click(String),
}

/// A user's credentials for the dashboard.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    pub email: String,
    pub password: String,
}

impl Dashboard {
    /// A dashboard in the documents' own words.
    pub fn at(url: Url) -> Self {
        Self { url, words: BTreeMap::new(), paths: BTreeMap::new(), sign_in: Vec::new(), waits: Vec::new() }
    }

    /// The same, with requests to a path that its pages leave open until there is news.
    #[must_use]
    pub fn waiting_on(mut self, path: &str) -> Self {
        self.waits.push(path.to_owned());
        self
    }

    /// Returns the address of a documented page.
    pub(crate) fn page(&self, path: &str) -> Url {
        joined(&self.url, self.paths.get(path).map_or(path, String::as_str))
    }

    /// Returns the target's word for one of the documents.
    pub(crate) fn word<'a>(&'a self, word: &'a str) -> &'a str {
        self.words.get(word).map_or(word, String::as_str)
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Account").field("email", &self.email).finish_non_exhaustive()
    }
}
