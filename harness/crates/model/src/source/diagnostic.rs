//! Errors and warnings about a file, rendered with the source line and a caret.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use super::{Source, Span};

/// An error or warning about a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    pub severity: Severity,
    /// The path shown in messages.
    pub path: PathBuf,
    /// The position in the file; `None` if the diagnostic concerns the whole file.
    pub span: Option<Span>,
    pub message: String,
    pub help: Option<String>,
}

/// Whether the file can still be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    Error,
    Warning,
}

/// The source texts that diagnostics refer to.
#[derive(Debug, Clone, Default)]
pub struct Sources(Vec<Arc<Source>>);

impl Diagnostic {
    /// Creates an error about a whole file.
    pub fn of_file(path: &Path, message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, path: path.into(), span: None, message: message.into(), help: None }
    }

    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    #[must_use]
    pub fn warning(mut self) -> Self {
        self.severity = Severity::Warning;
        self
    }
}

impl Sources {
    pub fn add(&mut self, source: Arc<Source>) {
        self.0.push(source);
    }

    pub fn get(&self, path: &Path) -> Option<&Arc<Source>> {
        self.0.iter().find(|source| source.path == path)
    }
}

/// Renders diagnostics in the style of rustc, for a terminal of `width` columns.
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
                    .annotation(AnnotationKind::Primary.span(first_line(&source.text, span))),
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

/// Renders a source line with carets and a label: `FILE:LINE:COLUMN`, the line, the carets. Long lines are cut to
/// about `width` columns.
pub fn caret(source: &Source, span: &Span, label: &str, width: usize) -> String {
    let path = source.path.display().to_string();
    // The renderer does not cut carets.
    let max_end = span.start.saturating_add(width / 2);
    let shown = first_line(&source.text, &(span.start..span.end.min(max_end)));
    let snippet = Snippet::source(source.text.as_str())
        .path(path.as_str())
        .annotation(AnnotationKind::Primary.span(shown).label(label));
    renderer(false, width).render(&[Group::with_level(Level::ERROR).element(snippet)])
}

fn renderer(color: bool, width: usize) -> Renderer {
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    renderer.decor_style(DecorStyle::Ascii).term_width(width.max(40))
}

/// Cuts a span to its first line and to character boundaries: the span of a step covers many lines, and an invalid
/// span must not panic.
fn first_line(text: &str, span: &Span) -> Span {
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
        Source::new("scenarios/a/b/ST1.toml", "title = \"ä\"\nstatsu = 1\n")
    }

    #[test]
    fn caret_shows_file_line_and_label() {
        let shown = caret(&source(), &(13..19), "expected 201", 140);
        assert!(shown.contains("scenarios/a/b/ST1.toml:2:1"), "{shown}");
        assert!(shown.contains("statsu = 1"), "{shown}");
        assert!(shown.contains("^^^^^^ expected 201"), "{shown}");
        assert_eq!(source().line(&(13..19)), 2);
    }

    #[test]
    fn arbitrary_spans_do_not_panic() {
        let source = source();
        for start in 0..40 {
            for end in 0..40 {
                let _ = caret(&source, &(start..end), "x", 40);
            }
        }
    }

    #[test]
    fn diagnostic_without_source_shows_path() {
        let diagnostic =
            Diagnostic::of_file(Path::new("scenarios/x"), "cannot read file").help("make it readable");
        let shown = render(&[diagnostic], &Sources::default(), false, 80);
        assert!(shown.contains("error: cannot read file") && shown.contains("scenarios/x"), "{shown}");
        assert!(shown.contains("help: make it readable"), "{shown}");
    }
}
