//! The files that pages load.

use super::document::Document;

const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

/// A file below `/assets`.
pub(super) struct Asset {
    pub(super) path: &'static str,
    content_type: &'static str,
    content: &'static [u8],
}

macro_rules! modules {
    ($($path:literal),* $(,)?) => {
        &[
            Asset { path: "dashboard.css", content_type: "text/css; charset=utf-8", content: include_bytes!("web/dashboard.css") },
            Asset { path: "logo.svg", content_type: "image/svg+xml", content: include_bytes!("web/logo.svg") },
            $(Asset { path: $path, content_type: JAVASCRIPT, content: include_bytes!(concat!("web/", $path)) }),*
        ]
    };
}

pub(super) static ASSETS: &[Asset] = modules![
    "api.js",
    "dialog.js",
    "element.js",
    "field.js",
    "format.js",
    "key_material.js",
    "layout.js",
    "list.js",
    "live.js",
    "location.js",
    "main.js",
    "message.js",
    "pages/api_keys.js",
    "pages/audit_log.js",
    "pages/auth_keys.js",
    "pages/machine_actions.js",
    "pages/machines.js",
    "pages/not_found.js",
    "pages/organisation.js",
    "pages/settings_frame.js",
    "pages/sign_in.js",
    "session.js",
];

impl Asset {
    pub(super) fn is_module(&self) -> bool {
        self.content_type == JAVASCRIPT
    }

    pub(super) fn document(&self) -> Document {
        Document::new(self.content_type, self.content.into())
    }
}
