//! `harness lint`: every mistake and oddity of every scenario.

use std::path::Path;

use crate::scenario::diagnostic::render;

use super::console::Console;
use super::library;

pub(super) fn lint(scenarios: Option<&Path>, console: &Console) -> u8 {
    let shelf = match library::open(scenarios, console) {
        Ok(shelf) => shelf,
        Err(code) => return code,
    };
    let library = &shelf.library;
    console.say(&render(&library.warnings, &library.sources, console.look().color, console.width()));
    let files = library.scenarios.len();
    console.say(&format!("{files} scenarios: {}\n", library::counted(&library.warnings)));
    0
}
