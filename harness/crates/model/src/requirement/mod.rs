//! The registry of documented statements.

mod load;

use std::collections::BTreeMap;

use crate::source::spelling;

/// The id of a documented statement, such as `used-count/ST4.2`.
pub type StatementId = String;

/// All documented statements and their chapters, in file order.
#[derive(Debug, Clone, Default)]
pub struct Registry {
    chapters: Vec<Chapter>,
    requirements: Vec<Requirement>,
    index: BTreeMap<StatementId, usize>,
}

/// A chapter of the documents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chapter {
    /// The first part of its statements' ids, such as `used-count`.
    pub id: String,
    /// The suite it belongs to; `None` for `ours`, which any suite may judge.
    pub suite: Option<String>,
    pub title: String,
    /// The file in `fixtures/documents`; `None` for `ours`.
    pub document: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    /// `CHAPTER/STn.k`, `CHAPTER/F.k`, or `ours/…`.
    pub id: StatementId,
    pub text: String,
    pub via: Vec<Via>,
    pub level: Level,
    /// The accepted answers of a statement of level `either`; empty for other levels.
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
    /// The documents require it.
    Must,
    /// The documents allow more than one answer.
    Either,
    /// The documents are silent: a choice of the reference, judged on the reference only.
    Ours,
}

/// Where a statement can be observed.
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
    /// In HTTP exchanges.
    Http,
    /// In the output of agent commands.
    Cli,
    /// On the pages of the dashboard.
    Dashboard,
    /// In WireGuard packets.
    Wire,
    /// Only after time has passed.
    Clock,
}

impl Registry {
    pub fn get(&self, id: &str) -> Option<&Requirement> {
        self.requirements.get(*self.index.get(id)?)
    }

    /// Whether the statement is a choice of the reference.
    pub fn is_ours(&self, id: &str) -> bool {
        self.get(id).is_some_and(|statement| statement.level == Level::Ours)
    }

    pub fn all(&self) -> &[Requirement] {
        &self.requirements
    }

    pub fn chapters(&self) -> &[Chapter] {
        &self.chapters
    }

    pub fn chapter(&self, id: &str) -> Option<&Chapter> {
        self.chapters.iter().find(|chapter| chapter.id == id)
    }

    /// Returns the suites in the order of their first chapter.
    pub fn suites(&self) -> Vec<&str> {
        let mut suites: Vec<&str> = Vec::new();
        for suite in self.chapters.iter().filter_map(|chapter| chapter.suite.as_deref()) {
            if !suites.contains(&suite) {
                suites.push(suite);
            }
        }
        suites
    }

    pub fn of_chapter<'a>(&'a self, chapter: &'a str) -> impl Iterator<Item = &'a Requirement> {
        self.requirements.iter().filter(move |requirement| requirement.chapter() == chapter)
    }

    /// Returns the statements of all chapters of a suite.
    pub fn of_suite<'a>(&'a self, suite: &'a str) -> impl Iterator<Item = &'a Requirement> {
        self.requirements.iter().filter(move |requirement| {
            self.chapter(requirement.chapter()).is_some_and(|chapter| chapter.suite.as_deref() == Some(suite))
        })
    }

    /// Returns the known id closest to a misspelt one, if any is close enough.
    pub fn did_you_mean(&self, id: &str) -> Option<&str> {
        spelling::nearest(id, self.requirements.iter().map(|requirement| requirement.id.as_str()))
    }
}

impl Requirement {
    pub fn chapter(&self) -> &str {
        self.id.split('/').next().unwrap_or_default()
    }
}
