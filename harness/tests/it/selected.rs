//! A part of the kit's scenarios, for runs of few sub-tests: reading all of them takes a third of such a run.

use std::path::Path;

/// Returns the value of `--filter`.
pub(crate) fn filter_of<'a>(arguments: &[&'a str]) -> Option<&'a str> {
    arguments.iter().skip_while(|argument| **argument != "--filter").nth(1).copied()
}

/// Writes the sub-tests of a filter, which is ids separated by commas, and all statements into a folder.
pub(crate) fn write_selected(filter: &str, folder: &Path) {
    write_changed(filter, folder, |text| text.to_owned());
}

/// Does the same with a change of each text.
pub(crate) fn write_changed(filter: &str, folder: &Path, change: impl Fn(&str) -> String) {
    let write = |path: &Path, content: &[u8]| {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, change(std::str::from_utf8(content).unwrap())).unwrap();
    };
    let all = scenarios::files();
    for id in filter.split(',').map(str::trim) {
        let is_of_it = |path: &Path| {
            let path = path.to_str().unwrap();
            let rest = path.split_once('/').and_then(|(_suite, below)| below.strip_prefix(id));
            rest.is_some_and(|rest| rest == ".toml" || rest.starts_with(".snap/"))
        };
        let found: Vec<_> = all.iter().filter(|(path, _)| is_of_it(path)).collect();
        assert!(!found.is_empty(), "no sub-test {id}");
        found.into_iter().for_each(|(path, content)| write(path, content));
    }
    let statements = all.iter().find(|(path, _)| *path == Path::new("requirements.toml")).unwrap();
    write(statements.0, statements.1);
}
