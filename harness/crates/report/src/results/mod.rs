mod failed_step;
mod foreign;
mod format;
mod of_record;
mod requirement;
mod selected;
mod subtest;
mod totals;

pub use failed_step::{ExchangeResult, FailedStep, PageRun, ProcessRun, ReferenceStep, WireRun};
pub use format::{Kit, Results};
pub(crate) use of_record::{chapters, requirements, used};
pub use requirement::{ChapterResult, RequirementResult};
pub use selected::Selected;
pub use subtest::{CheckResult, SubtestResult};
pub use totals::Totals;
