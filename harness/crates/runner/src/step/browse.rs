//! `browse`: does in the dashboard what a user does, and reads the page.

mod acts;
mod sign_in;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use harness_model::check::evidence::{Evidence, PageRequest, PageResult};
use harness_model::scenario::model::{Browse, identity_name};
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use crate::browser::Browser;
use crate::targets::Dashboard;

use super::error::StepError;
use super::stage::Stage;

use acts::{Acts, FilledAct};

/// How long a page may go on changing before it is read all the same.
const SETTLE_LIMIT: Duration = Duration::from_secs(3);

const STORAGE: &str = "Object.fromEntries(Object.entries(localStorage))";

/// Does what the step says, and reads the page.
///
/// # Errors
/// There is no browser, it has died, or nobody can sign in.
pub async fn perform(browse: &Browse, stage: &mut Stage) -> Result<Evidence, StepError> {
    let begun = Instant::now();
    let dashboard = Arc::clone(stage.environment.dashboard());
    let filled = browse.acts.iter().map(|act| FilledAct::of(act, stage.bindings.scope()));
    let filled = filled.collect::<Result<Vec<FilledAct>, _>>()?;
    let signing_in = browse.identity.filter(|identity| stage.visit.signed_in() != Some(*identity));
    let who = browse.identity.or(stage.visit.signed_in());
    let pace = stage.clients.pace().clone();
    // Other sub-tests may have the browsers for a while.
    let browser = pace.uncounted(stage.visit.open(browse.identity)).await?;
    browser.expect_long_polls(&dashboard.waits);
    if let Some(identity) = signing_in {
        sign_in::sign_in(browser, identity, &dashboard, &stage.environment, browse.timeout).await?;
        stage.visit.note_signed_in(identity);
    }
    let browser = stage.visit.open(None).await?;
    browser.begin().await?;
    let mut acts = Acts { browser, dashboard: &dashboard, limit: browse.timeout };
    let mut done = Vec::new();
    let mut problem = None;
    for act in &filled {
        done.push(act.to_string());
        if let Err(obstacle) = acts.perform(act).await? {
            problem = Some(format!("{act}: {obstacle}"));
            break;
        }
    }
    let who = who.map_or("nobody", identity_name);
    let command = format!("{who}: {}", if done.is_empty() { "look".to_owned() } else { done.join(", ") });
    let mut page = read(browser, &dashboard).await?;
    page.command = command;
    page.problem = problem;
    page.took = begun.elapsed();
    Ok(Evidence::Page(Box::new(page)))
}

/// Reads the page again, without doing anything.
///
/// # Errors
/// The browser has died.
pub async fn look_again(before: &PageResult, stage: &mut Stage) -> Result<Evidence, StepError> {
    let begun = Instant::now();
    let dashboard = Arc::clone(stage.environment.dashboard());
    let browser = stage.visit.open(None).await?;
    let page = read(browser, &dashboard).await?;
    let (command, took) = (before.command.clone(), before.took + begun.elapsed());
    Ok(Evidence::Page(Box::new(PageResult { command, took, ..page })))
}

async fn read(browser: &mut Browser, dashboard: &Dashboard) -> Result<PageResult, StepError> {
    let tree = browser.quiet(SETTLE_LIMIT).await?;
    let storage = browser.evaluate_or_null(STORAGE).await?;
    let storage: BTreeMap<String, String> = storage
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned()))
        .collect();
    let location = browser.evaluate_or_null("location.pathname + location.search + location.hash").await?;
    let title = browser.evaluate_or_null("document.title").await?;
    let text = |value: Value| value.as_str().unwrap_or_default().to_owned();
    let seen = browser.seen().await?;
    let origin = dashboard.url.origin().ascii_serialization();
    let own = |request: PageRequest| {
        let url = match request.url.strip_prefix(origin.as_str()) {
            Some(path) => path.to_owned(),
            None => request.url,
        };
        PageRequest { url, ..request }
    };
    let now = || OffsetDateTime::now_utc().format(&Rfc2822).unwrap_or_default();
    Ok(PageResult {
        path: text(location),
        title: text(title),
        nodes: tree.into_iter().map(|element| element.node).collect(),
        requests: seen.requests.into_iter().map(own).collect(),
        storage,
        console: seen.console,
        words: dashboard.words.clone(),
        at: seen.date.unwrap_or_else(now),
        ..PageResult::default()
    })
}
