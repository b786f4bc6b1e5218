use super::*;

const REGISTRY: &str = r#"
[chapters]
keys = { suite = "s", title = "Keys", document = "a.txt" }
[[requirement]]
id = "keys/ST1.1"
text = "x"
via = ["http"]
level = "must"
[[requirement]]
id = "keys/ST1.2"
text = "y"
via = ["http", "cli"]
level = "must"
"#;

fn scenario(title: &str, more: &str) -> String {
    let check = format!("check = [{{ verifies = \"keys/ST1.1\", status = 200{more} }}]");
    format!("title = \"{title}\"\n[[step]]\nname = \"a\"\nget = \"/\"\n{check}\n")
}

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn messages(diagnostics: &[Diagnostic]) -> Vec<String> {
    diagnostics.iter().map(|d| format!("{}: {}", d.path.display(), d.message)).collect()
}

#[test]
fn scenarios_are_sorted_and_library_is_linted() {
    let (two, ten) = (scenario("two", ""), scenario("ten", ", snapshot = \"fresh\""));
    let folder = folder(&[
        ("requirements.toml", REGISTRY),
        ("Cargo.toml", "[package]"),
        ("src/x/y.toml", "no"),
        ("s/keys/ST10.toml", &ten),
        ("s/keys/ST2.toml", &two),
        ("s/keys/ST2.snap/old.snap", ""),
        ("s/keys/ST9.snap/gone.snap", ""),
    ]);
    let library = load(folder.path(), Path::new("scenarios")).unwrap();
    let ids: Vec<&str> = library.scenarios.iter().map(|scenario| scenario.id.as_str()).collect();
    assert_eq!(ids, ["keys/ST2", "keys/ST10"]);
    assert_eq!(
        messages(&library.warnings),
        [
            "scenarios/s/keys/ST10.toml: missing snapshot `fresh`",
            "scenarios/s/keys/ST2.snap/old.snap: unused snapshot",
            "scenarios/s/keys/ST9.snap/gone.snap: unused snapshot",
            "scenarios/requirements.toml: 1 statement of chapter `keys` has no check: keys/ST1.2 (http, cli)",
        ]
    );
}

#[test]
fn errors_of_all_files_are_reported_together() {
    let folder = folder(&[
        ("requirements.toml", REGISTRY),
        ("s/keys/ST1.toml", "title = \n"),
        ("s/keys/ST2.toml", "titel = \"x\"\n"),
        ("s/keys/deep/ST3.toml", ""),
        ("s/kyes/ST4.toml", &scenario("four", "")),
        ("t/keys/ST5.toml", &scenario("five", "")),
    ]);
    let refusal = load(folder.path(), Path::new("scenarios")).unwrap_err();
    let messages = messages(&refusal.diagnostics).join("\n");
    for expected in [
        "ST1.toml: invalid TOML: ",
        "ST2.toml: unknown key `titel` in a sub-test",
        "ST2.toml: missing key `title` in a sub-test",
        "ST2.toml: missing [[step]]",
        "ST3.toml: invalid path: expected SUITE/CHAPTER/SUB-TEST.toml",
        "ST4.toml: unknown chapter `kyes`",
        "ST5.toml: chapter `keys` belongs to suite `s`",
    ] {
        assert!(messages.contains(expected), "{expected} is not in\n{messages}");
    }
}

#[test]
fn duplicate_titles_are_an_error() {
    let one = scenario("the same", "");
    let folder = folder(&[("requirements.toml", REGISTRY), ("s/keys/A.toml", &one), ("s/keys/B.toml", &one)]);
    let refusal = load(folder.path(), Path::new("scenarios")).unwrap_err();
    assert!(
        messages(&refusal.diagnostics)[0].contains("duplicate title, also used by keys/A"),
        "{refusal:?}"
    );
}

#[test]
fn missing_folder_is_reported() {
    let refusal = load(Path::new("/nonexistent/x"), Path::new("x")).unwrap_err();
    assert!(messages(&refusal.diagnostics)[0].contains("x/requirements.toml: cannot read file"));
}

#[test]
fn what_only_the_reference_has_is_reported() {
    let registry = format!(
        "{REGISTRY}[[requirement]]\nid = \"ours/x.1\"\ntext = \"z\"\nvia = [\"http\"]\nlevel = \"ours\"\n[[requirement]]\nid = \"ours/x.2\"\ntext = \"z\"\nvia = [\"http\"]\nlevel = \"ours\"\n"
    );
    let steps = |more: &str| {
        format!(
            "title = \"t\"\n[[step]]\nname = \"ours\"\npost = \"/x\"\nkeep = {{ id = \"/id\" }}\ncheck = [{{ verifies = \"ours/x.1\", status = 200 }}]\n{more}[[step]]\nname = \"documented\"\nget = \"/x/${{id}}\"\ncheck = [{{ verifies = \"keys/ST1.1\", status = 200 }}]\n"
        )
    };
    let linted = |text: &str| {
        let folder = folder(&[("requirements.toml", &registry), ("s/keys/ST1.toml", text)]);
        messages(&load(folder.path(), Path::new("scenarios")).unwrap().warnings).join("\n")
    };
    let lost = "this step judges documented statements with `${id}`, which only the reference has";
    let unchecked = "1 choice of the reference has no check: ours/x.2";
    let messages = linted(&steps(""));
    assert!(messages.contains(lost) && messages.contains(unchecked), "{messages}");
    let again = "[[step]]\nname = \"kept for all\"\npost = \"/x\"\nkeep = { id = \"/id\" }\n";
    let messages = linted(&steps(again));
    assert!(!messages.contains(lost), "{messages}");
}
