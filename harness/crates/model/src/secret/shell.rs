//! Shell commands in which variables replace secrets.

use super::Secrets;
use super::segment::Segment;

impl Secrets {
    /// Returns the text as one word of a shell command, with secrets as variables.
    pub fn shell_word(&self, text: &str) -> String {
        let segments = self.segments(text);
        if !segments.iter().any(|segment| matches!(segment, Segment::Secret { .. })) {
            return shell_words::quote(text).into_owned();
        }
        let needs_no_escape = |segment: &Segment<'_>| match segment {
            Segment::Plain(text) => !text.contains(['"', '$', '`', '\\', '!']),
            Segment::Secret { .. } => true,
        };
        if segments.iter().all(needs_no_escape) {
            return format!("\"{}\"", with_variables(segments));
        }
        let quoted = |segment: Segment<'_>| match segment {
            Segment::Plain(text) => shell_words::quote(text).into_owned(),
            Segment::Secret { variable, .. } => format!("\"${variable}\""),
        };
        segments.into_iter().map(quoted).collect()
    }

    /// Returns a shell command with secrets replaced by variables.
    pub fn shell_line(&self, text: &str) -> String {
        with_variables(self.segments(text))
    }
}

fn with_variables(segments: Vec<Segment<'_>>) -> String {
    let replaced = |segment: Segment<'_>| match segment {
        Segment::Plain(text) => text.to_owned(),
        Segment::Secret { variable, .. } => format!("${{{variable}}}"),
    };
    segments.into_iter().map(replaced).collect()
}
