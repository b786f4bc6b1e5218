//! Medians with their spread, and the machine that they were measured on.

use std::fmt;

/// A value that was measured several times.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Figure {
    median: f64,
    least: f64,
    most: f64,
}

impl Figure {
    /// Returns the median and the extremes; zeros if nothing was measured.
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let at = |index: usize| values.get(index).copied().unwrap_or_default();
        Self { median: at(values.len() / 2), least: at(0), most: at(values.len().saturating_sub(1)) }
    }
}

/// `1.18 (1.15 to 1.22)`, with the precision that the format asks for.
impl fmt::Display for Figure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = formatter.precision().unwrap_or(2);
        let Self { median, least, most } = self;
        write!(formatter, "{median:.digits$} ({least:.digits$} to {most:.digits$})")
    }
}

/// Returns a line that says what figures of this run depend on.
pub(crate) fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split_whitespace().next().unwrap_or("unknown").to_owned();
    format!("{cores} cores, {}, load {load}", model.map_or("unknown", |(_, name)| name))
}
