//! What is wrong with a file, shown where it stands.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use super::{Source, Span};

/// One mistake or oddity in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Whether it keeps the file from being used.
    pub severity: Severity,
    /// The file, as it is shown.
    pub path: PathBuf,
    /// Where, in bytes; none if it is about the file as a whole.
    pub span: Option<Span>,
    /// What is wrong: what was expected and what stands there.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

/// Whether a diagnostic keeps the file from being used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// It does.
    Error,
    /// It does not.
    Warning,
}

/// The texts that diagnostics point into.
#[derive(Debug, Clone, Default)]
pub struct Sources(Vec<Arc<Source>>);

impl Diagnostic {
    /// An error about a file as a whole.
    pub fn of_file(path: &Path, message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, path: path.into(), span: None, message: message.into(), help: None }
    }

    /// The same, with what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The same as a warning.
    #[must_use]
    pub fn warning(mut self) -> Self {
        self.severity = Severity::Warning;
        self
    }
}

impl Sources {
    /// Adds a text.
    pub fn add(&mut self, source: Arc<Source>) {
        self.0.push(source);
    }

    /// The text of that path.
    pub fn get(&self, path: &Path) -> Option<&Arc<Source>> {
        self.0.iter().find(|source| source.path == path)
    }
}

/// The diagnostics as rustc shows its own, for a terminal of that many columns.
pub fn render(diagnostics: &[Diagnostic], sources: &Sources, color: bool, width: usize) -> String {
    let renderer = renderer(color, width);
    let mut text = String::new();
    for diagnostic in diagnostics {
        let level = match diagnostic.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let path = diagnostic.path.display().to_string();
        let title = level.primary_title(diagnostic.message.as_str());
        let source = sources.get(&diagnostic.path);
        let group: Group<'_> = match (source, &diagnostic.span) {
            (Some(source), Some(span)) => title.element(
                Snippet::source(source.text.as_str())
                    .path(path.as_str())
                    .annotation(AnnotationKind::Primary.span(within(&source.text, span))),
            ),
            _ => title.element(Origin::path(path.as_str())),
        };
        let group = match &diagnostic.help {
            Some(help) => group.element(Level::HELP.message(help.as_str())),
            None => group,
        };
        text.push_str(&renderer.render(&[group]));
        text.push_str("\n\n");
    }
    text
}

/// The place in a file with carets under it and the label beside them: `FILE:LINE:COLUMN`, the line, the carets.
/// Long ones are cut to about `width` columns.
pub fn caret(source: &Source, span: &Span, label: &str, width: usize) -> String {
    let path = source.path.display().to_string();
    // Carets are never cut by the renderer.
    let longest = span.start.saturating_add(width / 2);
    let shown = within(&source.text, &(span.start..span.end.min(longest)));
    let snippet = Snippet::source(source.text.as_str())
        .path(path.as_str())
        .annotation(AnnotationKind::Primary.span(shown).label(label));
    renderer(false, width).render(&[Group::with_level(Level::ERROR).element(snippet)])
}

/// The line of the span's start, counted from 1.
pub fn line(source: &Source, span: &Span) -> usize {
    let before = source.text.as_bytes().get(..span.start).unwrap_or(source.text.as_bytes());
    before.iter().filter(|byte| **byte == b'\n').count() + 1
}

fn renderer(color: bool, width: usize) -> Renderer {
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    renderer.decor_style(DecorStyle::Ascii).term_width(width.max(40))
}

/// The span cut to its first line and to whole characters: a step's span may be long, and a wrong one must not panic.
fn within(text: &str, span: &Span) -> Span {
    let floor = |mut at: usize| {
        at = at.min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let start = floor(span.start);
    let end = floor(span.end).max(start);
    let line_end = text.get(start..end).and_then(|part| part.find('\n')).map_or(end, |at| start + at);
    start..line_end.max(start)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source() -> Source {
        Source { path: "scenarios/a/b/ST1.toml".into(), text: "title = \"ä\"\nstatsu = 1\n".to_owned() }
    }

    #[test]
    fn a_caret_names_file_line_and_label() {
        let shown = caret(&source(), &(13..19), "expected 201", 140);
        assert!(shown.contains("scenarios/a/b/ST1.toml:2:1"), "{shown}");
        assert!(shown.contains("statsu = 1"), "{shown}");
        assert!(shown.contains("^^^^^^ expected 201"), "{shown}");
        assert_eq!(line(&source(), &(13..19)), 2);
    }

    #[test]
    fn no_span_panics() {
        let source = source();
        for start in 0..40 {
            for end in 0..40 {
                let _ = caret(&source, &(start..end), "x", 40);
            }
        }
    }

    #[test]
    fn a_file_without_text_is_named() {
        let diagnostic =
            Diagnostic::of_file(Path::new("scenarios/x"), "cannot be read").help("make it readable");
        let shown = render(&[diagnostic], &Sources::default(), false, 80);
        assert!(shown.contains("error: cannot be read") && shown.contains("scenarios/x"), "{shown}");
        assert!(shown.contains("help: make it readable"), "{shown}");
    }
}
