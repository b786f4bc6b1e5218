use super::selection::Selection;

/// A plan cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// A usage error (exit code 2).
    #[error("unknown suite `{name}`\n{hint}available: {known}")]
    UnknownSuite {
        name: String,
        /// `did you mean …? `, or empty.
        hint: String,
        /// The names of all suites.
        known: String,
    },
    /// No sub-test is selected (exit code 4).
    #[error("{0}")]
    NothingSelected(String),
}

/// Explains why no sub-test is selected.
pub(super) fn describe_empty_selection(
    selection: &Selection,
    in_suites: usize,
    filtered: usize,
    hint: Option<&str>,
) -> String {
    let suites = match selection.suites.as_slice() {
        [] => "all suites".to_owned(),
        [suite] => format!("suite {suite}"),
        suites => format!("suites {}", suites.join(", ")),
    };
    if in_suites == 0 {
        return format!("no sub-tests in {suites}\nrun `harness list` to see all sub-tests");
    }
    match (&selection.filter, selection.shard) {
        _ if filtered == 0 && selection.only.is_some() => {
            format!("the selection in {suites} contains none of the sub-tests to rerun\nremove the filter")
        }
        (Some(filter), _) if filtered == 0 => format!(
            "the filter `{}` matches none of the {in_suites} sub-tests in {suites}\n{}",
            filter.as_str(),
            hint.unwrap_or("run `harness list` to see them")
        ),
        (_, Some(shard)) => format!(
            "shard {}/{} contains none of the {filtered} selected sub-tests\nuse fewer shards",
            shard.index, shard.count
        ),
        _ => format!("no sub-test is selected in {suites}"),
    }
}
