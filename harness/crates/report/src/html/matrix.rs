//! The chapters and their sub-tests, one cell each.

use maud::{Markup, html};

use crate::results::{Results, SubtestResult};
use harness_model::text::counted;

use super::notation::{Glyph, anchor, short};

/// A chapter with at least one selected sub-test.
pub(super) struct Chapter<'a> {
    pub(super) suite: &'a str,
    pub(super) id: &'a str,
    /// The sub-tests with their positions in the results.
    pub(super) subtests: Vec<(usize, &'a SubtestResult)>,
}

pub(super) fn section(results: &Results) -> Markup {
    html! {
        @if !results.subtests.is_empty() {
            h2 #matrix { "Chapters and their sub-tests" }
            div .matrix {
                @for Chapter { suite, id, subtests } in chapters(results) {
                    div {
                        strong { (title(results, id)) }
                        br;
                        span .quiet { (suite) " · " (id) " · " (counted(subtests.len(), "sub-test")) }
                    }
                    div .cells {
                        @for (position, subtest) in subtests {
                            @let glyph = Glyph::of_subtest(subtest.verdict);
                            a .cell .(glyph.class) href={ "#" (anchor(position)) }
                                title={ (subtest.id) ": " (subtest.title) " (" (glyph.word) ")" } {
                                (glyph.render()) span .name { (short(subtest)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Returns the chapter's title in the documents, or its id.
pub(super) fn title<'a>(results: &'a Results, chapter: &'a str) -> &'a str {
    results.chapters.iter().find(|known| known.id == chapter).map_or(chapter, |known| known.title.as_str())
}

/// Groups the sub-tests by chapter, in order of appearance.
pub(super) fn chapters(results: &Results) -> Vec<Chapter<'_>> {
    let mut chapters: Vec<Chapter<'_>> = Vec::new();
    for (position, subtest) in results.subtests.iter().enumerate() {
        let (suite, id) = (subtest.suite.as_str(), subtest.chapter.as_str());
        match chapters.iter_mut().find(|known| (known.suite, known.id) == (suite, id)) {
            Some(known) => known.subtests.push((position, subtest)),
            None => chapters.push(Chapter { suite, id, subtests: vec![(position, subtest)] }),
        }
    }
    chapters
}
