//! Tags of machines: how they are written, and which may be claimed.

use super::Refusal;

/// The most characters a tag has, its prefix not counted.
const LONGEST: usize = 63;
/// The most tags a list has.
const MOST: usize = 64;

/// Brings a list of tags into the form in which they are kept: without the `tag:` prefix
/// (`generate/ST3.1`), each once, in the order they came. `field` is what the request calls the list.
pub fn normalise(field: &str, tags: &[String]) -> Result<Vec<String>, Refusal> {
    if tags.len() > MOST {
        return Err(Refusal::invalid(format!("{field} must not hold more than {MOST} tags")));
    }
    let mut kept: Vec<String> = Vec::with_capacity(tags.len());
    for tag in tags {
        let bare = tag.strip_prefix("tag:").unwrap_or(tag);
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if bare.is_empty() || bare.len() > LONGEST || !bare.chars().all(fits) {
            return Err(Refusal::invalid(format!(
                "{field} must hold tags of 1 to {LONGEST} letters, digits, '-', '_' or '.', with or without 'tag:'"
            )));
        }
        if !kept.iter().any(|known| known == bare) {
            kept.push(bare.to_owned());
        }
    }
    Ok(kept)
}

/// Accepts claimed tags that are all among `allowed`; `None` allows any (`generate/ST3.2`).
pub fn within(claimed: &[String], allowed: Option<&[String]>) -> Result<(), Refusal> {
    let Some(allowed) = allowed else { return Ok(()) };
    let tags: Vec<String> = claimed.iter().filter(|tag| !allowed.contains(tag)).cloned().collect();
    if tags.is_empty() { Ok(()) } else { Err(Refusal::TagNotAllowed { tags }) }
}

/// The first list and what the second adds to it, which must not make it too long.
pub fn union(first: &[String], second: &[String]) -> Result<Vec<String>, Refusal> {
    let mut all = first.to_vec();
    all.extend(second.iter().filter(|tag| !first.contains(tag)).cloned());
    if all.len() > MOST {
        return Err(Refusal::invalid(format!("tags: a machine must not have more than {MOST} in all")));
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(list: &[&str]) -> Vec<String> {
        list.iter().map(|&tag| tag.to_owned()).collect()
    }

    #[test]
    fn the_prefix_is_stripped_once_and_doubles_are_dropped() {
        let kept = normalise("allowed_tags", &tags(&["server", "tag:production", "tag:server"])).unwrap();
        assert_eq!(kept, ["server", "production"]);
    }

    #[test]
    fn what_is_no_tag_is_refused() {
        for bad in ["", "tag:", "tag:tag:x", "a b", "a\0", "ü", "a,b", &"x".repeat(64)] {
            assert!(normalise("tags", &tags(&[bad])).is_err(), "{bad:?}");
        }
        assert!(normalise("tags", &tags(&["x"; 65])).is_err());
    }

    #[test]
    fn a_tag_of_63_characters_and_a_list_of_64_tags_are_the_longest() {
        let longest = tags(&[&"x".repeat(63)]);
        assert_eq!(normalise("tags", &longest).as_ref(), Ok(&longest));
        let most: Vec<String> = (0..64).map(|n| n.to_string()).collect();
        assert_eq!(normalise("tags", &most).as_ref(), Ok(&most));
    }

    #[test]
    fn claims_stay_within_what_is_allowed() {
        let allowed = tags(&["a", "b"]);
        assert_eq!(within(&tags(&["b"]), Some(&allowed)), Ok(()));
        assert_eq!(
            within(&tags(&["c", "a"]), Some(&allowed)),
            Err(Refusal::TagNotAllowed { tags: tags(&["c"]) })
        );
        assert_eq!(within(&tags(&["c"]), None), Ok(()));
    }

    #[test]
    fn what_is_added_is_added_once_and_not_without_end() {
        assert_eq!(union(&tags(&["a"]), &tags(&["b", "a"])), Ok(tags(&["a", "b"])));
        let many: Vec<String> = (0..MOST).map(|n| n.to_string()).collect();
        assert_eq!(union(&many, &tags(&["0"])).as_ref(), Ok(&many));
        assert!(matches!(union(&many, &tags(&["a"])), Err(Refusal::InvalidInput(_))));
    }
}
