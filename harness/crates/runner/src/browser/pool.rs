//! The browsers of a run, which sub-tests use one after the other.

use std::num::NonZero;
use std::sync::Arc;

use tokio::sync::{OnceCell, Semaphore};

use super::chromium::Chromium;
use super::driver::Driver;
use super::error::BrowserError;
use super::idle::Idle;
use super::session::Browser;
use super::traffic::LongPolls;

/// Sub-tests that use a browser at the same time, on many cores.
const MAX_BROWSERS: usize = 3;

/// The browsers of a run.
#[derive(Debug)]
pub struct Browsers {
    driver: Arc<OnceCell<Driver>>,
    idle: Idle,
    places: Arc<Semaphore>,
    long_polls: LongPolls,
}

impl Default for Browsers {
    fn default() -> Self {
        Self::at_most(max_browsers())
    }
}

impl Drop for Browsers {
    fn drop(&mut self) {
        self.idle.clear();
    }
}

impl Browsers {
    /// Returns the browsers of a run that uses as many at the same time.
    pub fn at_most(browsers: usize) -> Self {
        let places = Arc::new(Semaphore::new(browsers));
        Self { driver: Arc::default(), idle: Idle::default(), places, long_polls: LongPolls::default() }
    }

    /// Starts as many browsers in the background as so many sub-tests will use at the same time, and are not there yet.
    pub fn prepare(&self, subtests: usize) {
        self.idle.fill(subtests.min(self.places.available_permits()), || {
            let driver = Arc::clone(&self.driver);
            async move { start(&driver).await }
        });
    }

    /// Opens a browser with an empty profile, once there is a place for it.
    ///
    /// # Errors
    /// There is no browser, or it does not start.
    pub async fn open(&self) -> Result<Browser, BrowserError> {
        let place = Arc::clone(&self.places).acquire_owned().await.ok();
        let open = |chromium| Browser::open(chromium, self.idle.clone(), Arc::clone(&self.long_polls));
        while let Some(waiting) = self.idle.take() {
            // The error is that of the next attempt.
            let Some(chromium) = waiting.ready().await else { continue };
            // One that has died meanwhile is ended, and the next one is tried.
            if let Ok(mut browser) = open(chromium).await {
                browser.keep(place);
                return Ok(browser);
            }
        }
        let mut browser = open(start(&self.driver).await?).await?;
        browser.keep(place);
        Ok(browser)
    }
}

/// As many as there are cores: each keeps more than one of them busy.
fn max_browsers() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get).min(MAX_BROWSERS)
}

async fn start(driver: &OnceCell<Driver>) -> Result<Chromium, BrowserError> {
    Chromium::start(driver.get_or_try_init(Driver::start).await?).await
}
