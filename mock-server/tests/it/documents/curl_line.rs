//! The curl lines of a document, as a tester would copy them.

/// One command of a document and what the document says about its answer.
#[derive(Debug)]
pub(crate) struct CurlLine {
    /// The line in the document on which it starts, from 1.
    pub(crate) line: usize,
    /// The whole command, several lines joined as they stand.
    pub(crate) command: String,
    /// The JSON that the document shows as the answer, if it shows one before the next command.
    pub(crate) answer: Option<serde_json::Value>,
}

/// All curl lines of a document but those that fetch the installer.
pub(crate) fn of(document: &str) -> Vec<CurlLine> {
    let lines: Vec<&str> = document.lines().collect();
    let starts: Vec<usize> = (0..lines.len()).filter(|&at| starts(lines[at])).collect();
    starts
        .iter()
        .enumerate()
        .map(|(number, &start)| {
            let end = (start..lines.len()).find(|&at| complete(&lines[start..=at])).unwrap_or(start);
            let next = starts.get(number + 1).copied().unwrap_or(lines.len());
            let command = lines[start..=end].join("\n");
            CurlLine {
                line: start + 1,
                command: command.trim_start_matches("$ ").to_owned(),
                answer: answer(&lines[end + 1..next]),
            }
        })
        .collect()
}

fn starts(line: &str) -> bool {
    let line = line.trim_start_matches("$ ");
    line.starts_with("curl ") && !line.contains("install.sh")
}

/// A shell command is complete when its quotes are closed and its last line does not continue.
fn complete(lines: &[&str]) -> bool {
    let text = lines.join("\n");
    let mut quote = None;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match (quote, character) {
            (Some('\'') | None, '\'') => quote = if quote.is_some() { None } else { Some('\'') },
            (Some('"') | None, '"') => quote = if quote.is_some() { None } else { Some('"') },
            (Some('"') | None, '\\') => drop(characters.next()),
            _ => {}
        }
    }
    quote.is_none() && !text.ends_with('\\')
}

/// The first block of lines that is a JSON object.
fn answer(lines: &[&str]) -> Option<serde_json::Value> {
    let start = lines.iter().position(|line| *line == "{")?;
    let end = start + lines[start..].iter().position(|line| *line == "}")?;
    serde_json::from_str(&lines[start..=end].join("\n")).ok()
}
