//! Reads tables that programs print: a line of headings, and rows whose values stand under them.

use unicode_width::UnicodeWidthChar as _;

/// The distance of tab stops, in terminal columns.
const TAB: usize = 8;

/// The blanks that separate two columns; a single blank may be part of a value.
const GAP: usize = 2;

/// The part of a line from one terminal column up to another.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Segment {
    start: usize,
    end: usize,
    text: String,
}

/// A row, with its cells under the wanted headings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TableRow<'a> {
    pub(super) line: &'a str,
    pub(super) cells: Vec<String>,
}

/// Returns the rows below the first line that has these headings in this order, possibly among others. `None` if no
/// line has them.
///
/// A value belongs to the heading that it overlaps most, whether the column is aligned left or right. One that overlaps
/// none belongs to the heading before it.
pub(super) fn rows<'a>(text: &'a str, wanted: &[&str]) -> Option<Vec<TableRow<'a>>> {
    let mut lines = text.lines();
    let (headings, positions) = lines.find_map(|line| {
        let headings = headings(line, wanted);
        let positions = positions(&headings, wanted)?;
        Some((headings, positions))
    })?;
    let row = |line: &'a str| {
        let mut cells = cells(line, &headings);
        let cells = positions.iter().map(|at| cells.get_mut(*at).map(std::mem::take).unwrap_or_default());
        TableRow { line, cells: cells.collect() }
    };
    Some(lines.filter(|line| !line.trim().is_empty()).map(row).collect())
}

/// Splits a line into its headings. Where a single blank separates them, the wanted ones tell where they end.
fn headings(line: &str, wanted: &[&str]) -> Vec<Segment> {
    let longest = wanted.iter().map(|name| name.split(' ').count()).max().unwrap_or_default();
    let mut headings = Vec::new();
    for group in groups(words(line)) {
        let mut rest = group.as_slice();
        let has_wanted = |tail: &[Segment]| leading(tail, wanted, longest).is_some();
        let is_one = (rest.len() <= longest && wanted.contains(&joined(rest).text.as_str()))
            || !(0..rest.len()).any(|at| rest.get(at..).is_some_and(has_wanted));
        if is_one {
            headings.push(joined(rest));
            continue;
        }
        while !rest.is_empty() {
            let (heading, tail) = rest.split_at(leading(rest, wanted, longest).unwrap_or(1));
            headings.push(joined(heading));
            rest = tail;
        }
    }
    headings
}

/// Returns how many words the longest wanted heading has with which the words begin; none has more than `longest`.
fn leading(words: &[Segment], wanted: &[&str], longest: usize) -> Option<usize> {
    let lengths = (1..=words.len().min(longest)).rev();
    lengths
        .filter_map(|length| Some((length, words.get(..length)?)))
        .find(|(_, words)| wanted.contains(&joined(words).text.as_str()))
        .map(|(length, _)| length)
}

/// Returns where the wanted headings stand among these, in the same order.
fn positions(headings: &[Segment], wanted: &[&str]) -> Option<Vec<usize>> {
    let mut next = 0;
    let mut positions = Vec::new();
    for name in wanted {
        let found = headings.iter().skip(next).position(|heading| heading.text == *name)? + next;
        positions.push(found);
        next = found + 1;
    }
    Some(positions)
}

fn cells(line: &str, headings: &[Segment]) -> Vec<String> {
    let mut cells = vec![String::new(); headings.len()];
    for group in groups(words(line)) {
        let whole = joined(&group);
        let spans_several = overlapping(&whole, headings).count() > 1;
        let values = if spans_several { group } else { vec![whole] };
        for value in values {
            if let Some(cell) = column(&value, headings).and_then(|at| cells.get_mut(at)) {
                if !cell.is_empty() {
                    cell.push(' ');
                }
                cell.push_str(&value.text);
            }
        }
    }
    cells
}

/// Returns the column that a value belongs to.
fn column(value: &Segment, headings: &[Segment]) -> Option<usize> {
    let first = overlapping(value, headings).fold(None, |best: Option<(usize, usize)>, (at, overlap)| {
        // Of equal overlaps the first counts.
        if best.is_some_and(|(_, most)| most >= overlap) { best } else { Some((at, overlap)) }
    });
    match first {
        Some((at, _)) => Some(at),
        None if headings.is_empty() => None,
        None => Some(headings.partition_point(|heading| heading.start <= value.start).saturating_sub(1)),
    }
}

/// Returns the headings that a value overlaps, and by how much. Headings stand side by side, so they are found at once in
/// a line of any length.
fn overlapping<'a>(value: &'a Segment, headings: &'a [Segment]) -> impl Iterator<Item = (usize, usize)> + 'a {
    let first = headings.partition_point(|heading| heading.end <= value.start);
    let from = headings.iter().enumerate().skip(first);
    from.take_while(|(_, heading)| heading.start < value.end)
        .map(|(at, heading)| (at, overlap(heading, value)))
        .filter(|(_, overlap)| *overlap > 0)
}

fn overlap(one: &Segment, other: &Segment) -> usize {
    one.end.min(other.end).saturating_sub(one.start.max(other.start))
}

/// Splits a line at blanks and at the vertical lines of a frame.
fn words(line: &str) -> Vec<Segment> {
    let mut words: Vec<Segment> = Vec::new();
    let mut at = 0;
    let mut is_inside = false;
    for character in line.chars() {
        let end = if character == '\t' { (at / TAB + 1) * TAB } else { at + character.width().unwrap_or(0) };
        let is_blank = character.is_whitespace() || matches!(character, '│' | '┃' | '|');
        match words.last_mut() {
            _ if is_blank => {}
            Some(word) if is_inside => {
                word.text.push(character);
                word.end = end;
            }
            _ => words.push(Segment { start: at, end, text: character.to_string() }),
        }
        is_inside = !is_blank;
        at = end;
    }
    words
}

/// Groups words that only a single blank separates.
fn groups(words: Vec<Segment>) -> Vec<Vec<Segment>> {
    let mut groups: Vec<Vec<Segment>> = Vec::new();
    for word in words {
        match groups.last_mut() {
            Some(group) if group.last().is_some_and(|last| word.start < last.end + GAP) => group.push(word),
            _ => groups.push(vec![word]),
        }
    }
    groups
}

fn joined(words: &[Segment]) -> Segment {
    let texts: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
    Segment {
        start: words.first().map_or(0, |word| word.start),
        end: words.last().map_or(0, |word| word.end),
        text: texts.join(" "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WANTED: [&str; 3] = ["NAME", "USES", "EXPIRES"];

    fn read(table: &str, wanted: &[&str]) -> Option<Vec<Vec<String>>> {
        Some(rows(table, wanted)?.into_iter().map(|row| row.cells).collect())
    }

    #[test]
    fn values_belong_to_the_headings_above_them() {
        let documented = "
KEY PREFIX     NAME                 REUSABLE   EPHEMERAL  USES   EXPIRES
──────────────────────────────────────────────────────────────────────────────────
tskey-auth-xx  usage-tracking-key   true       false      2      2026-04-16
tskey-auth-yy  Q2 laptops           false      false      1      2026-03-24 (revoked)
tskey-auth-zz                       false      false      0      never";
        let expected = [
            ["usage-tracking-key", "2", "2026-04-16"],
            ["Q2 laptops", "1", "2026-03-24 (revoked)"],
            ["", "0", "never"],
        ];
        assert_eq!(read(documented, &WANTED).unwrap()[1..], expected);
        for (name, table) in [
            (
                "aligned right",
                "  NAME   USES       EXPIRES\n   key     12    2026-04-16\nlaptop      3  16 April 2026",
            ),
            (
                "framed",
                "┌──────┬──────┬──────────┐\n│ NAME │ USES │ EXPIRES  │\n├──────┼──────┼──────────┤\n│ key  │   12 │ 2026-04-16 │",
            ),
            ("narrow", "NAME REVOKED USES EXPIRES\nkey  false   12   2026-04-16"),
            ("tabs", "NAME\tUSES\tEXPIRES\nkey\t12\t2026-04-16"),
            ("full columns", "NAME    USES EXPIRES\nkey     12   2026-04-16"),
            ("no gap", "NAME                 USES   EXPIRES\nkey                  12     2026-04-16"),
            ("wide characters", "名前  NAME  USES  EXPIRES\n日本  key   12    2026-04-16"),
        ] {
            let read = read(table, &WANTED).unwrap();
            assert!(read.iter().any(|row| row == &["key", "12", "2026-04-16"]), "{name}: {read:?}");
        }
        let full = "NAME                 USES EXPIRES\na-name-of-twenty-chr 12   in 45 min";
        assert_eq!(read(full, &WANTED).unwrap(), [["a-name-of-twenty-chr", "12", "in 45 min"]]);
    }

    #[test]
    fn misplaced_values_are_not_read_as_the_documented_row() {
        for table in [
            "KEY PREFIX     NAME                 REUSABLE   USES   EXPIRES\ntskey-auth-xx  usage-key  true  1  2026-04-16",
            "KEY PREFIX NAME REUSABLE USES EXPIRES\ntskey-auth-xx usage-key true 1 2026-04-16",
            "NAME       USES  EXPIRES\n1          usage-key  2026-04-16",
        ] {
            let read = read(table, &WANTED).unwrap();
            assert!(!read.iter().any(|row| row == &["usage-key", "1", "2026-04-16"]), "{read:?}");
        }
        for table in ["", "NAME  USES", "EXPIRES  USES  NAME", "name  uses  expires", "NAMES  USES  EXPIRES"]
        {
            assert_eq!(read(table, &WANTED), None, "{table}");
        }
    }

    #[test]
    fn long_lines_are_read_in_bounded_time() {
        let begun = std::time::Instant::now();
        let words = "WORD ".repeat(100_000);
        assert_eq!(read(&words, &WANTED), None);
        let wide = format!("{}NAME  USES  EXPIRES\n{}", "X  ".repeat(50_000), "1  ".repeat(60_000));
        assert_eq!(read(&wide, &WANTED).unwrap().len(), 1);
        let rows = format!("NAME  USES  EXPIRES\n{}", "key   1     never\n".repeat(100_000));
        assert_eq!(read(&rows, &WANTED).unwrap().len(), 100_000);
        assert!(begun.elapsed().as_secs() < 10, "{:?}", begun.elapsed());
    }

    #[test]
    fn headings_of_several_words_are_whole() {
        let table = "KEY PREFIX  NAME\ntskey-auth  a";
        assert_eq!(read(table, &["PREFIX"]).unwrap(), [["tskey-auth"]]);
        assert_eq!(read(table, &["KEY PREFIX", "NAME"]).unwrap(), [["tskey-auth", "a"]]);
    }
}
