//! Carries out the acts of a step, each of which may take as long as the step says.

use std::fmt;
use std::time::{Duration, Instant};

use harness_model::scenario::model::{Act, Template};
use harness_model::scenario::template::{Scope, TemplateError, fill_template};

use crate::browser::{
    Browser, BrowserError, Element, Kind, NotFound, Obstacle, control, find, find_in_row, open_dialog,
};
use crate::targets::Dashboard;

/// What separates alternatives of a name.
const ALTERNATIVES: &str = " | ";
/// How long an element may still appear on a page that does nothing any more.
const PATIENCE: Duration = Duration::from_millis(1500);
/// What a page shows as soon as its script has run: until then nothing can be missing from it.
const CONTROLS: [&str; 7] = ["button", "checkbox", "combobox", "link", "radio", "searchbox", "textbox"];
/// How long a page may go on changing before an element is looked for.
const SETTLE_LIMIT: Duration = Duration::from_millis(1000);
const PAUSE: Duration = Duration::from_millis(60);

/// What became of an act: why it cannot be done, if it cannot.
pub(super) type Outcome = Result<(), Obstacle>;

/// An act whose variables are filled in.
pub(super) enum FilledAct {
    Open(String),
    Go(Vec<Vec<String>>),
    Click { name: String, row: Option<String> },
    Fill { label: String, value: String },
    Tick { label: String, on: bool },
    Confirm(String),
    Optional(Box<Self>),
    Reload,
    Back,
}

impl FilledAct {
    pub(super) fn of(act: &Act, scope: Scope<'_>) -> Result<Self, TemplateError> {
        let fill = |template: &Template| -> Result<String, TemplateError> {
            Ok(fill_template(template, scope)?.unwrap_or_default())
        };
        Ok(match act {
            Act::Open(path) => Self::Open(fill(path)?),
            Act::Go(ways) => {
                let way = |way: &Vec<Template>| way.iter().map(fill).collect::<Result<Vec<_>, _>>();
                Self::Go(ways.iter().map(way).collect::<Result<_, _>>()?)
            }
            Act::Click { name, row } => {
                Self::Click { name: fill(name)?, row: row.as_ref().map(fill).transpose()? }
            }
            Act::Fill { label, value } => Self::Fill { label: fill(label)?, value: fill(value)? },
            Act::Tick { label, on } => Self::Tick { label: fill(label)?, on: *on },
            Act::Confirm(name) => Self::Confirm(fill(name)?),
            Act::Optional(act) => Self::Optional(Box::new(Self::of(act, scope)?)),
            Act::Reload => Self::Reload,
            Act::Back => Self::Back,
        })
    }
}

impl fmt::Display for FilledAct {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open(path) => write!(formatter, "open {path}"),
            Self::Go(ways) => {
                write!(formatter, "go to {}", ways.first().map(|way| way.join(" > ")).unwrap_or_default())
            }
            Self::Click { name, row: None } => write!(formatter, "click '{name}'"),
            Self::Click { name, row: Some(row) } => write!(formatter, "click '{name}' of '{row}'"),
            Self::Fill { label, value } => write!(formatter, "fill '{label}' with '{value}'"),
            Self::Tick { label, on: true } => write!(formatter, "check '{label}'"),
            Self::Tick { label, on: false } => write!(formatter, "uncheck '{label}'"),
            Self::Confirm(name) => write!(formatter, "confirm with '{name}'"),
            Self::Optional(act) => write!(formatter, "{act}, if it is there"),
            Self::Reload => formatter.write_str("reload"),
            Self::Back => formatter.write_str("go back"),
        }
    }
}

pub(super) struct Acts<'a> {
    pub(super) browser: &'a mut Browser,
    pub(super) dashboard: &'a Dashboard,
    pub(super) limit: Duration,
}

impl Acts<'_> {
    /// Returns why the act cannot be done, if it cannot.
    pub(super) async fn perform(&mut self, act: &FilledAct) -> Result<Outcome, BrowserError> {
        let act = match act {
            FilledAct::Optional(act) if self.lacks(act).await? => return Ok(Ok(())),
            FilledAct::Optional(act) => act,
            act => act,
        };
        match act {
            FilledAct::Optional(_) => Ok(Ok(())),
            FilledAct::Open(path) => self.open(path).await,
            FilledAct::Go(ways) => self.go(ways).await,
            FilledAct::Click { name, row } => self.click(name, row.as_deref()).await,
            FilledAct::Fill { label, value } => self.fill(label, value).await,
            FilledAct::Tick { label, on } => self.tick(label, *on).await,
            FilledAct::Confirm(name) => self.confirm(name).await,
            FilledAct::Reload => self.browser.reload(self.limit).await,
            FilledAct::Back => self.browser.back(self.limit).await,
        }
    }

    /// Opens a path, or the page that the profile has instead.
    pub(super) async fn open(&mut self, path: &str) -> Result<Outcome, BrowserError> {
        let url = self.dashboard.page(path);
        Ok(match self.browser.open_page(&url, self.limit).await? {
            Ok(()) => Ok(()),
            Err(obstacle) if obstacle.is_timeout() => Err(Obstacle::NotLoaded(self.limit)),
            Err(obstacle) => Err(obstacle),
        })
    }

    pub(super) async fn fill(&mut self, label: &str, value: &str) -> Result<Outcome, BrowserError> {
        let value = self.dashboard.word(value).to_owned();
        let names = self.names(label);
        let deadline = Instant::now() + self.limit;
        loop {
            let outcome = match self.find(Kind::Field, &names, None, deadline).await? {
                Ok((tree, field)) => settled(control::set(self.browser, &tree, &field, &value).await)?,
                Err(not_found) => return Ok(Err(not_found.into())),
            };
            if outcome.is_ok() || !self.try_again(deadline).await {
                return Ok(outcome);
            }
        }
    }

    pub(super) async fn click(&mut self, name: &str, row: Option<&str>) -> Result<Outcome, BrowserError> {
        let names = self.names(name);
        self.click_named(&names, row).await
    }

    async fn click_named(&mut self, names: &[String], row: Option<&str>) -> Result<Outcome, BrowserError> {
        let deadline = Instant::now() + self.limit;
        loop {
            let outcome = match self.find(Kind::Button, names, row, deadline).await? {
                Ok((_, button)) if is_disabled(&button) => {
                    let (role, name) = (button.node.role, button.node.name);
                    Err(Obstacle::Disabled { role, name })
                }
                Ok((_, button)) => settled(self.browser.click(&button).await)?,
                Err(not_found) => return Ok(Err(not_found.into())),
            };
            if outcome.is_ok() || !self.try_again(deadline).await {
                return Ok(outcome);
            }
        }
    }

    async fn tick(&mut self, label: &str, on: bool) -> Result<Outcome, BrowserError> {
        let names = self.names(label);
        let deadline = Instant::now() + self.limit;
        loop {
            let outcome = match self.find(Kind::Checkbox, &names, None, deadline).await? {
                Ok((_, element)) => settled(control::tick(self.browser, &element, on).await)?,
                Err(not_found) => return Ok(Err(not_found.into())),
            };
            if outcome.is_ok() || !self.try_again(deadline).await {
                return Ok(outcome);
            }
        }
    }

    /// Answers the question that the page asks after an act, in a dialog of its own or of the browser. A page that asks
    /// nothing has done what it was asked.
    async fn confirm(&mut self, name: &str) -> Result<Outcome, BrowserError> {
        if self.browser.question().await?.is_some() {
            self.browser.accept().await?;
            return Ok(Ok(()));
        }
        let tree = self.browser.quiet(SETTLE_LIMIT).await?;
        match open_dialog(&tree) {
            Some(_) => self.click(name, None).await,
            None => Ok(Ok(())),
        }
    }

    /// Follows the first way that leads somewhere. A name that is a heading already needs no click.
    async fn go(&mut self, ways: &[Vec<String>]) -> Result<Outcome, BrowserError> {
        let moved = ways.iter().find_map(|way| self.dashboard.paths.get(&way.join(" > ")).cloned());
        if let Some(path) = moved {
            return self.open(&path).await;
        }
        let mut first = None;
        for way in ways {
            match self.follow(way).await? {
                Ok(()) => return Ok(Ok(())),
                Err(obstacle) => first = first.or(Some(obstacle)),
            }
        }
        Ok(first.map_or(Ok(()), Err))
    }

    async fn follow(&mut self, way: &[String]) -> Result<Outcome, BrowserError> {
        for (at, name) in way.iter().enumerate() {
            let names = self.names(name);
            let clicked = self.click_named(&names, None).await?;
            let Err(obstacle) = clicked else { continue };
            let tree = self.browser.quiet(SETTLE_LIMIT).await?;
            if at + 1 < way.len() || find(&tree, Kind::Heading, &names).is_err() {
                return Ok(Err(obstacle));
            }
        }
        Ok(Ok(()))
    }

    /// Waits until the element is there; not for long on a page that does nothing any more.
    async fn find(
        &mut self,
        kind: Kind,
        names: &[String],
        row: Option<&str>,
        deadline: Instant,
    ) -> Result<Result<(Vec<Element>, Element), NotFound>, BrowserError> {
        let patience = Instant::now() + PATIENCE;
        loop {
            let tree = self.browser.quiet(SETTLE_LIMIT).await?;
            let found = match row {
                Some(row) => find_in_row(&tree, row, kind, names),
                None => find(&tree, kind, names),
            };
            match found.cloned() {
                Ok(element) => return Ok(Ok((tree, element))),
                Err(not_found) => {
                    let shows_something =
                        tree.iter().any(|element| CONTROLS.contains(&element.node.role.as_str()));
                    let is_over = Instant::now() >= patience && shows_something && !self.browser.is_busy();
                    if is_over || Instant::now() >= deadline {
                        return Ok(Err(not_found));
                    }
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Whether the page has no element for the act.
    async fn lacks(&mut self, act: &FilledAct) -> Result<bool, BrowserError> {
        let (kind, name) = match act {
            FilledAct::Click { name, .. } => (Kind::Button, name),
            FilledAct::Fill { label, .. } => (Kind::Field, label),
            _ => return Ok(false),
        };
        let tree = self.browser.quiet(SETTLE_LIMIT).await?;
        Ok(find(&tree, kind, &self.names(name)).is_err())
    }

    /// Waits before another attempt. Returns false once the time is over.
    async fn try_again(&mut self, deadline: Instant) -> bool {
        tokio::time::sleep(PAUSE).await;
        Instant::now() < deadline
    }

    /// Returns the alternatives of a name in the target's own words.
    fn names(&self, name: &str) -> Vec<String> {
        let whole = self.dashboard.words.get(name).map(|own| vec![own.clone()]);
        whole.unwrap_or_else(|| {
            name.split(ALTERNATIVES).map(|one| self.dashboard.word(one.trim()).to_owned()).collect()
        })
    }
}

/// An act that makes the page ask a question was done.
fn settled(result: Result<Outcome, BrowserError>) -> Result<Outcome, BrowserError> {
    match result {
        Ok(Err(obstacle)) if obstacle.is_question() => Ok(Ok(())),
        Err(error) if error.is_question() => Ok(Ok(())),
        Err(BrowserError::Refused { error, message }) => Ok(Err(Obstacle::Refused { error, message })),
        other => other,
    }
}

fn is_disabled(element: &Element) -> bool {
    element.node.states.iter().any(|state| state == "disabled")
}
