use textwrap::{Options, WordSeparator, WordSplitter};

/// Wraps the text at `width` columns between words; longer words are not broken.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let options = Options::new(width)
        .break_words(false)
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::NoHyphenation);
    text.lines().flat_map(|line| textwrap::wrap(line, &options)).map(String::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wraps_between_words() {
        assert_eq!(wrap("a bb ccc dddd", 6), ["a bb", "ccc", "dddd"]);
        assert_eq!(wrap("overlong a\nb", 4), ["overlong", "a", "b"]);
        assert_eq!(wrap("", 4), Vec::<String>::new());
    }
}
