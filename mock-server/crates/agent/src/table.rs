//! Tables with columns of fixed width, for a terminal.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::console::printable;

/// A column: its heading and its width in terminal cells. Longer values are truncated to keep the following columns
/// aligned; the last column is not truncated.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    heading: &'static str,
    width: usize,
    ellipsis: &'static str,
}

impl Column {
    /// Returns a column whose truncated values end in `…`.
    pub(crate) const fn new(heading: &'static str, width: usize) -> Self {
        Self { heading, width, ellipsis: "…" }
    }

    /// Truncates without `…`, so that the rest is a prefix that can be typed.
    pub(crate) const fn without_ellipsis(self) -> Self {
        Self { ellipsis: "", ..self }
    }
}

/// Returns the table's lines: headings, a rule of `rule` cells unless that is 0, one line per row. `gap` is the number
/// of blanks between columns.
pub(crate) fn lay_out<const N: usize>(
    columns: [Column; N],
    gap: usize,
    rule: usize,
    rows: impl IntoIterator<Item = [String; N]>,
) -> Vec<String> {
    let mut lines = vec![line(&columns, gap, columns.map(|column| column.heading.to_owned()))];
    if rule > 0 {
        lines.push("─".repeat(rule));
    }
    lines.extend(rows.into_iter().map(|row| line(&columns, gap, row)));
    lines
}

fn line<const N: usize>(columns: &[Column; N], gap: usize, row: [String; N]) -> String {
    let mut line = String::new();
    for (position, (column, value)) in columns.iter().zip(row).enumerate() {
        let value = printable(&value).replace('\n', " ");
        if position + 1 == N {
            line.push_str(&value);
        } else {
            let value = truncate(&value, column);
            line.push_str(&value);
            line.push_str(&" ".repeat(column.width.saturating_sub(value.width()) + gap));
        }
    }
    line
}

fn truncate(value: &str, column: &Column) -> String {
    if value.width() <= column.width {
        return value.to_owned();
    }
    let room = column.width.saturating_sub(column.ellipsis.width());
    let mut used = 0;
    let kept: String = value
        .chars()
        .take_while(|c| {
            used += c.width().unwrap_or(0);
            used <= room
        })
        .collect();
    kept + column.ellipsis
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [Column; 3] =
        [Column::new("PREFIX", 6).without_ellipsis(), Column::new("NAME", 5), Column::new("END", 3)];

    fn rows(rows: &[[&str; 3]]) -> Vec<String> {
        lay_out(COLUMNS, 1, 0, rows.iter().map(|row| row.map(str::to_owned)))
    }

    #[test]
    fn columns_stay_aligned_for_any_value() {
        assert_eq!(
            rows(&[
                ["abcdef", "short", "longer than its heading"],
                ["abcdefgh", "longer", "x"],
                ["", "日本語", "x"],
                ["a", "e\u{301}tude", "x"],
                ["a", "a\u{1b}[m\n", "x"],
            ]),
            [
                "PREFIX NAME  END",
                "abcdef short longer than its heading",
                "abcdef long… x",
                "       日本… x",
                "a      e\u{301}tude x",
                "a      a\u{fffd}[m  x",
            ]
        );
    }

    #[test]
    fn rule_follows_the_headings() {
        let lines = lay_out(COLUMNS, 2, 4, []);
        assert_eq!(lines, ["PREFIX  NAME   END", "────"]);
    }
}
