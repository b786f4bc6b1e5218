//! Signing in and out.

use crate::deviation::{Family, on_page};

pub(super) const ALL: Family = &[
    (
        "dashboard-session-left-behind",
        on_page(
            "Storage.prototype.clear = () => {};
             const remove = Storage.prototype.removeItem;
             Storage.prototype.removeItem = function (name) { if (name !== 'access_token') remove.call(this, name); };",
        ),
    ),
    (
        "dashboard-session-elsewhere",
        // The chapter api-key (ST1) tells testers to copy it from Local Storage.
        on_page(
            "for (const method of ['getItem', 'setItem', 'removeItem']) {
               const real = Storage.prototype[method];
               Storage.prototype[method] = function (name, ...rest) { return real.call(this, name === 'access_token' ? 'session' : name, ...rest); };
             }",
        ),
    ),
];
