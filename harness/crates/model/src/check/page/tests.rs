use serde_json::json;

use super::super::finding::Judgement;
use super::*;
use crate::check::evidence::{PageNode, PageRequest};
use crate::scenario::template::Binding;

struct NoVariables;

impl crate::scenario::template::Variables for NoVariables {
    fn get(&self, _name: &str) -> Option<Binding> {
        None
    }
}

fn scope() -> Scope<'static> {
    Scope { variables: &NoVariables, generators: None }
}

/// Reads lines such as `  row` or `    cell “k1”`, two blanks a level; texts are their own nodes.
fn page(tree: &str) -> PageResult {
    let node = |line: &str| {
        let text = line.trim_start();
        let depth = (line.len() - text.len()) / 2 + 1;
        let (role, name) = text.split_once(' ').unwrap_or((text, ""));
        let role = if role == "-" { "StaticText" } else { role };
        PageNode { depth, role: role.to_owned(), name: name.to_owned(), ..PageNode::default() }
    };
    PageResult {
        nodes: tree.lines().filter(|line| !line.trim().is_empty()).map(node).collect(),
        at: "Tue, 17 Mar 2026 10:00:00 GMT".to_owned(),
        ..PageResult::default()
    }
}

const TABLE: &str = "\
heading Keys
  - Keys
table
  row
    columnheader
      - Name
    columnheader
      - Used
    columnheader
      - Reusable
    columnheader
      - Expires
  row
    cell
      - k1
    cell
      - 0
    cell
      - Yes
    cell
      - 24 March 2026
  row
    cell
      - k10
    cell
      - 3
    cell
      - No
    cell
      - in 30 days
";

const CARDS: &str = "\
list
  listitem
    - k1
    - Used: 
    strong
      - 0
    - Reusable: Yes
    term
      - Expires
    definition
      - 24/03/2026
  listitem
    - k10
    - Used: 3 · Reusable: No
";

const SECTIONS: &str = "\
heading k1
  - k1
- Used: 0
- Reusable: Yes
- Expires: Mar 24, 2026
heading k10
  - k10
- Used: 3
";

fn equals(value: &str) -> Matcher {
    Matcher::Equals(json!(value))
}

#[test]
fn rows_are_read_from_tables_cards_and_sections() {
    let wanted = |used: &str| {
        vec![
            ("Name".to_owned(), equals("k1")),
            ("Used | used_count".to_owned(), equals(used)),
            ("Reusable".to_owned(), Matcher::Matches("(?i)^yes$".to_owned())),
            ("date".to_owned(), Matcher::Within("36h of 2026-03-17T10:00:00Z+7d".to_owned())),
        ]
    };
    for tree in [TABLE, CARDS, SECTIONS] {
        let page = page(tree);
        let found = row(&wanted("0"), &page, scope());
        assert_eq!(found.judgement, Judgement::Met, "{:?}\n{tree}", found.message);
        let other = row(&wanted("3"), &page, scope());
        assert_eq!(other.judgement, Judgement::Unmet, "{tree}");
        assert!(
            matches!(&other.message, Message::Said(said) if said.contains("Used | used_count: expected \"3\", got `0`")),
            "{:?}",
            other.message
        );
        assert_eq!(no_row(&wanted("3"), &page, scope()).judgement, Judgement::Met);
        assert_eq!(no_row(&wanted("0"), &page, scope()).judgement, Judgement::Unmet);
    }
}

#[test]
fn labels_are_read_in_the_targets_words() {
    let mut page = page(TABLE);
    let wanted = [("Name".to_owned(), equals("k1")), ("Uses".to_owned(), equals("0"))];
    assert_eq!(row(&wanted, &page, scope()).judgement, Judgement::Unmet);
    page.words.insert("Uses".to_owned(), "used".to_owned());
    assert_eq!(row(&wanted, &page, scope()).judgement, Judgement::Met);
}

#[test]
fn dates_are_read_in_the_forms_of_pages() {
    let window = "2d of 2026-03-17T10:00:00Z+30d";
    for (text, is_within) in [
        ("16 April 2026", true),
        ("4/16/2026", true),
        ("16.04.2026, 12:00", true),
        ("2026-04-16", true),
        ("Expires Apr 16, 2026 (in 30 days)", true),
        ("in 30 days", true),
        ("30 days", true),
        ("in 3 days", false),
        ("16 May 2026", false),
        ("5/16/2026", false),
        ("never", false),
        ("", false),
    ] {
        let shown = date::shows_date_within(window, text, "Tue, 17 Mar 2026 10:00:00 GMT");
        assert_eq!(shown, is_within, "{text}");
    }
}

#[test]
fn nothing_is_met_on_a_page_where_not_everything_could_be_done() {
    let page = PageResult { problem: Some("no button named “New”".to_owned()), ..page(TABLE) };
    let name = [("Name".to_owned(), equals("k1"))];
    for finding in [
        text_matches(&Matcher::Contains(json!("k1")), &page, scope()),
        row(&name, &page, scope()),
        no_row(&[("Name".to_owned(), equals("none"))], &page, scope()),
        done(true, &page),
        requests(&[], &page, scope()),
    ] {
        assert_eq!(finding.judgement, Judgement::Unmet);
        assert!(matches!(&finding.message, Message::Said(said) if said == "no button named “New”"));
    }
    assert_eq!(done(false, &page).judgement, Judgement::Met);
}

#[test]
fn the_page_is_a_document_for_pointers() {
    let request = PageRequest {
        method: "POST".to_owned(),
        url: "/api/db/api_keys?a=b%20c".to_owned(),
        body: Some("{\"name\":\"k1\"}".to_owned()),
        status: Some(201),
    };
    let page = PageResult { requests: vec![request], ..page(SECTIONS) };
    let document = super::json(&page);
    assert_eq!(document["text"], "k1 Used: 0 Reusable: Yes Expires: Mar 24, 2026 k10 Used: 3");
    assert_eq!(document["requests"][0]["path"], "/api/db/api_keys");
    assert_eq!(document["requests"][0]["query"]["a"], "b c");
    assert_eq!(document["requests"][0]["body"]["name"], "k1");
}
