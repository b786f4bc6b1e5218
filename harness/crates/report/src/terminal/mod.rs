//! The terminal report, written during and after a run.

mod brief;
mod cause;
mod closing;
mod complete;
mod details;
mod failed_step;
mod failure;
mod page;
mod paint;
mod process_end;
mod table;
mod wrap;

use std::collections::BTreeSet;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::record::Record;
use crate::results::Results;
use harness_model::event::{Event, Listener, SubtestFinished, SubtestStarted, SubtestVerdict};
use harness_model::plan::Plan;
use harness_model::requirement::Registry;
use harness_model::text::foreign::{shown, shown_in_colour};
use harness_model::text::{counted, truncated};

use page::Page;

pub use paint::Paint;
pub use process_end::ProcessEnd;
pub use wrap::wrap;

/// Renders the closing lines only, as for merged results.
pub fn summary(results: &Results, options: TerminalOptions, end: ProcessEnd<'_>) -> String {
    let mut page = options.page();
    write_closing(&mut page, &results.shown(), options, end);
    page.text
}

fn write_closing(page: &mut Page, results: &Results, options: TerminalOptions, end: ProcessEnd<'_>) {
    let is_verbose = options.detail == Detail::Verbose;
    details::write_leftovers(page, results, is_verbose);
    if is_verbose {
        details::write_lists(page, results);
    }
    if options.detail == Detail::Quiet {
        if !page.text.is_empty() {
            page.line("");
        }
        closing::write_verdict(page, results, end);
        return;
    }
    page.line("");
    closing::write(page, results, end);
}

/// Formatting options of the terminal report.
#[derive(Debug, Clone, Copy)]
pub struct TerminalOptions {
    /// Whether escape codes may be written.
    pub color: bool,
    /// Columns; `None` if lines are not truncated, as in a pipe.
    pub width: Option<usize>,
    /// Whether to show a progress line at the bottom.
    pub live: bool,
    /// How much is printed.
    pub detail: Detail,
}

/// How much is printed of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Detail {
    /// Failures and the verdict.
    Quiet,
    /// A line for each sub-test, failures with the same cause once, and the closing lines.
    #[default]
    Usual,
    /// Everything: failures in full, and the ids of what was not judged.
    Verbose,
}

impl TerminalOptions {
    fn page(self) -> Page {
        Page::new(
            Paint::new(self.color),
            self.width.unwrap_or(DEFAULT_WIDTH),
            self.width.unwrap_or(usize::MAX),
        )
    }
}

/// Width of the verdict column.
const LABEL_WIDTH: usize = 8;
/// Line width if the terminal's is unknown.
const DEFAULT_WIDTH: usize = 100;

/// Writes the report as events arrive.
pub struct Terminal<W> {
    out: W,
    options: TerminalOptions,
    paint: Paint,
    plan: Option<Arc<Plan>>,
    progress: ProgressBar,
    running: BTreeSet<usize>,
}

impl<W: Write + Send> Terminal<W> {
    pub fn new(out: W, options: TerminalOptions) -> Self {
        Self {
            out,
            options,
            paint: Paint::new(options.color),
            plan: None,
            progress: ProgressBar::hidden(),
            running: BTreeSet::new(),
        }
    }

    /// Writes the diagnosis, the failures and the closing lines.
    pub fn finish(&mut self, record: &Record, results: &Results, registry: &Registry, end: ProcessEnd<'_>) {
        self.progress.finish_and_clear();
        let results = &results.shown();
        let mut page = self.options.page();
        if self.plan.is_none() {
            // Nothing was started, and the reason has been printed already.
            closing::write_ending(&mut page, results, end);
        } else {
            let is_verbose = self.options.detail == Detail::Verbose;
            failure::write(&mut page, record, results, registry, end, is_verbose);
            write_closing(&mut page, results, self.options, end);
        }
        let text = page.text.as_str();
        self.print(if self.is_quiet() { text.trim_start_matches('\n') } else { text });
    }

    fn line(&self, plan: &Plan, subtest: usize, verdict: SubtestVerdict, took: Duration) -> Option<String> {
        let scenario = &plan.planned(subtest)?.scenario;
        let (label, style) = paint::verdict(verdict);
        let time = match verdict {
            SubtestVerdict::Skip => " ".repeat(10),
            _ => format!("[{:>7.3}s]", took.as_secs_f64()),
        };
        let widest = plan.subtests.iter().map(|planned| planned.scenario.id.chars().count()).max();
        let id = &scenario.id;
        let padding = " ".repeat(widest.unwrap_or_default().saturating_sub(id.chars().count()));
        let used = LABEL_WIDTH + 1 + time.chars().count() + 1 + widest.unwrap_or_default() + 2;
        let title = match self.options.width {
            Some(width) => truncated(&scenario.title, width.saturating_sub(used)).into_owned(),
            None => scenario.title.clone(),
        };
        let label = self.paint.with(style, &format!("{label:>LABEL_WIDTH$}"));
        Some(format!("{label} {time} {}{padding}  {title}", self.paint.bold(id)).trim_end().to_owned() + "\n")
    }

    fn print(&mut self, text: &str) {
        let text = if self.options.color { shown_in_colour(text) } else { shown(text) };
        let out = &mut self.out;
        // A closed output must not stop the run.
        self.progress.suspend(|| {
            let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        });
    }

    fn begin(&mut self, plan: &Arc<Plan>, target: &str) {
        let subtests = counted(plan.subtests.len(), "sub-test");
        let times = match plan.repetitions() {
            1 => String::new(),
            times => format!(", {times} times each,"),
        };
        if !self.is_quiet() {
            self.print(&format!("{subtests}{times} against {}\n\n", self.paint.bold(target)));
        }
        self.plan = Some(Arc::clone(plan));
        if self.options.live && !self.is_quiet() {
            self.progress = ProgressBar::with_draw_target(
                u64::try_from(plan.runs()).ok(),
                ProgressDrawTarget::stderr_with_hz(10),
            );
            let style = ProgressStyle::with_template("{spinner} {pos}/{len} [{elapsed}] {wide_msg}");
            self.progress.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            self.progress.enable_steady_tick(Duration::from_millis(200));
        }
    }

    fn is_quiet(&self) -> bool {
        self.options.detail == Detail::Quiet
    }

    fn show_running(&self) {
        let Some(plan) = &self.plan else { return };
        let ids: Vec<&str> = self
            .running
            .iter()
            .filter_map(|subtest| plan.planned(*subtest))
            .map(|planned| planned.scenario.id.as_str())
            .collect();
        self.progress.set_message(ids.join(", "));
    }
}

impl<W: Write + Send> Listener for Terminal<W> {
    fn on_event(&mut self, event: &Event) {
        match event {
            Event::Started { plan, target, .. } => {
                let version = target.version.as_deref().map(|version| format!(" {version}"));
                let place = target.base_url.as_deref().map(|base_url| format!(" at {base_url}"));
                let name = &target.name;
                let whole = format!("{name}{}{}", version.unwrap_or_default(), place.unwrap_or_default());
                self.begin(plan, &whole);
            }
            Event::SubtestStarted(SubtestStarted { subtest, .. }) => {
                self.running.insert(*subtest);
                self.show_running();
            }
            // Sub-tests that were not run are counted in the closing lines.
            Event::SubtestFinished(SubtestFinished {
                verdict: SubtestVerdict::Skip, fault: Some(_), ..
            }) => self.progress.inc(1),
            Event::SubtestFinished(SubtestFinished { subtest, verdict, took, .. }) => {
                self.running.remove(subtest);
                if !self.is_quiet() {
                    let line = self.plan.as_ref().and_then(|plan| self.line(plan, *subtest, *verdict, *took));
                    self.print(&line.unwrap_or_default());
                }
                self.progress.inc(1);
                self.show_running();
            }
            Event::StepFinished { .. } | Event::CleanupFailed(_) | Event::Settled(_) | Event::Finished(_) => {
            }
        }
    }
}
