//! `harness init` in a vendor's repository.

use std::path::Path;
use std::process::Stdio;

use crate::program::harness;

const PROFILE: [&str; 8] =
    ["--name", "acme", "--base-url", "http://127.0.0.1:9", "--org-id", "org_1", "--admin", "env:ACME_TOKEN"];

fn init(folder: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = harness();
    command.current_dir(folder).arg("init").args(arguments).stdin(Stdio::null());
    let output = command.output().unwrap();
    let told = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
    (output.status.code(), told)
}

fn read(folder: &Path, file: &str) -> String {
    std::fs::read_to_string(folder.join(file)).unwrap()
}

#[test]
fn init_writes_a_profile_waivers_defaults_and_a_workflow() {
    let folder = tempfile::tempdir().unwrap();
    let (code, told) = init(folder.path(), &PROFILE);
    assert_eq!(code, Some(0), "{told}");
    insta::assert_snapshot!(told, @"
    written target.toml
    written waivers.toml
    written harness.toml
    written .github/actions/conformance/action.yml
    written .github/workflows/conformance.yml

    Next steps:
      export ACME_TOKEN=…
      harness doctor
      harness
    In CI, as secrets: ACME_TOKEN.
    In CI, as a variable: HARNESS_ARCHIVE, the URL of the kit's release archive.
    ");
    let workflow = read(folder.path(), ".github/workflows/conformance.yml");
    for told in [
        "profile: target.toml",
        "archive: ${{ vars.HARNESS_ARCHIVE }}",
        "ACME_TOKEN: ${{ secrets.ACME_TOKEN }}",
    ] {
        assert!(workflow.contains(told), "{told}: {workflow}");
    }
    assert!(!workflow.contains("cargo"), "{workflow}");

    // What was written is what a run reads: the target is not there, and all files are valid.
    let mut command = harness();
    let output = command.current_dir(folder.path()).env("ACME_TOKEN", "token").output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3), "{stderr}");
    for told in ["defaults: harness.toml (target, waivers)", "target http://127.0.0.1:9/ is unreachable"] {
        assert!(stderr.contains(told), "{told}: {stderr}");
    }
    // The example of a waiver is valid as well.
    let waivers = read(folder.path(), "waivers.toml");
    let example = waivers.lines().skip_while(|line| *line != "# [[waiver]]");
    let example: Vec<&str> = example.filter_map(|line| line.strip_prefix("# ")).collect();
    std::fs::write(folder.path().join("waivers.toml"), example.join("\n")).unwrap();
    let mut command = harness();
    let output = command.current_dir(folder.path()).env("ACME_TOKEN", "token").output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn init_keeps_what_is_there() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(init(folder.path(), &PROFILE).0, Some(0));
    std::fs::write(folder.path().join("waivers.toml"), "# mine\n").unwrap();
    std::fs::remove_file(folder.path().join("harness.toml")).unwrap();
    // Without flags: the profile is there.
    let (code, told) = init(folder.path(), &["--image", "registry.example/harness:1"]);
    assert_eq!(code, Some(0), "{told}");
    for told_line in ["kept    target.toml", "kept    waivers.toml", "written harness.toml"] {
        assert!(told.contains(told_line), "{told_line}: {told}");
    }
    assert_eq!(read(folder.path(), "waivers.toml"), "# mine\n");
    assert!(!told.contains("differs"), "{told}");
}

#[test]
fn init_names_an_action_of_another_kit_and_leaves_other_workflows_alone() {
    let folder = tempfile::tempdir().unwrap();
    let of_vendor = folder.path().join(".github/workflows/build.yml");
    std::fs::create_dir_all(of_vendor.parent().unwrap()).unwrap();
    std::fs::write(&of_vendor, "name: build\n").unwrap();
    assert_eq!(init(folder.path(), &PROFILE).0, Some(0));
    assert_eq!(std::fs::read_to_string(&of_vendor).unwrap(), "name: build\n");

    std::fs::write(folder.path().join(".github/actions/conformance/action.yml"), "name: old\n").unwrap();
    let (code, told) = init(folder.path(), &[]);
    assert_eq!(code, Some(0), "{told}");
    let line = "kept    .github/actions/conformance/action.yml, which differs from this kit's: \
                remove it to have it written anew";
    assert!(told.contains(line), "{told}");
    assert_eq!(read(folder.path(), ".github/actions/conformance/action.yml"), "name: old\n");
}

#[test]
fn init_takes_the_kit_from_an_archive_or_an_image() {
    for (flag, place, line) in [
        (
            "--archive",
            "https://acme.example/harness.tar.gz",
            "archive: \"https://acme.example/harness.tar.gz\"",
        ),
        ("--image", "registry.example/harness:1", "image: \"registry.example/harness:1\""),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let arguments: Vec<&str> = PROFILE.into_iter().chain([flag, place]).collect();
        let (code, told) = init(folder.path(), &arguments);
        assert_eq!(code, Some(0), "{told}");
        let workflow = read(folder.path(), ".github/workflows/conformance.yml");
        assert!(workflow.contains(line) && !workflow.contains("HARNESS_ARCHIVE"), "{workflow}");
    }
}

#[test]
fn init_without_a_profile_and_a_terminal_names_the_flags() {
    let folder = tempfile::tempdir().unwrap();
    let (code, told) = init(folder.path(), &["--name", "acme"]);
    assert_eq!(code, Some(2), "{told}");
    assert!(
        told.contains("missing --base-url, --org-id") && told.contains("`harness init --help`"),
        "{told}"
    );
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
