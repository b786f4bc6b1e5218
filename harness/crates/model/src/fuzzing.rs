//! What the fuzz target does with its input, and the replay of its corpus.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};

use crate::check::header::Header;
use crate::secret::Secrets;
use crate::text::foreign::is_escaped;

/// Characters at which texts are cut.
const CUT: usize = 160;

/// The text of a target with a secret in it, in one of its spellings. The first three bytes choose the spelling, the length
/// of the secret and its place; the secret and the text follow.
///
/// # Panics
/// A character survives that [`is_escaped`] names, or a part of the secret does.
pub fn text_sink(input: &[u8]) {
    let [kind, length, place, rest @ ..] = input else { return };
    let length = 8 + usize::from(length % 40);
    let Some((secret, text)) = rest.split_at_checked(length) else { return };
    let secret: String = secret.iter().map(|byte| char::from(b'!' + byte % 94)).collect();
    // What looks like an escape of this program's own is no secret, nor is what says less than eight characters.
    if secret.contains("\\u") || (secret.contains(['%', '&', '\\']) && secret.len() < 40) {
        return;
    }
    let text = String::from_utf8_lossy(text);
    let place = (0..=usize::from(*place).min(text.len())).rev().find(|at| text.is_char_boundary(*at));
    let (before, after) = text.split_at(place.unwrap_or_default());
    let spelling = spelt(*kind, &secret);
    // An escape that begins before the secret would make another text of it.
    let delimiter = if length % 2 == 0 { ' ' } else { '"' };
    let text = format!("{before}{delimiter}{spelling}{after}");
    let secrets = Secrets::default();
    secrets.learn(&secret, "S");
    let header = secrets.conceal_header(&Header::new("x-echo", text.as_str()));
    for shown in [
        secrets.conceal(&text),
        secrets.line(&text, CUT),
        secrets.excerpt(&text, CUT),
        secrets.conceal_long(&text, CUT),
        header.value,
    ] {
        assert!(!shown.chars().any(is_escaped), "{text:?}: {shown:?}");
        let part: String = spelling.chars().take(12).collect();
        let is_elsewhere = before.contains(&part) || after.contains(&part);
        assert!(is_elsewhere || !shown.contains(&part), "{secret:?} in {text:?}: {shown:?}");
        assert!(!shown.contains(&secret), "{secret:?} in {text:?}: {shown:?}");
    }
}

/// Writes a secret in one of its usual spellings.
fn spelt(kind: u8, secret: &str) -> String {
    let each = |letter: &dyn Fn(u8) -> String| secret.bytes().map(letter).collect::<String>();
    let percent = |byte: u8| match byte {
        byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    match kind % 18 {
        0 => secret.to_owned(),
        1 => each(&|byte| format!("\\u{byte:04x}")),
        2 => serde_json::Value::from(secret).to_string(),
        3 => each(&percent),
        4 => each(&percent).replace('%', "%25"),
        5 => each(&|byte| format!("%{byte:02x}")),
        6 => each(&|byte| format!("&#{byte};")),
        7 => each(&|byte| format!("&#x{byte:X};")),
        8 => STANDARD.encode(secret),
        9 => STANDARD_NO_PAD.encode(format!("a{secret}")),
        10 => URL_SAFE.encode(format!("ab{secret}")),
        11 => URL_SAFE_NO_PAD.encode(format!("{secret}b")),
        12 => each(&|byte| format!("{byte:02x}")),
        13 => each(&|byte| format!("{byte:02X}:")),
        14 => secret.to_ascii_uppercase(),
        15 => each(&|byte| format!("\\x{byte:02x}")),
        16 => each(&|byte| format!("{}\u{200b}", char::from(byte))),
        _ => STANDARD.encode(STANDARD.encode(secret)),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    #[test]
    fn the_corpus_holds() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/text_sink");
        let mut inputs = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            super::text_sink(&std::fs::read(entry.unwrap().path()).unwrap());
            inputs += 1;
        }
        assert!(inputs > 15, "{inputs}");
    }
}
