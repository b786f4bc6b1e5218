//! What a step reads of the target.

use harness_model::scenario::model::{Action, Authorisation, Command, Request, Step, Subject};

/// What lags together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Table {
    AuthKeys,
    ApiKeys,
    Machines,
    /// Anything that no decoy can be made for.
    Other,
}

impl Table {
    pub(super) const ALL: [Self; 4] = [Self::AuthKeys, Self::ApiKeys, Self::Machines, Self::Other];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::AuthKeys => "auth_keys",
            Self::ApiKeys => "api_keys",
            Self::Machines => "machines",
            Self::Other => "",
        }
    }
}

/// A step that reads what may lag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Look {
    pub(super) table: Table,
    /// Whether repeating it changes nothing. An API key's uses are counted and limited.
    pub(super) may_be_repeated: bool,
}

/// Returns what the step reads, if it looks at more than whether it may.
pub(super) fn of(step: &Step) -> Option<Look> {
    if step.race.is_some() || !looks_at_content(step) {
        return None;
    }
    match &step.action {
        Action::Http(request) => of_request(request),
        Action::Ztna(command) => of_command(command),
        _ => None,
    }
}

/// Whether what later steps read may depend on it.
pub(super) fn changes_something(step: &Step) -> bool {
    match &step.action {
        Action::Http(request) => request.method != "GET" || !is_session(request),
        Action::Ztna(command) => of_command(command).is_none(),
        Action::Set(_) => false,
        _ => true,
    }
}

fn looks_at_content(step: &Step) -> bool {
    let mut subjects = step.checks.iter().flat_map(|check| check.alternatives.iter().flatten());
    let is_content = |subject: &Subject| {
        matches!(
            subject,
            Subject::Json(..)
                | Subject::Body(_)
                | Subject::Snapshot(_)
                | Subject::Text(..)
                | Subject::Exit(_)
        )
    };
    !step.keep.is_empty() || subjects.any(|expectation| is_content(&expectation.subject))
}

fn of_request(request: &Request) -> Option<Look> {
    let path = request.path.text.split('?').next().unwrap_or_default();
    let table = match path.strip_prefix("/api/db/") {
        Some("auth_keys") => Table::AuthKeys,
        Some("api_keys") => Table::ApiKeys,
        Some("machines") => Table::Machines,
        Some(_) => Table::Other,
        None if path == "/api/user-orgs" => Table::Other,
        None => return None,
    };
    (request.method == "GET").then(|| Look { table, may_be_repeated: is_session(request) })
}

fn is_session(request: &Request) -> bool {
    matches!(request.authorisation, Authorisation::Identity(_))
}

fn of_command(command: &Command) -> Option<Look> {
    let words: Vec<&str> = command.words.iter().map(|word| word.text.as_str()).collect();
    let table = match words.as_slice() {
        ["status", ..] => Table::Machines,
        ["auth-keys", "list", ..] => Table::AuthKeys,
        _ => return None,
    };
    // Without a network, nothing is read of the target.
    (!command.offline).then_some(Look { table, may_be_repeated: true })
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use harness_model::requirement::Registry;
    use harness_model::scenario::model::{Scenario, Source};
    use harness_model::scenario::{ScenarioPath, parse};

    use super::*;

    fn scenario(step: &str) -> Scenario {
        let text = format!(
            "title = \"a title\"\nmachines = [\"M\"]\n[[step]]\nname = \"n\"\n{step}\n[[step]]\nname = \"m\"\non = \"M\"\nztna = \"down\"\ncheck = [{{ verifies = \"a/F.1\", exit = 0 }}]\n"
        );
        let source = Arc::new(Source::new("a.toml", text));
        let place = ScenarioPath {
            suite: "s".to_owned(),
            chapter: "a".to_owned(),
            stem: "ST1".to_owned(),
            snapshots: "a.snap".into(),
        };
        let registry = "[chapters]\na = { suite = \"s\", title = \"\", document = \"\" }\n\
             [[requirement]]\nid = \"a/F.1\"\ntext = \"\"\nvia = [\"http\"]\nlevel = \"must\"\n";
        let registry = Registry::load(registry, Path::new("r.toml")).unwrap();
        let parsed = parse(&source, &place, &registry);
        parsed.scenario.unwrap_or_else(|| panic!("{:?}", parsed.diagnostics))
    }

    #[test]
    fn looks_are_reads_of_content() {
        let content = "check = [{ verifies = \"a/F.1\", json = { \"rows\" = { length = 0 } } }]";
        let look = |table, may_be_repeated| Some(Look { table, may_be_repeated });
        for (step, found, changes) in [
            (format!("as = \"admin\"\nget = \"/api/db/machines?x=1\"\n{content}"), look(Table::Machines, true), false),
            (format!("bearer = \"k\"\nget = \"/api/db/api_keys\"\n{content}"), look(Table::ApiKeys, false), true),
            ("as = \"admin\"\nget = \"/api/db/auth_keys\"\nkeep = { id = \"rows/0/id\" }".to_owned(), look(Table::AuthKeys, true), false),
            ("as = \"admin\"\nget = \"/api/db/auth_keys\"\ncheck = [{ verifies = \"a/F.1\", status = 200 }]".to_owned(), None, false),
            (format!("as = \"admin\"\nget = \"/api/user-orgs\"\n{content}"), look(Table::Other, true), false),
            (format!("as = \"admin\"\npost = \"/api/key-management\"\njson = {{}}\n{content}"), None, true),
            ("on = \"M\"\nztna = \"auth-keys list\"\ncheck = [{ verifies = \"a/F.1\", exit = 0 }]".to_owned(), look(Table::AuthKeys, true), false),
            ("on = \"M\"\nztna = \"up\"\ncheck = [{ verifies = \"a/F.1\", running = true }]".to_owned(), None, true),
            ("set = { a = \"b\" }".to_owned(), None, false),
            ("advance = \"1d\"".to_owned(), None, true),
        ] {
            let scenario = scenario(&step);
            let of_step = (of(&scenario.steps[0]), changes_something(&scenario.steps[0]));
            assert_eq!(of_step, (found, changes), "{step}");
        }
    }
}
