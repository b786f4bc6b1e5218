//! What a profile says of the agent and of resets.

use serde_json::json;

use crate::foreign::proxy::{Asked, Bend, Turn};
use crate::foreign::target::Foreign;

use harness_reference::embedded::AGENT_SUBCOMMAND;

/// The reference's agent with other words for `machine-admin` and another form of login code.
const AGENT: &str = r#"
case "$1" in
fleet) exec "$KIT" "$SUBCOMMAND" machine-admin --action "$2" "$4" ;;
machine-admin) echo "unknown command" >&2; exit 2 ;;
login) "$KIT" "$SUBCOMMAND" login 2>&1 | sed -u 's/\([A-Z0-9]\{4\}\)-\([A-Z0-9]\{4\}\)/<\1-\2>/' ;;
*) exec "$KIT" "$SUBCOMMAND" "$@" ;;
esac
"#;

#[test]
fn the_agents_own_words_are_used() {
    let target = Foreign::without(&[]);
    std::fs::write(target.path("agent.sh"), AGENT).unwrap();
    let agent = |more: &str| {
        format!(
            "[agent]\ncommand = \"sh {}\"\nenv = {{ KIT = \"{}\", SUBCOMMAND = \"{AGENT_SUBCOMMAND}\" }}\n{more}",
            target.path("agent.sh").display(),
            env!("CARGO_BIN_EXE_harness")
        )
    };
    let filter = ["--filter", "issuing/disconnect-cli"];
    let words = "code = '<(.*)>'\nwords = { machine_admin = [\"fleet\", \"{action}\", \"--machine\", \"{machine}\"] }\n";
    let run = target.judge(&agent(words), &filter);
    assert_eq!(run.code, 0, "{run}");
    assert_eq!(run.statement("issuing/disconnect.1"), "verified", "{run}");
    let without = target.judge_impatiently(&agent("code = '<(.*)>'\n"), &filter);
    assert_eq!(without.statement("issuing/disconnect.1"), "violated", "{without}");
}

#[test]
fn a_reset_hook_makes_a_fresh_target() {
    let target = Foreign::start(Bend {
        request: Box::new(|asked: &mut Asked| match asked.path() {
            "/test/reset" => Turn::Answer(200, json!({})),
            _ => Turn::Pass,
        }),
        ..Bend::default()
    });
    let run = target.judge_resetting(&["--filter", "used-count/ST2-no-keys"]);
    assert_eq!(run.code, 0, "{run}");
    assert_eq!(run.verdict("used-count/ST2-no-keys"), "pass", "{run}");
    // Once before the run, and once before the sub-test that needs it.
    let asked = target.proxy.asked();
    assert_eq!(asked.iter().filter(|asked| asked.path() == "/test/reset").count(), 2, "{run}");
}

/// Neither an installer nor a reset is needed, and the host's own name never reaches the target.
#[test]
fn a_machine_can_have_the_name_of_its_host() {
    let target = Foreign::without(&[]);
    let run = target.judge("", &["--filter", "headless/ST2-hostname"]);
    assert_eq!(run.code, 0, "{run}");
    assert_eq!(run.statement("headless/ST2.7"), "verified", "{run}");
    let named = |asked: &&Asked| asked.path() == "/api/register-machine" && !asked.is_kit;
    let asked = target.proxy.asked();
    let names: Vec<&str> =
        asked.iter().filter(named).filter_map(|asked| asked.json["name"].as_str()).collect();
    let run_id = run.results["run_id"].as_str().unwrap();
    assert!(!names.is_empty() && names.iter().all(|name| name.starts_with(run_id)), "{names:?}");
    assert_eq!(run.results["leftovers"], json!(null), "{run}");

    // An agent that ignores its host.
    let agent = "[agent]\ncommand = \"sh -c 'exec $KIT $SUBCOMMAND $@ $([ $1 = up ] && echo --hostname elsewhere)' ztna\"\n";
    let env = format!(
        "env = {{ KIT = \"{}\", SUBCOMMAND = \"{AGENT_SUBCOMMAND}\" }}\n",
        env!("CARGO_BIN_EXE_harness")
    );
    let filter = ["--filter", "headless/ST2-hostname"];
    let run = target.judge_impatiently(&format!("{agent}{env}"), &filter);
    assert_eq!((run.code, run.statement("headless/ST2.7")), (1, "violated"), "{run}");
    // One that does not see the kit's host name, because a service does its work.
    let run = target.judge(&format!("{agent}{env}sees_host_name = false\n"), &filter);
    assert_eq!(run.verdict("headless/ST2-hostname"), "skip", "{run}");
}

#[test]
fn an_agent_claims_tags_in_its_own_words() {
    let target = Foreign::without(&[]);
    let filter = ["--filter", "generate/ST3-cli"];
    let without = target.judge("", &filter);
    let reason = "needs words with which the agent claims tags, which foreign does not declare";
    assert_eq!((without.verdict("generate/ST3-cli"), without.reason("generate/ST3-cli")), ("skip", reason));

    let script = "if [ \"$1\" = up ]; then shift; for word; do shift; case $word in --claim=*) set -- \"$@\" --tags \"${word#*=}\" ;; \
                  *) set -- \"$@\" \"$word\" ;; esac; done; set -- up \"$@\"; fi\nexec \"$KIT\" \"$SUBCOMMAND\" \"$@\"\n";
    std::fs::write(target.path("claiming.sh"), script).unwrap();
    let agent = format!(
        "[agent]\ncommand = \"sh {}\"\nenv = {{ KIT = \"{}\", SUBCOMMAND = \"{AGENT_SUBCOMMAND}\" }}\n\
         words = {{ claim_tags = [\"--claim={{tags}}\"] }}\n",
        target.path("claiming.sh").display(),
        env!("CARGO_BIN_EXE_harness")
    );
    let run = target.judge(&agent, &filter);
    assert_eq!(run.code, 0, "{run}");
    assert_eq!(run.statement("generate/ST3.2"), "verified", "{run}");
}
