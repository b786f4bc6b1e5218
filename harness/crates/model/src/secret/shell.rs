//! Shell commands in which variables replace secrets.

use super::Secrets;
use super::name::is_credential;
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

    /// Returns a header as one word of a shell command. A credential that was not learnt, such as a short cookie, becomes a
    /// variable of its header's name; what stands in `Authorization` comes from the scenario or was learnt.
    pub fn shell_header(&self, name: &str, value: &str) -> String {
        let is_learnt = self.segments(value).iter().any(|part| matches!(part, Segment::Secret { .. }));
        if is_learnt || !is_credential(name) || name.eq_ignore_ascii_case("authorization") {
            return self.shell_word(&format!("{name}: {value}"));
        }
        let letters = name.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '_' });
        format!("\"{name}: ${}\"", letters.collect::<String>().to_ascii_uppercase())
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
