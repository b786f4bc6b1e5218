//! Completion scripts and manual pages.

use std::process::Command;

use crate::program::harness;

fn printed(arguments: &[&str]) -> String {
    let output = harness().args(arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Completes a line in bash with the printed script.
fn completed(words: &[&str]) -> Vec<String> {
    let script = printed(&["completions", "bash"]);
    let line = format!(
        "{script}\nCOMP_WORDS=({}); COMP_CWORD={}; _harness harness '{}' '{}'; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        words.join(" "),
        words.len() - 1,
        words[words.len() - 1],
        words[words.len().saturating_sub(2)],
    );
    let output = Command::new("bash").args(["-c", &line]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn bash_completes_commands_flags_and_values() {
    for (words, expected) in [
        (&["harness", "expl"][..], "explain"),
        (&["harness", "--sui"], "--suite"),
        (&["harness", "--color", "al"], "always"),
        (&["harness", "schema", "pro"], "profile"),
    ] {
        assert_eq!(completed(words), [expected], "{words:?}");
    }
}

#[test]
fn each_shell_has_a_script() {
    for (shell, told) in [("zsh", "#compdef harness"), ("fish", "complete -c harness"), ("elvish", "harness")]
    {
        assert!(printed(&["completions", shell]).contains(told), "{shell}");
    }
    let output = harness().args(["completions", "fsh"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("'fish'"));
}

#[test]
fn manual_pages_describe_every_command() {
    let page = printed(&["man"]);
    for told in
        [".TH harness 1", "\\-\\-suite", "harness\\-explain(1)", "not conformant, or a waiver expired"]
    {
        assert!(page.contains(told), "{told}: {page}");
    }
    assert!(printed(&["man", "diff"]).contains(".TH harness-diff 1"));
    let output = harness().args(["man", "dif"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("did you mean `diff`?"));

    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("man1");
    printed(&["man", "--dir", to.to_str().unwrap()]);
    let mut names: Vec<String> = std::fs::read_dir(&to)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let listed: Vec<String> = page
        .lines()
        .filter_map(|line| line.strip_prefix("harness\\-")?.strip_suffix("(1)"))
        .map(|name| format!("harness-{}.1", name.replace("\\-", "-")))
        .chain(["harness.1".to_owned()])
        .collect();
    let mut listed = listed;
    listed.sort();
    assert_eq!(names, listed);
}
