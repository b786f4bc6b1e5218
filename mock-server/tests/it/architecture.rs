//! Imports between the files of a crate never form a circle, so that each file can be understood from those below it.
//!
//! Reads `use` declarations and paths as written, follows re-exports to the defining file, and ignores `mod`
//! declarations and unit tests.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

type ModulePath = Vec<String>;

/// A file: the names that it imports, and every path in it.
struct Module {
    file: String,
    imports: BTreeMap<String, ModulePath>,
    paths: Vec<ModulePath>,
}

/// Every crate, and the tests of both packages.
const FOLDERS: [&str; 12] = [
    "src",
    "crates/protocol/src",
    "crates/relay/src",
    "crates/agent/src",
    "tests/it",
    "../harness/src",
    "../harness/tests/it",
    "../harness/crates/model/src",
    "../harness/crates/runner/src",
    "../harness/crates/report/src",
    "../harness/crates/evidence/src",
    "../harness/crates/reference/src",
];

#[test]
fn no_file_imports_in_a_circle() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for folder in FOLDERS {
        let modules = modules(&root.join(folder));
        assert!(modules.len() > 5, "{folder}: {} files", modules.len());
        let edges = edges(&modules);
        let mut imported: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (from, to) in &edges {
            imported.entry(from).or_default().push(to);
        }
        let circular = edges.iter().filter(|(from, to)| reaches(&imported, to, from));
        let shown: Vec<String> = circular.map(|(from, to)| format!("{from} imports from {to}")).collect();
        assert!(shown.is_empty(), "circles in {folder}:\n{}", shown.join("\n"));
    }
}

fn modules(folder: &Path) -> BTreeMap<ModulePath, Module> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            // Each program in `bin` is a crate of its own.
            let entries = std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path());
            open.extend(entries.filter(|entry| !entry.ends_with("bin")));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let file = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
            let mut module: ModulePath = file.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
            if ["mod", "lib", "main"].contains(&module.last().unwrap().as_str()) {
                module.pop();
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let tests = ["#[cfg(test)]\nmod tests {", "#[cfg(test)]\npub(crate) mod tests {"];
            let code =
                tests.iter().fold(text.as_str(), |code, tests| code.split(tests).next().unwrap_or_default());
            let (imports, paths) = read(&tokens(code));
            // A library beside its program: only the library has modules.
            if file != "main.rs" || !folder.join("lib.rs").exists() {
                found.insert(module, Module { file, imports, paths });
            }
        }
    }
    found
}

/// Identifiers, `::` and the punctuation of `use` declarations; comments and literals are left out.
fn tokens(code: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut rest = code;
    while let Some(first) = rest.chars().next() {
        let word = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("r#\"") {
            rest.find("\"#").map_or(rest.len(), |end| end + 2)
        } else if let Some(literal) = rest.strip_prefix("r\"") {
            literal.find('"').map_or(rest.len(), |end| end + 3)
        } else if first == '"' {
            string_length(rest)
        } else if rest.starts_with("'\"'") {
            3
        } else if rest.starts_with("::") {
            tokens.push("::".to_owned());
            2
        } else if word > 0 {
            tokens.push(rest[..word].to_owned());
            word
        } else {
            if "{},;*".contains(first) {
                tokens.push(first.to_string());
            }
            first.len_utf8()
        };
        rest = &rest[length..];
    }
    tokens
}

fn string_length(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            '"' if !escaped => return at + 1,
            _ => escaped = c == '\\' && !escaped,
        }
    }
    text.len()
}

/// The names that `use` declarations import, and the other paths.
fn read(tokens: &[String]) -> (BTreeMap<String, ModulePath>, Vec<ModulePath>) {
    let (mut imports, mut paths) = (BTreeMap::new(), Vec::new());
    let mut at = 0;
    while at < tokens.len() {
        if tokens[at] == "use" {
            at = read_use(tokens, at + 1, &[], &mut imports);
        } else {
            let mut path = vec![tokens[at].clone()];
            while tokens.get(at + 1).is_some_and(|token| token == "::") && at + 2 < tokens.len() {
                path.push(tokens[at + 2].clone());
                at += 2;
            }
            if path.len() > 1 {
                paths.push(path);
            }
            at += 1;
        }
    }
    (imports, paths)
}

/// Reads one tree of a `use` declaration and returns the position behind it.
fn read_use(
    tokens: &[String],
    mut at: usize,
    prefix: &[String],
    imports: &mut BTreeMap<String, ModulePath>,
) -> usize {
    let mut path = prefix.to_vec();
    while let Some(token) = tokens.get(at) {
        match token.as_str() {
            "::" => {}
            "{" => {
                at += 1;
                while tokens.get(at).is_some_and(|token| token != "}" && token != ";") {
                    at = read_use(tokens, at, &path, imports);
                    at += usize::from(tokens.get(at).is_some_and(|token| token == ","));
                }
                return at + 1;
            }
            "," | "}" | ";" => break,
            "as" => {
                imports.insert(tokens[at + 1].clone(), path);
                return at + 2;
            }
            "self" if !path.is_empty() => {}
            name => path.push(name.to_owned()),
        }
        at += 1;
    }
    if let Some(name) = path.last().cloned() {
        // Several globs are told apart by what they import from.
        let name = if name == "*" { path.join("::") } else { name };
        imports.insert(name, path);
    }
    at
}

fn edges(modules: &BTreeMap<ModulePath, Module>) -> BTreeSet<(String, String)> {
    let mut edges = BTreeSet::new();
    for (path, module) in modules {
        for used in module.imports.values().chain(&module.paths) {
            let absolute = absolute(modules, path, used);
            // Naming a module is not using it; the paths through it are.
            let absolute = absolute.filter(|absolute| !modules.contains_key(absolute));
            let target = absolute.and_then(|path| defining(modules, path));
            let target = target.map(|path| modules[&path].file.clone());
            edges.extend(target.filter(|file| *file != module.file).map(|file| (module.file.clone(), file)));
        }
    }
    edges
}

/// The path from the crate's root, if it leads into the crate.
fn absolute(
    modules: &BTreeMap<ModulePath, Module>,
    module: &ModulePath,
    path: &ModulePath,
) -> Option<ModulePath> {
    let mut base = module.clone();
    let (first, rest) = path.split_first()?;
    match first.as_str() {
        "crate" => base.clear(),
        "self" => {}
        "super" => {
            base.pop()?;
            let rest = rest.to_vec();
            return match rest.first().map(String::as_str) {
                Some("super") => absolute(modules, &base, &rest),
                _ => Some([base, rest].concat()),
            };
        }
        name => {
            if let Some(import) = modules[module].imports.get(name).filter(|import| *import != path) {
                return Some([absolute(modules, module, import)?, rest.to_vec()].concat());
            }
            base.push(name.to_owned());
            modules.contains_key(&base).then_some(())?;
        }
    }
    Some([base, rest.to_vec()].concat())
}

/// The module that defines what the path names, behind any re-exports.
fn defining(modules: &BTreeMap<ModulePath, Module>, mut path: ModulePath) -> Option<ModulePath> {
    // A re-export of a re-export is followed further; none goes this deep.
    for _ in 0..10 {
        let length = (0..=path.len()).rev().find(|length| modules.contains_key(&path[..*length]))?;
        let (module, rest) = path.split_at(length);
        let re_exported = rest.first().and_then(|name| modules[module].imports.get(name));
        let Some(import) = re_exported else { return Some(module.to_vec()) };
        path = [absolute(modules, &module.to_vec(), import)?, rest[1..].to_vec()].concat();
    }
    None
}

/// Whether the file `to` is among those that `from` imports, directly or not.
fn reaches(imported: &BTreeMap<&str, Vec<&str>>, from: &str, to: &str) -> bool {
    let (mut seen, mut open) = (BTreeSet::new(), vec![from]);
    while let Some(file) = open.pop() {
        if file == to {
            return true;
        }
        if seen.insert(file) {
            open.extend(imported.get(file).into_iter().flatten());
        }
    }
    false
}
