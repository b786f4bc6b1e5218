//! What a terminal shows of a program's output.

use std::borrow::Cow;

const ESCAPE: char = '\u{1b}';

/// Removes the escape sequences of terminals (ECMA-48: colours, erased lines, titles, links), and ends a line at each
/// carriage return, behind which a terminal writes over it. No other character is lost, also if a sequence would hide it.
pub fn plain(text: &str) -> Cow<'_, str> {
    if !text.contains([ESCAPE, '\r']) {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find([ESCAPE, '\r']) {
        let (before, found) = rest.split_at(at);
        plain.push_str(before);
        rest = match found.strip_prefix('\r') {
            // The end of a line as Windows writes it stays.
            Some(after) if after.starts_with('\n') => {
                plain.push('\r');
                after
            }
            Some(after) => {
                plain.push('\n');
                after
            }
            None => after_sequence(found.get(ESCAPE.len_utf8()..).unwrap_or_default()),
        };
    }
    plain.push_str(rest);
    Cow::Owned(plain)
}

/// Returns what follows an escape sequence, whose `ESC` is already gone. One that is never completed ends with its line.
fn after_sequence(sequence: &str) -> &str {
    let mut characters = sequence.chars();
    match characters.next() {
        Some('[') => after_final(characters.as_str(), '\u{40}'..='\u{7e}'),
        Some(']' | 'P' | 'X' | '^' | '_') => after_string(characters.as_str()),
        Some('\u{20}'..='\u{2f}') => after_final(characters.as_str(), '\u{30}'..='\u{7e}'),
        Some('\u{30}'..='\u{7e}') => characters.as_str(),
        _ => sequence,
    }
}

/// Skips parameters up to the character that ends the sequence.
fn after_final(text: &str, last: std::ops::RangeInclusive<char>) -> &str {
    match text.find(|character| last.contains(&character) || character.is_control()) {
        Some(at) if text.get(at..).is_some_and(|end| end.starts_with(|end| last.contains(&end))) => {
            text.get(at + 1..).unwrap_or_default()
        }
        Some(at) => text.get(at..).unwrap_or_default(),
        None => "",
    }
}

/// Skips the text of a command, such as a title or the address of a link, up to `BEL` or `ESC \`.
fn after_string(text: &str) -> &str {
    let end = text.find(|character: char| character.is_control()).unwrap_or(text.len());
    let rest = text.get(end..).unwrap_or_default();
    ["\u{7}", "\u{1b}\\"].iter().find_map(|terminator| rest.strip_prefix(terminator)).unwrap_or(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_terminal_obeys_is_removed() {
        for (printed, shown) in [
            ("plain\r\ntext\n", "plain\r\ntext\n"),
            ("\u{1b}[32m✓\u{1b}[0m \u{1b}[1;38;5;208mRevoked\u{1b}[m", "✓ Revoked"),
            ("\u{1b}[?25l⠋ Connecting\r\u{1b}[2KConnected\u{1b}[?25h\n", "⠋ Connecting\nConnected\n"),
            ("\u{1b}]0;ztna\u{7}Version:\u{1b}(B 3", "Version: 3"),
            ("\u{1b}]8;;https://x.example/a\u{1b}\\guide\u{1b}]8;;\u{1b}\\", "guide"),
            ("tskey-\u{1b}[0mauth-\u{1b}7", "tskey-auth-"),
            ("cut \u{1b}[3\nnext \u{1b}]0;x\nlast \u{1b}", "cut \nnext \nlast "),
            ("\u{1b}é \u{1b}[31é", "é "),
        ] {
            assert_eq!(plain(printed), shown, "{printed:?}");
        }
    }
}
