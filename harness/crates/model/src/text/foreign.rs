//! Shows text that others wrote: a target, an agent, a results file, a folder of scenarios. Terminals, log viewers, CI
//! servers and editors obey characters that nobody sees, so these are written as the escapes that JSON uses for them.
//! What was JSON stays the same JSON.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Returns the text with every character escaped that is not seen or that a reader of the output would obey: control
/// characters but line breaks and tabs, bidirectional controls, characters without width, private use and
/// noncharacters. Words that CI servers take for commands (`::error …`, `##[error]`, `##vso[…]`) are broken up.
pub fn shown(text: &str) -> Cow<'_, str> {
    escaped(text, false)
}

/// Does the same for a text that the kit has coloured: colour codes stay.
pub fn shown_in_colour(text: &str) -> Cow<'_, str> {
    escaped(text, true)
}

/// Whether [`shown`] escapes the character wherever it occurs.
pub fn is_escaped(letter: char) -> bool {
    !matches!(letter, '\n' | '\t') && is_unseen(letter)
}

fn escaped(text: &str, keeps_colours: bool) -> Cow<'_, str> {
    let mut shown = String::new();
    let mut copied = 0;
    let mut skip_to = 0;
    for (at, letter) in text.char_indices() {
        if at < skip_to || is_harmless(letter) {
            continue;
        }
        let rest = text.get(at..).unwrap_or_default();
        let escape = match letter {
            '\x1b' if keeps_colours && colour_code(rest) > 0 => {
                skip_to = at + colour_code(rest);
                continue;
            }
            '\r' if rest.starts_with("\r\n") => Escape::Nothing,
            ':' if is_command(text, at) => Escape::Letter,
            '#' if is_bracket_command(rest) => Escape::Letter,
            ':' | '#' => continue,
            _ => Escape::Letter,
        };
        shown.push_str(text.get(copied..at).unwrap_or_default());
        if let Escape::Letter = escape {
            push_escape(&mut shown, letter);
        }
        copied = at + letter.len_utf8();
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    shown.push_str(text.get(copied..).unwrap_or_default());
    Cow::Owned(shown)
}

enum Escape {
    Letter,
    /// The carriage return of a line break.
    Nothing,
}

fn is_harmless(letter: char) -> bool {
    matches!(letter, ' '..='"' | '$'..='9' | ';'..='~' | '\n' | '\t') || (letter > '~' && !is_unseen(letter))
}

/// Whether a `::` here begins a workflow command: blanks before it are ignored, and a line may be wrapped before it.
fn is_command(text: &str, at: usize) -> bool {
    let before = text.get(..at).and_then(|before| before.chars().next_back());
    let rest = text.get(at..).and_then(|rest| rest.strip_prefix("::"));
    before.is_none_or(|letter| letter.is_whitespace() || is_unseen(letter))
        && rest.is_some_and(|rest| rest.starts_with(|letter: char| letter.is_ascii_alphabetic()))
}

/// Whether a text begins like `##[`, `##vso[` or `##teamcity[`, which is a command anywhere in a line.
fn is_bracket_command(rest: &str) -> bool {
    rest.strip_prefix("##").is_some_and(|rest| {
        rest.trim_start_matches(|letter: char| letter.is_ascii_alphabetic()).starts_with('[')
    })
}

/// Returns the length of a colour code at the beginning.
fn colour_code(rest: &str) -> usize {
    let Some(code) = rest.strip_prefix("\x1b[") else { return 0 };
    let end = code.find(|letter: char| !letter.is_ascii_digit() && letter != ';').unwrap_or(code.len());
    if code.get(end..).is_some_and(|rest| rest.starts_with('m')) { 2 + end + 1 } else { 0 }
}

fn push_escape(shown: &mut String, letter: char) {
    for unit in letter.encode_utf16(&mut [0; 2]) {
        let _ = write!(shown, "\\u{unit:04x}");
    }
}

fn is_unseen(letter: char) -> bool {
    matches!(
        u32::from(letter),
        0x00..=0x1f
            | 0x7f..=0x9f
            | 0xad
            | 0x34f
            | 0x61c
            | 0x115f..=0x1160
            | 0x17b4..=0x17b5
            | 0x180b..=0x180f
            | 0x200b..=0x200f
            | 0x2028..=0x202e
            | 0x2060..=0x206f
            | 0x3164
            // Private use: what a font shows for it is unknown.
            | 0xe000..=0xf8ff
            // Variation selectors, but those of emoji.
            | 0xfe00..=0xfe0d
            | 0xfeff
            | 0xffa0
            | 0xfdd0..=0xfdef
            | 0xfff0..=0xfffb
            | 0x1bca0..=0x1bca3
            | 0x1d173..=0x1d17a
            // Tags, further variation selectors, private planes.
            | 0xe0000..=0x10_ffff
    ) || u32::from(letter) & 0xfffe == 0xfffe
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_not_seen_or_is_obeyed_is_escaped() {
        for (text, expected) in [
            (
                "plain, äöü 日本 ⚠️ ✓ a::b https://x #1 ## [x]",
                "plain, äöü 日本 ⚠️ ✓ a::b https://x #1 ## [x]",
            ),
            ("line\n\tline\r\nline", "line\n\tline\nline"),
            ("\x1b]0;owned\x07\x1b[2K\rover", "\\u001b]0;owned\\u0007\\u001b[2K\\u000dover"),
            ("\u{9b}31m\u{85}\x7f\0", "\\u009b31m\\u0085\\u007f\\u0000"),
            ("a\u{202e}b\u{2066}c\u{200b}d\u{feff}e\u{ad}", "a\\u202eb\\u2066c\\u200bd\\ufeffe\\u00ad"),
            ("\u{fffe}\u{ffff}\u{1ffff}\u{e0041}", "\\ufffe\\uffff\\ud83f\\udfff\\udb40\\udc41"),
            ("\u{2028}\u{2029}", "\\u2028\\u2029"),
            ("{\"a\":\"\\ud800\"}", "{\"a\":\"\\ud800\"}"),
            ("::error file=a::b", "\\u003a:error file=a::b"),
            ("x\n \t ::warning::b ::debug::c", "x\n \t \\u003a:warning::b \\u003a:debug::c"),
            ("\u{200b}::error::x", "\\u200b\\u003a:error::x"),
            ("at ::1, std::fmt", "at ::1, std::fmt"),
            ("##[error]x ##vso[task] ###[a]", "\\u0023#[error]x \\u0023#vso[task] #\\u0023#[a]"),
        ] {
            assert_eq!(shown(text), expected, "{text:?}");
            assert_eq!(shown(expected), expected, "a second time");
        }
    }

    #[test]
    fn only_colours_of_the_kit_stay() {
        let text = "\x1b[1;31mred\x1b[0m \x1b[2J\x1b[m";
        assert_eq!(shown_in_colour(text), "\x1b[1;31mred\x1b[0m \\u001b[2J\x1b[m");
    }

    proptest! {
        #[test]
        fn nothing_unseen_is_left_and_json_stays_the_same(text in any::<String>()) {
            let once = shown(&text).into_owned();
            prop_assert!(!once.chars().any(is_escaped), "{once:?}");
            prop_assert_eq!(shown(&once), once.as_str());
            let json = serde_json::Value::from(text.replace("\r\n", "")).to_string();
            let read: serde_json::Value = serde_json::from_str(&shown(&json)).unwrap();
            prop_assert_eq!(read.to_string(), json);
        }
    }
}
