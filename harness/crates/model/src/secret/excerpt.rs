//! Parts of long texts. Secrets are redacted before the text is cut, so that no part of one is left at the cut.

use std::borrow::Cow;

use super::Secrets;
use super::segment::Segment;
use crate::text::foreign::shown;
use crate::text::truncated;

/// How many bytes behind the cut are read as well: a secret may begin before it, in a long spelling. The bounds are for
/// secrets that are recognised by their form.
const MIN_MARGIN: usize = 8 * 1024;
const MAX_MARGIN: usize = 64 * 1024;
/// How many bytes spell a byte in the longest usual spellings, such as JSON in JSON.
const MAX_SPELLING_LEN: usize = 12;

impl Secrets {
    /// Redacts the first `max_len` bytes of a text and says on a last line how many more there are.
    pub fn conceal_long(&self, text: &str, max_len: usize) -> String {
        let (mut kept, read) = self.beginning(text, max_len);
        if read < text.len() {
            kept.push_str(&format!("\n… {} bytes more", text.len() - read));
        }
        kept
    }

    /// Redacts a text and cuts it to `max_len` characters, with the number of all of them behind.
    pub fn excerpt(&self, text: &str, max_len: usize) -> String {
        let (kept, read) = self.beginning(text, max_len.saturating_mul(4));
        if read >= text.len() && kept.char_indices().nth(max_len).is_none() {
            return kept;
        }
        let kept: String = kept.chars().take(max_len.saturating_sub(1)).collect();
        format!("{kept}… ({} characters)", text.chars().count())
    }

    /// Does the same for a text whose lines are joined into one.
    pub fn line(&self, text: &str, max_len: usize) -> String {
        let (kept, read) = self.beginning(text, max_len.saturating_mul(8));
        let line =
            kept.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ⏎ ");
        match truncated(&line, max_len) {
            Cow::Borrowed(whole) if read >= text.len() => whole.to_owned(),
            Cow::Owned(cut) => format!("{cut} ({} characters)", text.trim().chars().count()),
            Cow::Borrowed(cut) => format!("{cut}… ({} characters)", text.trim().chars().count()),
        }
    }

    /// Returns the first `max_len` bytes, or somewhat more if a secret crosses the end, and how many bytes they were.
    fn beginning(&self, text: &str, max_len: usize) -> (String, usize) {
        let margin = (self.longest() * MAX_SPELLING_LEN).clamp(MIN_MARGIN, MAX_MARGIN);
        let window = before(text, max_len.saturating_add(margin));
        let mut kept = String::new();
        let mut read = 0;
        for segment in self.segments(window) {
            if read >= max_len {
                break;
            }
            match segment {
                Segment::Plain(plain) => {
                    let plain = before(plain, max_len - read);
                    kept.push_str(&shown(plain));
                    read += plain.len();
                    if plain.is_empty() {
                        break;
                    }
                }
                Segment::Secret { text, shown, .. } => {
                    kept.push_str(&shown);
                    read += text.len();
                }
            }
        }
        (kept, read)
    }
}

/// Returns the text's first bytes, up to a whole character.
fn before(text: &str, max_len: usize) -> &str {
    let end = (0..=max_len.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    text.get(..end.unwrap_or_default()).unwrap_or_default()
}
