//! The recipes of the issuing guide are run as they stand, but for the address of the control plane.

use std::fs;
use std::path::Path;

/// The document has no indentation around a recipe; a whole file of it has.
fn lines(text: &str) -> Vec<String> {
    text.lines().map(|line| line.trim().to_owned()).collect()
}

fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// Whether the lines of the document from `first` to `last` stand in the scenario, in their order and without a gap.
fn assert_verbatim(scenario: &str, first: &str, last: &str, changed: &[(&str, &str)]) {
    let document = lines(&fs::read_to_string(folder().join("fixtures/documents/issuing.txt")).unwrap());
    let start = document.iter().position(|line| line == first).unwrap();
    let end = start + document[start..].iter().position(|line| line == last).unwrap();
    let mut recipe = document[start..=end].join("\n");
    for (documented, ours) in changed {
        assert!(recipe.contains(documented), "{scenario}: {documented}");
        recipe = recipe.replace(documented, ours);
    }
    let text = fs::read_to_string(folder().join("scenarios/auth-keys/issuing").join(scenario)).unwrap();
    assert!(lines(&text).join("\n").contains(&recipe), "{scenario} lacks:\n{recipe}");
}

#[test]
fn recipes_are_those_of_the_guide() {
    let address = ("https://login.quickztna.com/install.sh", "${installer.url}");
    assert_verbatim(
        "rollout-ansible.toml",
        "- name: Enrol device in QuickZTNA",
        r#"ztna_key: "{{ lookup('env', 'ZTNA_KEY') }}""#,
        &[address],
    );
    assert_verbatim(
        "rollout-actions.toml",
        "- name: Install QuickZTNA",
        "ZTNA_AUTH_KEY: ${{ secrets.ZTNA_EPHEMERAL_KEY }}",
        &[address, ("${{", "$${{")],
    );
    assert_verbatim(
        "rollout-cloud-init.toml",
        "#cloud-config",
        "- curl -fsSL https://login.quickztna.com/install.sh | ZTNA_AUTH_KEY=tskey-auth-xxx sh",
        &[address, ("tskey-auth-xxx", "${key}")],
    );
    assert_verbatim(
        "rollout-docker.toml",
        "FROM ubuntu:24.04",
        r#"ENTRYPOINT ["ztna", "up", "--userspace"]"#,
        &[address, ("ubuntu:24.04", "${image}-base")],
    );
    let output = "value     = quickztna_auth_key.q2_rollout.key";
    let names = [("org_9fX2kR", "${org}"), ("\"Q2 laptop", "\"${run}Q2 laptop")];
    let resource = r#"resource "quickztna_auth_key" "q2_rollout" {"#;
    assert_verbatim("create-terraform.toml", resource, output, &names);
}
