//! Chapters and their sub-tests, a cell each.

use maud::{Markup, html};

use crate::report::headline;
use crate::report::results::{Results, SubtestResult};

use super::{anchor, glyph, short, sign};

pub(super) fn section(results: &Results) -> Markup {
    html! {
        @if !results.subtests.is_empty() {
            h2 #matrix { "Chapters and their sub-tests" }
            div .matrix {
                @for (suite, chapter, subtests) in chapters(results) {
                    div {
                        strong { (title(results, chapter)) }
                        br;
                        span .quiet { (suite) " · " (chapter) " · " (headline::of(subtests.len(), "sub-test")) }
                    }
                    div .cells {
                        @for (position, subtest) in subtests {
                            @let verdict = glyph(subtest.verdict);
                            a .cell .(verdict.1) href={ "#" (anchor(position)) }
                                title={ (subtest.id) ": " (subtest.title) " (" (verdict.2) ")" } {
                                (sign(verdict)) span .name { (short(subtest)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A chapter's title in the documents, or its name.
pub(super) fn title<'a>(results: &'a Results, chapter: &'a str) -> &'a str {
    results.chapters.iter().find(|known| known.id == chapter).map_or(chapter, |known| known.title.as_str())
}

/// A chapter's suite and name, with its sub-tests and their positions.
pub(super) type Chapter<'a> = (&'a str, &'a str, Vec<(usize, &'a SubtestResult)>);

/// The chapters in order of appearance.
pub(super) fn chapters(results: &Results) -> Vec<Chapter<'_>> {
    let mut chapters: Vec<Chapter<'_>> = Vec::new();
    for (position, subtest) in results.subtests.iter().enumerate() {
        let (suite, chapter) = (subtest.suite.as_str(), subtest.chapter.as_str());
        match chapters.iter_mut().find(|known| (known.0, known.1) == (suite, chapter)) {
            Some((_, _, subtests)) => subtests.push((position, subtest)),
            None => chapters.push((suite, chapter, vec![(position, subtest)])),
        }
    }
    chapters
}
