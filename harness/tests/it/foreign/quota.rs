//! A target whose profile names an organisation with a machine limit.

use serde_json::json;

use crate::foreign::target::Foreign;

const FILTER: [&str; 2] = ["--filter", "headless/F6-quota"];

fn quota(limit: u32) -> String {
    let token = "{ login = { email = \"admin@globex.example\", password_env = \"outsider_password\" } }";
    format!("[quota]\norg_id = \"org_b71LqT\"\nlimit = {limit}\ntoken = {token}\n")
}

#[test]
fn a_machine_limit_is_judged_where_the_profile_names_one() {
    let target = Foreign::without(&[]);
    let without = target.judge("", &FILTER);
    assert_eq!(without.verdict("headless/F6-quota"), "skip", "{without}");
    let reason = "needs an organisation with a machine limit, which foreign does not declare";
    assert_eq!(without.reason("headless/F6-quota"), reason);

    // Twice, since what the first run registers must not fill the quota of the second.
    for run in [target.judge(&quota(3), &FILTER), target.judge_and_verify(&quota(3), &FILTER)] {
        assert_eq!(run.code, 0, "{run}");
        assert_eq!(run.statement("headless/F.6"), "verified", "{run}");
        assert_eq!(run.results["leftovers"], json!(null), "{run}");
    }

    // A target that allows more, or fewer, than its profile says.
    for limit in [2, 4] {
        let run = target.judge(&quota(limit), &FILTER);
        assert_eq!((run.code, run.statement("headless/F.6")), (1, "violated"), "{limit}: {run}");
    }
}
