use std::path::Path;

use crate::source::Span;
use crate::source::diagnostic::Diagnostic;
use crate::source::document::{self, Diagnostics, Entry, SpannedText, Table};
use crate::source::spelling;

use super::{Chapter, Level, Registry, Requirement, Via};

const LEVELS: [(&str, Level); 3] = [("must", Level::Must), ("either", Level::Either), ("ours", Level::Ours)];
const VIAS: [(&str, Via); 5] = [
    ("http", Via::Http),
    ("cli", Via::Cli),
    ("dashboard", Via::Dashboard),
    ("wire", Via::Wire),
    ("clock", Via::Clock),
];

/// The chapter of the reference's own choices, which has no document and no suite.
const OURS_CHAPTER: &str = "ours";

impl Registry {
    /// Reads the registry from the text of `requirements.toml`; `path` is the name shown in diagnostics.
    pub fn load(text: &str, path: &Path) -> Result<Self, Vec<Diagnostic>> {
        load(text, path)
    }
}

fn load(text: &str, path: &Path) -> Result<Registry, Vec<Diagnostic>> {
    let mut report = Diagnostics::new(path);
    let mut registry = Registry::default();
    if let Some(root) = document::parse(text, &mut report) {
        let file = Table::new("requirements.toml", 0..0, root.get_ref());
        file.only(&["chapters", "requirement"], &mut report);
        if let Some(chapters) = file.require("chapters", &mut report) {
            registry.chapters = read_chapters(chapters, &mut report);
        }
        if let Some(requirements) = file.require("requirement", &mut report) {
            read_requirements(requirements, &mut registry, &mut report);
        }
    }
    if report.has_errors() { Err(report.into_diagnostics()) } else { Ok(registry) }
}

fn read_chapters(entry: &Entry<'_, '_>, report: &mut Diagnostics) -> Vec<Chapter> {
    let Some(chapters) = entry.table("the table of chapters", report) else { return Vec::new() };
    let read = |entry: &Entry<'_, '_>, report: &mut Diagnostics| {
        let chapter = entry.table("a chapter", report)?;
        chapter.only(&["suite", "title", "document"], report);
        let title = chapter.require("title", report).and_then(|entry| entry.string(report));
        let mut text = |key| match chapter.get(key) {
            None if entry.key == OURS_CHAPTER => Some(None),
            _ => Some(Some(chapter.require(key, report)?.string(report)?.text.to_owned())),
        };
        let (suite, document) = (text("suite"), text("document"));
        Some(Chapter {
            id: entry.key.to_owned(),
            suite: suite?,
            title: title?.text.to_owned(),
            document: document?,
        })
    };
    chapters.entries.iter().filter_map(|entry| read(entry, report)).collect()
}

fn read_requirements(entry: &Entry<'_, '_>, registry: &mut Registry, report: &mut Diagnostics) {
    for value in entry.array("tables", report).unwrap_or_default() {
        let Some(table) = value.get_ref().as_table() else {
            report.error(value.span(), "invalid requirement: expected a table");
            continue;
        };
        let table = Table::new("a requirement", value.span(), table);
        let Some((requirement, span)) = read_requirement(&table, &registry.chapters, report) else {
            continue;
        };
        if registry.index.contains_key(&requirement.id) {
            let message = format!("duplicate id `{}`", requirement.id);
            report.error_with_help(span, message, "use the next free number");
            continue;
        }
        registry.index.insert(requirement.id.clone(), registry.requirements.len());
        registry.requirements.push(requirement);
    }
}

fn read_requirement(
    table: &Table<'_, '_>,
    chapters: &[Chapter],
    report: &mut Diagnostics,
) -> Option<(Requirement, Span)> {
    table.only(&["id", "text", "via", "level", "accepts"], report);
    let id = table.require("id", report).and_then(|entry| entry.string(report));
    if let Some(id) = &id {
        check_id(id, chapters, report);
    }
    let text = table.require("text", report).and_then(|entry| entry.string(report));
    let via = table.require("via", report).map(|entry| read_via(entry, report));
    let level = table.require("level", report).and_then(|entry| read_level(entry, report));
    let accepts = table.get("accepts").map(|entry| (entry.strings(report), entry.key_span.clone()));
    match (level, &accepts) {
        (Some(Level::Either), None) => report.error_with_help(
            table.span.clone(),
            "missing key `accepts`: required for level `either`",
            "list the answers that the documents allow",
        ),
        (Some(Level::Must | Level::Ours), Some((_, span))) => report.error_with_help(
            span.clone(),
            "`accepts` is only allowed for level `either`",
            "remove it, or set the level to `either`",
        ),
        _ => {}
    }
    let id = id?;
    let requirement = Requirement {
        id: id.text.to_owned(),
        text: text?.text.to_owned(),
        via: via?,
        level: level?,
        accepts: accepts
            .map(|(texts, _)| texts.iter().map(|text| text.text.to_owned()).collect())
            .unwrap_or_default(),
    };
    Some((requirement, id.span))
}

fn check_id(
    SpannedText { text: id, span }: &SpannedText<'_>,
    chapters: &[Chapter],
    report: &mut Diagnostics,
) {
    let Some((chapter, number)) = id.split_once('/').filter(|(_, number)| !number.is_empty()) else {
        report.error_with_help(
            span.clone(),
            format!("invalid statement id `{id}`"),
            "use CHAPTER/STn.k for sub-test n, CHAPTER/F.k for a fact, or ours/TOPIC.k for a choice of the reference",
        );
        return;
    };
    if number.chars().any(|c| c.is_whitespace() || "/*!,&()".contains(c)) {
        report.error(span.clone(), format!("invalid character in statement id `{id}`"));
    }
    if chapter != OURS_CHAPTER && !chapters.iter().any(|known| known.id == chapter) {
        let known: Vec<&str> = chapters.iter().map(|chapter| chapter.id.as_str()).collect();
        report.error_with_help(
            span.clone(),
            format!("unknown chapter `{chapter}`"),
            spelling::help_for(chapter, &known),
        );
    }
}

fn read_via(entry: &Entry<'_, '_>, report: &mut Diagnostics) -> Vec<Via> {
    let words = entry.strings(report);
    if words.is_empty() {
        report.error(entry.span(), "`via` is empty: name at least one way to observe the statement");
    }
    words.into_iter().filter_map(|word| pick(word, &VIAS, "`via` value", report)).collect()
}

fn read_level(entry: &Entry<'_, '_>, report: &mut Diagnostics) -> Option<Level> {
    pick(entry.string(report)?, &LEVELS, "level", report)
}

fn pick<T: Copy>(
    SpannedText { text: word, span }: SpannedText<'_>,
    known: &[(&str, T)],
    what: &str,
    report: &mut Diagnostics,
) -> Option<T> {
    let found = known.iter().find(|(name, _)| *name == word).map(|(_, value)| *value);
    if found.is_none() {
        let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
        report.error_with_help(span, format!("unknown {what} `{word}`"), spelling::help_for(word, &names));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHAPTERS: &str = "[chapters]\na = { suite = \"s\", title = \"A\", document = \"a.txt\" }\n";

    fn errors(requirements: &str) -> Vec<String> {
        let text = format!("{CHAPTERS}{requirements}");
        match Registry::load(&text, Path::new("requirements.toml")) {
            Ok(_) => Vec::new(),
            Err(diagnostics) => diagnostics.into_iter().map(|d| d.message).collect(),
        }
    }

    fn requirement(id: &str, level: &str, more: &str) -> String {
        format!(
            "[[requirement]]\nid = \"{id}\"\ntext = \"t\"\nvia = [\"http\"]\nlevel = \"{level}\"\n{more}\n"
        )
    }

    #[test]
    fn bundled_registry_loads() {
        let text = include_str!("../../../../../scenarios/requirements.toml");
        let registry = Registry::load(text, Path::new("scenarios/requirements.toml")).unwrap();
        assert!(registry.all().len() >= 122);
        assert_eq!(registry.suites(), ["auth-keys", "machine-registration", "api-keys"]);
        assert_eq!(registry.chapters().first().map(|chapter| chapter.id.as_str()), Some("used-count"));
        assert_eq!(registry.get("used-count/ST5.4").unwrap().level, Level::Must);
        assert_eq!(registry.get("used-count/ST5.4").unwrap().via, [Via::Cli]);
        assert_eq!(registry.get("headless/ST5.2").unwrap().accepts.len(), 3);
        assert_eq!(registry.of_suite("api-keys").filter(|r| r.id.starts_with("api-key/ST5")).count(), 5);
        assert_eq!(registry.did_you_mean("used-count/ST42"), Some("used-count/ST4.2"));
    }

    #[test]
    fn all_errors_are_reported_together() {
        let text = [
            requirement("a/F.1", "must", ""),
            requirement("a/F.1", "must", ""),
            requirement("b/F.1", "must", ""),
            requirement("F.1", "must", ""),
            requirement("a/F 1", "must", ""),
            requirement("a/F.*", "must", ""),
            requirement("a/F.2", "maybe", ""),
            requirement("a/F.3", "either", ""),
            requirement("a/F.4", "must", "accepts = [\"x\"]\nlevl = 1"),
            requirement("ours/x.1", "ours", ""),
        ]
        .join("");
        assert_eq!(
            errors(&text),
            [
                "duplicate id `a/F.1`",
                "unknown chapter `b`",
                "invalid statement id `F.1`",
                "invalid character in statement id `a/F 1`",
                "invalid character in statement id `a/F.*`",
                "unknown level `maybe`",
                "missing key `accepts`: required for level `either`",
                "`accepts` is only allowed for level `either`",
                "unknown key `levl` in a requirement",
            ]
        );
    }

    #[test]
    fn ours_chapter_needs_no_suite_or_document() {
        let text =
            format!("{CHAPTERS}ours = {{ title = \"Choices\" }}\n{}", requirement("ours/x.1", "ours", ""));
        let registry = Registry::load(&text, Path::new("requirements.toml")).unwrap();
        assert_eq!(registry.suites(), ["s"]);
        assert_eq!(registry.of_chapter("ours").count(), 1);
        for (from, to, message) in [
            ("{ title = \"Choices\" }", "{}", "missing key `title` in a chapter"),
            ("suite = \"s\", ", "", "missing key `suite` in a chapter"),
        ] {
            let found = Registry::load(&text.replace(from, to), Path::new("requirements.toml")).unwrap_err();
            assert!(found.iter().any(|diagnostic| diagnostic.message == message), "{found:?}");
        }
    }

    #[test]
    fn invalid_toml_is_reported() {
        assert!(errors("[[requirement]\nid = ").iter().all(|message| message.starts_with("invalid TOML: ")));
    }
}
