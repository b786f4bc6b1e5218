//! Placeholders as PostgreSQL spells them.

/// Turns `?1` into `$1`, except within quotes.
pub(super) fn numbered(sql: &str) -> String {
    let mut text = String::with_capacity(sql.len());
    let mut quote = None;
    let mut characters = sql.chars().peekable();
    while let Some(character) = characters.next() {
        match quote {
            Some(open) if character == open => quote = None,
            None if matches!(character, '\'' | '"') => quote = Some(character),
            _ => {}
        }
        let is_placeholder =
            character == '?' && quote.is_none() && characters.peek().is_some_and(char::is_ascii_digit);
        text.push(if is_placeholder { '$' } else { character });
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_renumbered_outside_of_quotes() {
        for (sqlite, postgres) in [
            (
                "SELECT a FROM b WHERE c = ?1 AND d IN (?2, ?10)",
                "SELECT a FROM b WHERE c = $1 AND d IN ($2, $10)",
            ),
            ("SELECT '?1', \"?2\", ?3", "SELECT '?1', \"?2\", $3"),
            (
                "a LIKE ?1 ESCAPE '\\' AND b = '''' AND c = ?2",
                "a LIKE $1 ESCAPE '\\' AND b = '''' AND c = $2",
            ),
            ("what?", "what?"),
        ] {
            assert_eq!(numbered(sqlite), postgres);
        }
    }
}
