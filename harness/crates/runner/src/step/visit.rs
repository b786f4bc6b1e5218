//! A user of one sub-test in the dashboard.

use std::sync::Arc;

use harness_model::scenario::model::Identity;

use crate::browser::{Browser, BrowserError, Browsers};

/// The browser of one sub-test, which is opened when a step first needs it.
#[derive(Debug)]
pub struct Visit {
    browsers: Arc<Browsers>,
    browser: Option<Browser>,
    signed_in: Option<Identity>,
}

impl Visit {
    pub fn new(browsers: Arc<Browsers>) -> Self {
        Self { browsers, browser: None, signed_in: None }
    }

    /// The browser, if it is open.
    pub fn browser(&mut self) -> Option<&mut Browser> {
        self.browser.as_mut()
    }

    /// Who is signed in.
    pub fn signed_in(&self) -> Option<Identity> {
        self.signed_in
    }

    pub fn note_signed_in(&mut self, identity: Identity) {
        self.signed_in = Some(identity);
    }

    pub async fn close(self) {
        if let Some(browser) = self.browser {
            browser.close().await;
        }
    }

    /// Opens a browser for the identity. Another one's has a profile of its own.
    ///
    /// # Errors
    /// There is no browser, or it does not start.
    pub async fn open(&mut self, identity: Option<Identity>) -> Result<&mut Browser, BrowserError> {
        let is_other = identity.is_some() && self.signed_in.is_some() && identity != self.signed_in;
        if let Some(other) = self.browser.take_if(|_| is_other) {
            self.signed_in = None;
            other.close().await;
        }
        match &mut self.browser {
            Some(browser) => Ok(browser),
            none => Ok(none.insert(self.browsers.open().await?)),
        }
    }
}
