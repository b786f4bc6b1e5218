//! The kit's browser: headless Chromium, driven over WebDriver, which finds elements as assistive technology does.
//!
//! [`Browsers`] starts the driver when the first sub-test needs it, and stops it with everything that it started. A
//! [`Browser`] is a new profile in a Chromium that other sub-tests may have used before (decision 049). `tree` reads the
//! accessible tree, `find` looks for elements in it without any I/O, `control` brings fields to values, and `picture` takes
//! pictures without secrets.

mod chromium;
pub(crate) mod control;
mod driver;
mod endpoint;
mod error;
mod find;
mod idle;
mod installation;
mod obstacle;
mod picture;
mod pool;
mod profile;
mod session;
mod traffic;
mod tree;

pub use error::BrowserError;
pub use find::{Kind, NotFound};
pub(crate) use find::{find, find_in_row, open_dialog};
pub use installation::{DriverUrl, lacking, use_webdriver};
pub use obstacle::Obstacle;
pub use pool::Browsers;
pub use session::Browser;
pub use tree::Element;

#[cfg(test)]
mod isolation;
#[cfg(test)]
mod tests;
