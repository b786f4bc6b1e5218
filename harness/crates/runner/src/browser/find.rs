//! Finds elements by role and accessible name, as assistive technology does, and says what is there instead.

use std::collections::BTreeSet;
use std::fmt;

use super::tree::Element;

/// Names shown of what is there instead.
const MAX_SHOWN: usize = 12;
const MAX_NAME_LEN: usize = 60;
const ROWS: [&str; 4] = ["row", "listitem", "article", "treeitem"];

/// What is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Anything that is clicked.
    Button,
    /// Anything that has a value.
    Field,
    /// Anything that is on or off.
    Checkbox,
    /// An option of a field.
    Option,
    /// Something that names a part of the page.
    Heading,
}

/// No element, or none that is meant without doubt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotFound {
    kind: Kind,
    names: Vec<String>,
    place: &'static str,
    /// Several elements have such a name.
    pub(crate) is_ambiguous: bool,
    candidates: Vec<String>,
}

impl Kind {
    fn roles(self) -> &'static [&'static str] {
        match self {
            Self::Button => &[
                "button",
                "link",
                "tab",
                "menuitem",
                "menuitemradio",
                "menuitemcheckbox",
                "popUpButton",
                "DisclosureTriangle",
                "DisclosureTriangleGrouped",
                "switch",
                "treeitem",
                "option",
                "radio",
            ],
            Self::Field => &[
                "textbox",
                "searchbox",
                "spinbutton",
                "combobox",
                "listbox",
                "checkbox",
                "switch",
                "radiogroup",
                "group",
                "slider",
                "Date",
                "DateTime",
                "popUpButton",
            ],
            Self::Checkbox => {
                &["checkbox", "switch", "menuitemcheckbox", "option", "radio", "button", "MenuListOption"]
            }
            Self::Option => &["option", "MenuListOption", "menuitem", "menuitemradio", "radio", "button"],
            Self::Heading => &["heading", "region", "tabpanel", "tab", "group", "table"],
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Button => "button",
            Self::Field => "field labelled",
            Self::Checkbox => "checkbox",
            Self::Option => "option",
            Self::Heading => "section",
        }
    }

    fn plural(self) -> &'static str {
        match self {
            Self::Button => "buttons and links",
            Self::Field => "fields",
            Self::Checkbox => "checkboxes",
            Self::Option => "options",
            Self::Heading => "sections",
        }
    }
}

/// Returns the element with one of these names. In an open dialog only what is in the dialog can be meant, if it has such an
/// element. A name may be part of the element's, if only one element has it.
///
/// # Errors
/// No element has such a name, or several do.
pub(crate) fn find<'e>(tree: &'e [Element], kind: Kind, names: &[String]) -> Result<&'e Element, NotFound> {
    let Some(dialog) = open_dialog(tree) else { return find_in(tree, kind, names, "here") };
    find_in(dialog, kind, names, "in the dialog")
        .or_else(|not_found| find_in(tree, kind, names, "here").map_err(|_| not_found))
}

/// Returns the element in the row that has the name `row`.
///
/// # Errors
/// There is no such row, or no such element in it.
pub(crate) fn find_in_row<'e>(
    tree: &'e [Element],
    row: &str,
    kind: Kind,
    names: &[String],
) -> Result<&'e Element, NotFound> {
    let wanted = plain(row);
    let rows = (0..tree.len()).map(|at| subtree(tree, at)).filter(|inside| {
        let is_row = inside.first().is_some_and(|element| ROWS.contains(&element.node.role.as_str()));
        is_row && inside.iter().skip(1).any(|element| plain(&element.node.name) == wanted)
    });
    // The innermost row is the one that is meant.
    match rows.min_by_key(|inside| inside.len()) {
        Some(inside) => find_in(inside, kind, names, "in its row"),
        None => Err(NotFound {
            kind,
            names: names.to_vec(),
            place: "since no row has the name that was looked for; rows",
            is_ambiguous: false,
            candidates: first_texts(tree),
        }),
    }
}

/// Returns an element with everything in it.
pub(crate) fn subtree(tree: &[Element], at: usize) -> &[Element] {
    let Some((first, rest)) = tree.get(at..).and_then(<[Element]>::split_first) else { return &[] };
    let length = rest.iter().take_while(|element| element.node.depth > first.node.depth).count();
    tree.get(at..=at + length).unwrap_or_default()
}

/// Reduces a name to lower-case words.
pub(crate) fn plain(name: &str) -> String {
    let words = name.split(|letter: char| letter.is_whitespace());
    let words = words.map(|word| word.trim_matches(|letter: char| !letter.is_alphanumeric()).to_lowercase());
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Whether a question of the page is open as an element of its own.
pub(crate) fn open_dialog(tree: &[Element]) -> Option<&[Element]> {
    let at =
        tree.iter().rposition(|element| matches!(element.node.role.as_str(), "dialog" | "alertdialog"))?;
    Some(subtree(tree, at))
}

fn find_in<'e>(
    tree: &'e [Element],
    kind: Kind,
    names: &[String],
    place: &'static str,
) -> Result<&'e Element, NotFound> {
    let of_kind = || tree.iter().filter(|element| kind.roles().contains(&element.node.role.as_str()));
    let mut is_ambiguous = false;
    for name in names.iter().map(|name| plain(name)) {
        let exact = of_kind().filter(|element| plain(&element.node.name) == name);
        // A button that is disabled is the last choice.
        if let Some(found) = exact.min_by_key(|element| is_disabled(element)) {
            return Ok(found);
        }
        let partial: Vec<&Element> =
            of_kind().filter(|element| has_words(&plain(&element.node.name), &name)).collect();
        match partial.as_slice() {
            [only] => return Ok(only),
            [] => {}
            _ => is_ambiguous = true,
        }
    }
    let mut seen = BTreeSet::new();
    let named = of_kind().filter(|element| !element.node.name.trim().is_empty());
    let candidates = named.map(|element| shortened(&element.node.name));
    let candidates = candidates.filter(|name| seen.insert(name.clone())).collect();
    Err(NotFound { kind, names: names.to_vec(), place, is_ambiguous, candidates })
}

fn is_disabled(element: &Element) -> bool {
    element.node.states.iter().any(|state| state == "disabled")
}

/// Whether the words of a name occur one after the other in a longer one.
fn has_words(longer: &str, name: &str) -> bool {
    !name.is_empty() && format!(" {longer} ").contains(&format!(" {name} "))
}

fn shortened(name: &str) -> String {
    let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
    match name.char_indices().nth(MAX_NAME_LEN) {
        Some((end, _)) => format!("{}…", name.get(..end).unwrap_or_default()),
        None => name,
    }
}

/// Returns the first text of each row.
fn first_texts(tree: &[Element]) -> Vec<String> {
    let rows = (0..tree.len())
        .map(|at| subtree(tree, at))
        .filter(|inside| inside.first().is_some_and(|element| ROWS.contains(&element.node.role.as_str())));
    let text = |inside: &[Element]| {
        inside
            .iter()
            .find(|element| element.node.role == "StaticText")
            .map(|element| shortened(&element.node.name))
    };
    rows.filter_map(text).collect()
}

impl std::error::Error for NotFound {}

impl fmt::Display for NotFound {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quoted = |name: &String| format!("'{name}'");
        let names = self.names.iter().map(quoted).collect::<Vec<_>>().join(" or ");
        let kind = self.kind.name();
        if self.is_ambiguous {
            write!(formatter, "more than one {kind} has {names} in its name")?;
        } else {
            let named = if self.kind == Kind::Field { "" } else { " named" };
            write!(formatter, "no {kind}{named} {names}")?;
        }
        if self.candidates.is_empty() {
            return write!(formatter, "; there are no {} {}", self.kind.plural(), self.place);
        }
        let shown: Vec<String> = self.candidates.iter().take(MAX_SHOWN).map(quoted).collect();
        write!(formatter, "; {} {}: {}", self.kind.plural(), self.place, shown.join(", "))?;
        match self.candidates.len().saturating_sub(MAX_SHOWN) {
            0 => Ok(()),
            more => write!(formatter, " and {more} more"),
        }
    }
}

#[cfg(test)]
mod tests {
    use harness_model::check::evidence::PageNode;

    use super::*;

    fn tree(lines: &[(usize, &str, &str)]) -> Vec<Element> {
        let element = |(depth, role, name): &(usize, &str, &str)| Element {
            node: PageNode {
                depth: *depth,
                role: (*role).into(),
                name: (*name).into(),
                ..PageNode::default()
            },
            backend: 0,
        };
        lines.iter().map(element).collect()
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn elements_are_found_by_role_and_name() {
        let page = tree(&[
            (1, "heading", "Create API Key"),
            (1, "button", "+ Create API key…"),
            (1, "button", "Cancel"),
            (1, "textbox", "Name (required)"),
            (1, "row", ""),
            (2, "StaticText", "k1"),
            (2, "button", "Revoke k1"),
            (1, "row", ""),
            (2, "StaticText", "k2"),
            (2, "button", "Revoke k2"),
        ]);
        let found =
            |kind, name: &str| find(&page, kind, &names(&[name])).map(|found| found.node.name.clone());
        assert_eq!(found(Kind::Button, "Create API Key").as_deref(), Ok("+ Create API key…"));
        assert_eq!(found(Kind::Field, "name").as_deref(), Ok("Name (required)"));
        let missing = found(Kind::Button, "Generate").unwrap_err().to_string();
        assert_eq!(
            missing,
            "no button named 'Generate'; buttons and links here: '+ Create API key…', 'Cancel', 'Revoke k1', 'Revoke k2'"
        );
        let ambiguous = found(Kind::Button, "Revoke").unwrap_err().to_string();
        assert!(ambiguous.starts_with("more than one button has 'Revoke' in its name; "), "{ambiguous}");
        let in_row = |row| {
            find_in_row(&page, row, Kind::Button, &names(&["Revoke"])).map(|found| found.node.name.clone())
        };
        assert_eq!(in_row("k2").as_deref(), Ok("Revoke k2"));
        assert!(in_row("k3").unwrap_err().to_string().contains("rows: 'k1', 'k2'"));
    }

    #[test]
    fn an_open_dialog_comes_first() {
        let page = tree(&[
            (1, "button", "Create"),
            (1, "dialog", "New key"),
            (2, "button", "Create"),
            (2, "textbox", "Name"),
        ]);
        let found = find(&page, Kind::Button, &names(&["Create"])).unwrap();
        assert_eq!(found.node.depth, 2);
    }
}
