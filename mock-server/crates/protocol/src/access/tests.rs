use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn rule(value: Value) -> AccessRule {
    AccessRule::parse(&serde_json::from_value(value).unwrap()).unwrap()
}

fn tags(list: &[&str]) -> Vec<String> {
    list.iter().map(ToString::to_string).collect()
}

#[test]
fn the_documented_rule_lets_laptops_open_ssh_to_prod() {
    let policy = Policy::new(vec![rule(json!({ "src": ["tag:laptop"], "dst": ["tag:prod:22"] }))]);
    let cases: [(&[&str], &[&str], bool); 8] = [
        (&["laptop"], &["prod"], true),
        (&["eng", "laptop"], &["db", "prod"], true),
        (&["prod"], &["laptop"], false),
        (&["laptop"], &["laptop"], false),
        (&["laptop"], &[], false),
        (&[], &["prod"], false),
        (&["laptop2"], &["prod"], false),
        (&["prod"], &["prod"], false),
    ];
    for (from, to, allowed) in cases {
        let grants = policy.grants(&tags(from), &tags(to));
        let all = (grants.allow_tcp(22), grants.allow_udp(22), grants.allow_icmp());
        assert_eq!(all, (allowed, allowed, allowed), "{from:?} to {to:?}");
        assert!(!grants.allow_tcp(23) && !grants.allow_tcp(21) && !grants.allow_others());
        assert_eq!(grants.is_nothing(), !allowed);
    }
}

#[test]
fn protocols_and_ports_bound_what_is_allowed() {
    let grants = |rules: &[Value]| {
        Policy::new(rules.iter().cloned().map(rule).collect()).grants(&tags(&["a"]), &tags(&["b"]))
    };
    let from_a = |dst: &str, proto: &str| json!({ "src": ["tag:a"], "dst": [dst], "proto": proto });
    // TCP to 1, 80, 90 and 65535; UDP to 80; ICMP; others.
    let cases: [(&[Value], [bool; 7]); 9] = [
        (&[from_a("tag:b:80", "tcp")], [false, true, false, false, false, false, false]),
        (&[from_a("tag:b:80-90", "tcp")], [false, true, true, false, false, false, false]),
        (&[from_a("*:80", "udp")], [false, false, false, false, true, false, false]),
        (&[from_a("tag:b:*", "tcp")], [true, true, true, true, false, false, false]),
        (&[from_a("tag:b:*", "icmp")], [false, false, false, false, false, true, false]),
        (&[from_a("tag:b:80,90", "any")], [false, true, true, false, true, true, false]),
        (&[from_a("tag:b:1-65535", "any")], [true, true, true, true, true, true, false]),
        (&[from_a("*:*", "any")], [true; 7]),
        (
            &[from_a("tag:b:1-80", "tcp"), from_a("tag:b:81-65535", "tcp")],
            [true, true, true, true, false, false, false],
        ),
    ];
    for (rules, [one, http, ninety, last, udp, icmp, others]) in cases {
        let grants = grants(rules);
        let tcp = [1, 80, 90, u16::MAX].map(|port| grants.allow_tcp(port));
        assert_eq!(tcp, [one, http, ninety, last], "{rules:?}");
        let rest = (grants.allow_udp(80), grants.allow_icmp(), grants.allow_others());
        assert_eq!(rest, (udp, icmp, others), "{rules:?}");
        assert_eq!(grants.is_everything(), others, "{rules:?}");
    }
}

#[test]
fn errors_name_the_part() {
    let cases = [
        (
            json!({ "src": ["laptop"], "dst": ["tag:b:22"] }),
            "src[0]: invalid source or destination \"laptop\"",
        ),
        (json!({ "src": ["*", "tag:"], "dst": ["*:*"] }), "src[1]: "),
        (json!({ "src": ["tag:a b"], "dst": ["*:*"] }), "src[0]: "),
        (json!({ "src": ["tag:a:22"], "dst": ["*:*"] }), "src[0]: "),
        (json!({ "src": ["*"], "dst": ["*:*", "tag:prod"] }), "dst[1]: invalid destination \"tag:prod\""),
        (json!({ "src": ["*"], "dst": ["tag:22"] }), "dst[0]: invalid destination"),
        (json!({ "src": ["*"], "dst": ["*"] }), "dst[0]: invalid destination \"*\""),
        (json!({ "src": ["*"], "dst": ["tag:b:"] }), "dst[0]: invalid ports \"\""),
        (json!({ "src": ["*"], "dst": ["tag:b:0"] }), "dst[0]: invalid ports"),
        (json!({ "src": ["*"], "dst": ["tag:b:65536"] }), "dst[0]: invalid ports"),
        (json!({ "src": ["*"], "dst": ["tag:b:90-80"] }), "dst[0]: invalid ports"),
        (json!({ "src": ["*"], "dst": ["tag:b:+80"] }), "dst[0]: invalid ports"),
        (json!({ "src": ["*"], "dst": ["tag:b:80,"] }), "dst[0]: invalid ports"),
        (json!({ "src": ["*"], "dst": ["tag:b:ssh"] }), "dst[0]: invalid ports"),
        (json!({ "src": ["*"], "dst": ["*:22"], "proto": "icmp" }), "dst[0]: invalid destination"),
        (json!({ "src": ["*"], "dst": ["*:22"], "proto": "TCP" }), "proto: invalid protocol \"TCP\""),
        (json!({ "src": [], "dst": ["*:22"] }), "src: expected 1 to 64"),
        (json!({ "src": ["*"], "dst": [] }), "dst: expected 1 to 64"),
        (json!({ "src": vec!["*"; 65], "dst": ["*:*"] }), "src: expected 1 to 64"),
        (json!({ "src": ["*"], "dst": [format!("*:{}", vec!["1"; 17].join(","))] }), "dst[0]: invalid ports"),
    ];
    for (value, expected) in cases {
        let view: RuleView = serde_json::from_value(value.clone()).unwrap();
        let message = AccessRule::parse(&view).unwrap_err().to_string();
        assert!(message.starts_with(expected) && message.len() < 250, "{value}: {message}");
    }
}

#[test]
fn nothing_of_a_long_text_is_repeated_in_full() {
    let view = RuleView { src: vec!["x".repeat(10_000)], dst: vec!["*:*".to_owned()], proto: None };
    assert!(AccessRule::parse(&view).unwrap_err().to_string().len() < 250);
}

const TAGS: [&str; 3] = ["a", "b", "c"];

fn any_tags() -> impl Strategy<Value = Vec<String>> {
    prop::sample::subsequence(TAGS.map(str::to_owned).to_vec(), 0..=3)
}

fn any_rule() -> impl Strategy<Value = AccessRule> {
    let selector = || prop_oneof![3 => prop::sample::select(&TAGS[..]).prop_map(|tag| format!("tag:{tag}")), 1 => Just("*".to_owned())];
    let ports = prop_oneof![Just("*".to_owned()), "[1-9]", "[1-4]-[5-9]", "[1-9],[1-9]-9"];
    let destination = (selector(), ports).prop_map(|(selector, ports)| format!("{selector}:{ports}"));
    let protocol = prop::sample::select(vec!["tcp", "udp", "any"]);
    let lists = (prop::collection::vec(selector(), 1..3), prop::collection::vec(destination, 1..3));
    (lists, protocol).prop_map(|((src, dst), proto)| {
        AccessRule::parse(&RuleView { src, dst, proto: Some(proto.to_owned()) }).unwrap()
    })
}

proptest! {
    #[test]
    fn without_rules_all_talk(from in any_tags(), to in any_tags()) {
        prop_assert!(Policy::default().grants(&from, &to).is_everything());
    }

    #[test]
    fn rules_that_cannot_be_read_allow_nothing(from in any_tags(), to in any_tags()) {
        prop_assert!(Policy::only(Vec::new()).grants(&from, &to).is_nothing());
    }

    #[test]
    fn only_what_some_rule_allows_is_allowed(
        rules in prop::collection::vec(any_rule(), 1..5),
        from in any_tags(),
        to in any_tags(),
        port in 1_u16..10,
    ) {
        let grants = Policy::new(rules.clone()).grants(&from, &to);
        let allows = |rule: &AccessRule, protocol: Protocol| {
            let reaches = |destination: &Destination| {
                destination.selector.selects(&to) && match &destination.ports {
                    Ports::All => true,
                    Ports::Some(ranges) => ranges.iter().any(|range| (range.first..=range.last).contains(&port)),
                }
            };
            rule.src.iter().any(|selector| selector.selects(&from))
                && rule.dst.iter().any(reaches)
                && (rule.proto == protocol || rule.proto == Protocol::Any)
        };
        prop_assert_eq!(grants.allow_tcp(port), rules.iter().any(|rule| allows(rule, Protocol::Tcp)));
        prop_assert_eq!(grants.allow_udp(port), rules.iter().any(|rule| allows(rule, Protocol::Udp)));
    }

    #[test]
    fn order_does_not_matter(
        (rules, shuffled) in prop::collection::vec(any_rule(), 0..5)
            .prop_flat_map(|rules| (Just(rules.clone()), Just(rules).prop_shuffle())),
        from in any_tags(),
        to in any_tags(),
    ) {
        prop_assert_eq!(Policy::new(rules).grants(&from, &to), Policy::new(shuffled).grants(&from, &to));
    }

    #[test]
    fn rules_round_trip(rule in any_rule()) {
        prop_assert_eq!(AccessRule::parse(&rule.view()).unwrap(), rule);
    }

    #[test]
    fn arbitrary_text_is_read_or_refused(text in ".{0,40}") {
        let view = RuleView { src: vec![text.clone()], dst: vec![text], proto: None };
        let _ = AccessRule::parse(&view);
    }
}
