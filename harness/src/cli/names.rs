//! The names that commands take, and what a misspelt one may have meant.

use harness_model::library::Library;
use harness_model::plan::filter::{self, Filter};
use harness_model::requirement::{Chapter, Registry};
use harness_model::scenario::model::Scenario;
use harness_model::source::spelling;

use super::console::Console;
use super::error::CliError;
use super::reference;

/// Characters with which a word is an expression of the filter language.
const EXPRESSION: [char; 11] = ['/', '*', '?', '[', '=', '~', '!', '(', ',', '&', ' '];

/// Checks that a word given instead of a command can select sub-tests: a chapter, a file or an expression.
///
/// # Errors
/// It is probably a misspelt command.
pub(super) fn verify_subtest(word: &str, commands: &[String], library: &Library) -> Result<(), CliError> {
    let parts = || library.scenarios.iter().flat_map(|scenario| scenario.id.split('/'));
    if word.contains(EXPRESSION) || parts().any(|part| part == word) {
        return Ok(());
    }
    let near = spelling::nearest(word, commands.iter().map(String::as_str).chain(parts()));
    Err(CliError::UnknownCommand {
        word: word.to_owned(),
        hint: hint(near, "`harness --help` lists the commands"),
    })
}

/// Checks that these suites exist.
///
/// # Errors
/// A suite is unknown.
pub(super) fn verify_suites(named: &[String], registry: &Registry) -> Result<(), CliError> {
    let suites = registry.suites();
    let Some(unknown) = named.iter().find(|suite| !suites.contains(&suite.as_str())) else { return Ok(()) };
    let near = spelling::nearest(unknown, suites.iter().copied());
    let hint = near.map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
    Err(CliError::UnknownSuite { name: unknown.clone(), hint, known: suites.join(", ") })
}

/// Warns of the filter's terms that match no sub-test: a misspelt one would leave out, or include, without a word.
pub(super) fn warn_of_idle_terms(filter: &Filter, library: &Library, console: &Console) {
    for term in filter.idle_terms(&library.scenarios) {
        let meant = filter::meant(&term, &library.scenarios, &library.registry);
        let hint = meant.map(|meant| format!(": did you mean `{meant}`?")).unwrap_or_default();
        console.warn(&format!("`{term}` in the filter matches no sub-test{hint}"));
    }
}

/// Returns the error for an id that nothing has.
pub(super) fn unknown_id(id: &str, library: &Library) -> CliError {
    let registry = &library.registry;
    let of_chapter =
        |chapter: &'_ Chapter| [Some(chapter.id.clone()), chapter.suite.clone()].into_iter().flatten();
    let mut all: Vec<String> = registry.chapters().iter().flat_map(of_chapter).collect();
    all.extend(registry.all().iter().map(|statement| statement.id.clone()));
    all.extend(library.scenarios.iter().map(|scenario| scenario.id.clone()));
    all.extend(reference::ids().map(str::to_owned));
    let near = spelling::nearest(id, all.iter().map(String::as_str));
    CliError::UnknownId { id: id.to_owned(), hint: hint(near, "`harness list` lists all sub-tests") }
}

/// Returns the sub-tests, and the statements, that have this name in any chapter.
pub(super) fn named<'a>(name: &str, library: &'a Library) -> Vec<(&'a str, &'a str)> {
    let has_name = |id: &str| id.split_once('/').is_some_and(|(_, rest)| rest.eq_ignore_ascii_case(name));
    let subtests = library
        .scenarios
        .iter()
        .map(AsRef::as_ref)
        .map(|scenario: &Scenario| (&scenario.id, &scenario.title));
    let statements = library.registry.all().iter().map(|statement| (&statement.id, &statement.text));
    let all = subtests.chain(statements).map(|(id, text)| (id.as_str(), text.as_str()));
    all.filter(|(id, _)| has_name(id)).collect()
}

fn hint(near: Option<&str>, otherwise: &str) -> String {
    near.map_or_else(|| otherwise.to_owned(), |near| format!("did you mean `{near}`?"))
}
