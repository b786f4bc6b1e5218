//! What the documents state, and how much of it a run has shown.

mod load;

use std::collections::BTreeMap;
use std::path::Path;

use crate::source::diagnostic::Diagnostic;
use crate::source::spelling;

/// The id of a documented statement, such as `used-count/ST4.2`.
pub type StatementId = String;

/// Every documented statement and the chapters they come from, in the file's order.
#[derive(Debug, Clone, Default)]
pub struct Registry {
    chapters: Vec<Chapter>,
    requirements: Vec<Requirement>,
    index: BTreeMap<StatementId, usize>,
}

/// A chapter of the documents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chapter {
    /// Its short name, the first part of its statements' ids.
    pub id: String,
    /// The suite that it belongs to; none of the reference's own choices, which any suite may judge.
    pub suite: Option<String>,
    /// Its title in the documents.
    pub title: String,
    /// The document's file name in `fixtures/documents`, if a document states it.
    pub document: Option<String>,
}

/// One statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    /// `CHAPTER/STn.k`, `CHAPTER/F.k`, or `ours/…`.
    pub id: StatementId,
    /// What it says.
    pub text: String,
    /// Where it can be seen from outside.
    pub via: Vec<Via>,
    /// How binding it is.
    pub level: Level,
    /// Of level `either`: the answers that are right.
    pub accepts: Vec<String>,
}

/// How binding a statement is.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// A document says so plainly.
    Must,
    /// The documents allow more than one answer.
    Either,
    /// The documents are silent; a choice of the reference, judged on the reference only.
    Ours,
}

/// Where a statement can be seen from outside.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Via {
    /// HTTP exchanges.
    Http,
    /// Commands of the agent.
    Cli,
    /// The dashboard's pages.
    Dashboard,
    /// WireGuard packets.
    Wire,
    /// It needs time to pass.
    Clock,
}

impl Registry {
    /// Reads the registry from the text of `requirements.toml`; `path` is what diagnostics show.
    ///
    /// # Errors
    /// Every mistake of the file.
    pub fn load(text: &str, path: &Path) -> Result<Self, Vec<Diagnostic>> {
        load::load(text, path)
    }

    /// The statement of that id.
    pub fn get(&self, id: &str) -> Option<&Requirement> {
        self.requirements.get(*self.index.get(id)?)
    }

    /// All statements, in the file's order.
    pub fn all(&self) -> &[Requirement] {
        &self.requirements
    }

    /// All chapters, in the file's order.
    pub fn chapters(&self) -> &[Chapter] {
        &self.chapters
    }

    /// The chapter of that id.
    pub fn chapter(&self, id: &str) -> Option<&Chapter> {
        self.chapters.iter().find(|chapter| chapter.id == id)
    }

    /// The suites, in the order of their first chapter.
    pub fn suites(&self) -> Vec<&str> {
        let mut suites: Vec<&str> = Vec::new();
        for suite in self.chapters.iter().filter_map(|chapter| chapter.suite.as_deref()) {
            if !suites.contains(&suite) {
                suites.push(suite);
            }
        }
        suites
    }

    /// The statements of a chapter.
    pub fn of_chapter<'a>(&'a self, chapter: &'a str) -> impl Iterator<Item = &'a Requirement> {
        self.requirements.iter().filter(move |requirement| requirement.chapter() == chapter)
    }

    /// The statements of a suite's chapters.
    pub fn of_suite<'a>(&'a self, suite: &'a str) -> impl Iterator<Item = &'a Requirement> {
        self.requirements.iter().filter(move |requirement| {
            self.chapter(requirement.chapter()).is_some_and(|chapter| chapter.suite.as_deref() == Some(suite))
        })
    }

    /// The known id that is most like this one, if one is alike at all.
    pub fn did_you_mean(&self, id: &str) -> Option<&str> {
        spelling::nearest(id, self.requirements.iter().map(|requirement| requirement.id.as_str()))
    }
}

impl Requirement {
    /// The chapter's id: what stands before the slash.
    pub fn chapter(&self) -> &str {
        self.id.split('/').next().unwrap_or_default()
    }
}
