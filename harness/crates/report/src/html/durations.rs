//! A plot of the sub-tests' durations.

use maud::{Markup, html};

use crate::results::{Results, SubtestResult};
use harness_model::event::SubtestVerdict;
use harness_model::text::counted;

use super::notation::{Glyph, anchor, duration};

/// With more bars than this, each would be thinner than a pixel.
const MAX_BARS: usize = 600;
const SLOWEST: usize = 5;
const HEIGHT: u64 = 1000;

pub(super) fn section(results: &Results) -> Markup {
    let ran: Vec<(usize, &SubtestResult)> = results
        .subtests
        .iter()
        .enumerate()
        .filter(|(_, subtest)| subtest.verdict != SubtestVerdict::Skip)
        .collect();
    let longest = ran.iter().map(|(_, subtest)| subtest.duration_ms).max().unwrap_or_default();
    if longest == 0 {
        return html! {};
    }
    let mut slow = ran.clone();
    slow.sort_by_key(|(_, subtest)| std::cmp::Reverse(subtest.duration_ms));
    let median = slow.get(slow.len() / 2).map_or(0, |(_, subtest)| subtest.duration_ms);
    let mut bars: Vec<_> = slow.iter().take(MAX_BARS).copied().collect();
    bars.sort_by_key(|(position, _)| *position);
    html! {
        h2 #durations { "Durations" }
        figure {
            svg viewBox={ "0 0 " (bars.len() * 10) " " (HEIGHT) } preserveAspectRatio="none" role="img"
                aria-label={ "Durations of sub-tests, up to " (duration(longest)) } {
                @for part in 1..4_u64 {
                    line .grid x1="0" x2=(bars.len() * 10) y1=(part * HEIGHT / 4) y2=(part * HEIGHT / 4) {}
                }
                @for (at, (position, subtest)) in bars.iter().enumerate() {
                    @let height = (subtest.duration_ms.saturating_mul(HEIGHT) / longest).max(6);
                    a href={ "#" (anchor(*position)) } tabindex="-1" {
                        rect .(Glyph::of_subtest(subtest.verdict).class) x=(at * 10 + 1) y=(HEIGHT - height) width="8" height=(height) {
                            title { (subtest.id) ": " (duration(subtest.duration_ms)) }
                        }
                    }
                }
            }
            figcaption {
                span {
                    "One bar per sub-test, in the order of the plan"
                    @if ran.len() > bars.len() { " (the slowest " (bars.len()) " of " (ran.len()) ")" }
                    ". Longest: " (duration(longest)) ", median: " (duration(median)) "."
                }
            }
        }
        @if ran.len() > 1 {
            h3 { "The slowest" small { "of " (counted(ran.len(), "sub-test")) } }
            ol .slow {
                @for (position, subtest) in slow.iter().take(SLOWEST) {
                    li {
                        span .time { (duration(subtest.duration_ms)) }
                        span { a href={ "#" (anchor(*position)) } { (subtest.id) } " " (subtest.title) }
                    }
                }
            }
        }
    }
}
