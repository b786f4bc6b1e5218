use std::process::Command;

const PROGRAM: &str = env!("CARGO_BIN_EXE_terraform-provider-quickztna");

fn started(variables: &[(&str, &str)]) -> (Option<i32>, String) {
    let output = Command::new(PROGRAM).env_clear().envs(variables.iter().copied()).output().unwrap();
    assert!(output.stdout.is_empty(), "the first line of standard output belongs to Terraform");
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn a_person_who_starts_it_learns_how_it_is_used() {
    let (code, stderr) = started(&[]);
    assert_eq!(code, Some(1));
    assert_eq!(
        stderr,
        "terraform-provider-quickztna: this program is a plugin of Terraform, which starts it\n\
         name it in required_providers and run `terraform init`\n",
    );
}

#[test]
fn nobody_can_call_it_without_terraforms_certificate() {
    let cookie = "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2";
    let usual = [("TF_PLUGIN_MAGIC_COOKIE", cookie), ("PLUGIN_PROTOCOL_VERSIONS", "6")];
    let (code, stderr) = started(&usual);
    assert_eq!(code, Some(1));
    assert!(stderr.contains("no certificate in PLUGIN_CLIENT_CERT"), "{stderr}");
    let (code, stderr) = started(&[usual[0], usual[1], ("PLUGIN_CLIENT_CERT", "not a certificate")]);
    assert_eq!(code, Some(1));
    assert!(stderr.contains("PLUGIN_CLIENT_CERT cannot be read"), "{stderr}");
}
