//! The `html` report: a self-contained page that is readable without its script.

mod answer;
mod diff;
mod durations;
mod failure;
pub mod history;
mod matrix;
mod notation;
mod overview;
pub mod page;
mod statements;
mod subtest;
mod unverified;

use maud::{Markup, html};

use crate::headline;
use crate::results::Results;

use notation::Known;

pub fn render(results: &Results) -> String {
    let results = &results.shown();
    let known = Known::of(results);
    let body = html! {
        (overview::header(results))
        main #content {
            (overview::warnings(results))
            (matrix::section(results))
            (find_box())
            (subtest::failed(results, &known))
            (overview::waivers(results))
            (unverified::section(results))
            (statements::section(results, &known))
            (durations::section(results))
            (subtest::others(results, &known))
        }
        (overview::footer(results))
    };
    page::page(&headline::sentence(results), &body)
}

fn find_box() -> Markup {
    html! {
        div .find role="search" {
            input #find type="search" placeholder="Find a sub-test, a statement, a verdict" aria-label="Find" autocomplete="off";
            output #found aria-live="polite" {}
            span .keys {
                kbd { "/" } " find   " kbd { "j" } " " kbd { "k" } " next, previous   "
                kbd { "Enter" } " open   " kbd { "Esc" } " close"
            }
        }
    }
}
