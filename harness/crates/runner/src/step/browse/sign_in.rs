//! Signs a user in: with the profile's own steps, with email and password, or with a session in Local Storage.

use std::time::{Duration, Instant};

use harness_model::scenario::model::{Identity, identity_name};

use crate::browser::{Browser, BrowserError, Kind, Obstacle, find};
use crate::step::StepError;
use crate::targets::{Account, Dashboard, SignInAct, TestEnvironment};

use super::acts::{Acts, Outcome};

const START: &str = "/dashboard";
const EMAIL: &str = "Email | E-mail | Email address | Username | User name | Login";
const PASSWORD: &str = "Password";
const SUBMIT: &str = "Sign in | Log in | Login | Sign in to dashboard | Continue";
/// Where the documents say that the session is (api-key, ST1).
const TOKEN: &str = "access_token";
const PAUSE: Duration = Duration::from_millis(100);
const SETTLE_LIMIT: Duration = Duration::from_secs(3);

/// Signs the user in. Whether the page is right after that, later acts show.
///
/// # Errors
/// The user cannot sign in, or the browser has died.
pub(super) async fn sign_in(
    browser: &mut Browser,
    identity: Identity,
    dashboard: &Dashboard,
    environment: &TestEnvironment,
    limit: Duration,
) -> Result<(), StepError> {
    let failed = |cause| BrowserError::SignIn { identity: identity_name(identity), cause };
    let account = environment.account(identity);
    let mut acts = Acts { browser, dashboard, limit };
    let outcome = match (&account, dashboard.sign_in.as_slice()) {
        (Some(account), []) => with_password(&mut acts, account).await?,
        (account, [_, ..]) => with_own_acts(&mut acts, account.as_ref()).await?,
        (None, []) => {
            let token = environment.token(identity).await?;
            acts.open(START).await?.map_err(failed)?;
            let token = serde_json::Value::String(token);
            acts.browser.evaluate(&format!("localStorage.setItem('{TOKEN}', {token})")).await?;
            Ok(())
        }
    };
    Ok(outcome.map_err(failed)?)
}

async fn with_password(acts: &mut Acts<'_>, account: &Account) -> Result<Outcome, BrowserError> {
    if let Err(obstacle) = acts.open(START).await? {
        return Ok(Err(obstacle));
    }
    for (label, value) in [(EMAIL, &account.email), (PASSWORD, &account.password)] {
        if let Err(obstacle) = acts.fill(label, value).await? {
            return Ok(Err(obstacle));
        }
    }
    if let Err(obstacle) = acts.click(SUBMIT, None).await? {
        return Ok(Err(obstacle));
    }
    signed_in(acts).await
}

async fn with_own_acts(acts: &mut Acts<'_>, account: Option<&Account>) -> Result<Outcome, BrowserError> {
    let filled = |text: &str| {
        let text = text.replace("${email}", account.map_or("", |account| &account.email));
        text.replace("${password}", account.map_or("", |account| &account.password))
    };
    for act in &acts.dashboard.sign_in {
        let outcome = match act {
            SignInAct::Open(path) => acts.open(path).await?,
            SignInAct::Fill { label, value } => acts.fill(label, &filled(value)).await?,
            SignInAct::Click(name) => acts.click(name, None).await?,
        };
        if outcome.is_err() {
            return Ok(outcome);
        }
    }
    signed_in(acts).await
}

/// Waits for the page after the sign-in. One that says why it refuses the user, or goes on asking for the password, has not
/// let the user in.
async fn signed_in(acts: &mut Acts<'_>) -> Result<Outcome, BrowserError> {
    let deadline = Instant::now() + acts.limit;
    loop {
        let tree = acts.browser.quiet(SETTLE_LIMIT).await?;
        let asks = find(&tree, Kind::Field, &[PASSWORD.to_owned()]).is_ok();
        if !asks && !tree.is_empty() {
            return Ok(Ok(()));
        }
        let refuses =
            tree.iter().any(|element| element.node.role == "alert" && !element.node.name.is_empty());
        if refuses || Instant::now() >= deadline {
            let texts = tree.iter().filter(|element| element.node.role == "StaticText");
            let said: Vec<&str> = texts.map(|element| element.node.name.as_str()).collect();
            return Ok(Err(Obstacle::NotSignedIn(said.join(" "))));
        }
        tokio::time::sleep(PAUSE).await;
    }
}
