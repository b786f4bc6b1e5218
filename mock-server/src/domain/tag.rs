//! Tags of machines: their syntax, and which ones may be claimed.

pub use ztna_protocol::access::MAX_TAG_LEN;
use ztna_protocol::access::is_tag;

use super::Refusal;

/// The maximum number of tags in a list.
pub const MAX_TAGS: usize = 64;

/// Normalises tags to their stored form: without the `tag:` prefix (`generate/ST3.1`), without duplicates, in their
/// order. `field` is the list's name in the request.
pub fn normalise(field: &str, tags: &[String]) -> Result<Vec<String>, Refusal> {
    if tags.len() > MAX_TAGS {
        return Err(Refusal::invalid(format!("{field} must not have more than {MAX_TAGS} tags")));
    }
    let mut kept: Vec<String> = Vec::with_capacity(tags.len());
    for tag in tags {
        let bare = tag.strip_prefix("tag:").unwrap_or(tag);
        if !is_tag(bare) {
            return Err(Refusal::invalid(format!(
                "{field} must contain tags of 1 to {MAX_TAG_LEN} letters, digits, '-', '_' or '.', with or without 'tag:'"
            )));
        }
        if !kept.iter().any(|known| known == bare) {
            kept.push(bare.to_owned());
        }
    }
    Ok(kept)
}

/// Accepts claimed tags that are all among `allowed`; `None` allows any (`generate/ST3.2`).
pub fn check_allowed(claimed: &[String], allowed: Option<&[String]>) -> Result<(), Refusal> {
    let Some(allowed) = allowed else { return Ok(()) };
    let tags: Vec<String> = claimed.iter().filter(|tag| !allowed.contains(tag)).cloned().collect();
    if tags.is_empty() { Ok(()) } else { Err(Refusal::TagNotAllowed { tags }) }
}

/// Returns the first list followed by the new tags of the second, up to [`MAX_TAGS`].
pub fn union(first: &[String], second: &[String]) -> Result<Vec<String>, Refusal> {
    let mut all = first.to_vec();
    all.extend(second.iter().filter(|tag| !first.contains(tag)).cloned());
    if all.len() > MAX_TAGS {
        return Err(Refusal::invalid(format!("tags must not exceed {MAX_TAGS} per machine")));
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
    fn prefixes_are_stripped_once_and_duplicates_dropped() {
        let kept = normalise("allowed_tags", &tags(&["server", "tag:production", "tag:server"])).unwrap();
        assert_eq!(kept, ["server", "production"]);
    }

    #[test]
    fn invalid_tags_are_refused() {
        for bad in ["", "tag:", "tag:tag:x", "a b", "a\0", "ü", "a,b", &"x".repeat(64)] {
            assert!(normalise("tags", &tags(&[bad])).is_err(), "{bad:?}");
        }
        assert!(normalise("tags", &tags(&["x"; 65])).is_err());
    }

    #[test]
    fn the_longest_tag_and_list_are_accepted() {
        let longest = tags(&[&"x".repeat(63)]);
        assert_eq!(normalise("tags", &longest).as_ref(), Ok(&longest));
        let most: Vec<String> = (0..64).map(|n| n.to_string()).collect();
        assert_eq!(normalise("tags", &most).as_ref(), Ok(&most));
    }

    #[test]
    fn only_allowed_tags_may_be_claimed() {
        let allowed = tags(&["a", "b"]);
        assert_eq!(check_allowed(&tags(&["b"]), Some(&allowed)), Ok(()));
        assert_eq!(
            check_allowed(&tags(&["c", "a"]), Some(&allowed)),
            Err(Refusal::TagNotAllowed { tags: tags(&["c"]) })
        );
        assert_eq!(check_allowed(&tags(&["c"]), None), Ok(()));
    }

    #[test]
    fn unions_have_no_duplicates_and_a_limit() {
        assert_eq!(union(&tags(&["a"]), &tags(&["b", "a"])), Ok(tags(&["a", "b"])));
        let many: Vec<String> = (0..MAX_TAGS).map(|n| n.to_string()).collect();
        assert_eq!(union(&many, &tags(&["0"])).as_ref(), Ok(&many));
        assert!(matches!(union(&many, &tags(&["a"])), Err(Refusal::InvalidInput(_))));
    }
}
