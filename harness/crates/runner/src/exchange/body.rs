//! Turns the bytes of a response into its text: removes content encodings and decodes the character set.

use std::io::Read;

use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use harness_model::check::header::Header;
use serde::de::IgnoredAny;

use super::failure::Failure;

/// What the kit can decode, for the header `Accept-Encoding`.
pub(super) const ACCEPTED: &str = "gzip, deflate";

/// How deep JSON may be nested: the parser's limit.
const MAX_DEPTH: usize = 127;

/// A body as text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Text {
    pub(super) text: String,
    /// Whether the bytes were not JSON although the text is, because they were not UTF-8.
    pub(super) not_json: bool,
}

/// Decodes a body.
///
/// # Errors
/// It is encoded in a way that the kit did not ask for, damaged, or larger or deeper than the kit reads. None of these
/// says anything about the target's conformance.
pub(super) fn decode(bytes: Vec<u8>, headers: &[Header], limit: usize) -> Result<Text, Failure> {
    let bytes = without_encodings(bytes, headers, limit)?;
    let text = text(&bytes, values(headers, "content-type").next().unwrap_or_default());
    if is_too_deep(&text.text) {
        return Err(Failure::TooDeep { limit: MAX_DEPTH });
    }
    Ok(text)
}

/// Returns a header's value. HTTP gives bytes beyond ASCII no meaning, so none is lost.
pub(super) fn header_text(bytes: &[u8]) -> String {
    std::str::from_utf8(bytes)
        .map_or_else(|_| bytes.iter().map(|byte| char::from(*byte)).collect(), str::to_owned)
}

fn values<'a>(headers: &'a [Header], name: &'a str) -> impl Iterator<Item = &'a str> {
    headers.iter().filter(move |header| header.name == name).map(|header| header.value.as_str())
}

fn without_encodings(mut bytes: Vec<u8>, headers: &[Header], limit: usize) -> Result<Vec<u8>, Failure> {
    let encodings: Vec<String> = values(headers, "content-encoding")
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .filter(|name| !name.is_empty() && name != "identity" && name != "none")
        .collect();
    // A response without a body may say how it would be encoded.
    if bytes.is_empty() {
        return Ok(bytes);
    }
    for encoding in encodings.iter().rev() {
        let decoded = match encoding.as_str() {
            "gzip" | "x-gzip" => read(MultiGzDecoder::new(bytes.as_slice()), limit),
            "deflate" | "x-deflate" => {
                // Some send the bare format, which the name does not mean.
                read(ZlibDecoder::new(bytes.as_slice()), limit)
                    .or_else(|_| read(DeflateDecoder::new(bytes.as_slice()), limit))
            }
            _ => return Err(Failure::Encoding(encoding.clone())),
        };
        bytes = decoded
            .map_err(|cause| Failure::Damaged { encoding: encoding.clone(), cause: cause.to_string() })?;
        if bytes.len() > limit {
            return Err(Failure::TooLong { limit });
        }
    }
    Ok(bytes)
}

/// Reads at most one byte more than the limit: a few bytes may stand for gigabytes.
fn read(from: impl Read, limit: usize) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    from.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn text(bytes: &[u8], content_type: &str) -> Text {
    let content_type = content_type.to_ascii_lowercase();
    let is_json = content_type.contains("json");
    let whole = |text: String| Text { text, not_json: false };
    match bytes {
        [0xef, 0xbb, 0xbf, rest @ ..] if std::str::from_utf8(rest).is_ok() => {
            return text(rest, "application/json");
        }
        [0xff, 0xfe, rest @ ..] => return whole(utf16(rest, u16::from_le_bytes)),
        [0xfe, 0xff, rest @ ..] => return whole(utf16(rest, u16::from_be_bytes)),
        [b'{' | b'[', 0, ..] if is_json => return whole(utf16(bytes, u16::from_le_bytes)),
        [0, b'{' | b'[', ..] if is_json => return whole(utf16(bytes, u16::from_be_bytes)),
        _ => {}
    }
    let charset = content_type.split(';').filter_map(|part| part.trim().strip_prefix("charset=")).next();
    let charset = charset.map(|charset| charset.trim_matches(['"', '\'', ' ']));
    let utf8 = std::str::from_utf8(bytes);
    match (utf8, charset) {
        // JSON is UTF-8 whatever the parameter says.
        (Ok(text), _) if is_json || charset.is_none() => whole(text.to_owned()),
        (_, Some("utf-16le")) => whole(utf16(bytes, u16::from_le_bytes)),
        (_, Some("utf-16" | "utf-16be")) => whole(utf16(bytes, u16::from_be_bytes)),
        (
            _,
            Some("iso-8859-1" | "iso8859-1" | "latin1" | "latin-1" | "windows-1252" | "cp1252" | "us-ascii"),
        ) => whole(bytes.iter().map(|byte| windows_1252(*byte)).collect()),
        (Ok(text), _) => whole(text.to_owned()),
        (Err(_), _) => {
            let text = String::from_utf8_lossy(bytes).into_owned();
            let not_json = serde_json::from_str::<IgnoredAny>(&text).is_ok();
            Text { text, not_json }
        }
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let units = bytes.chunks(2).map(|pair| unit([pair[0], pair.get(1).copied().unwrap_or_default()]));
    char::decode_utf16(units).map(|letter| letter.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

/// Latin-1 with the letters that browsers read in place of its control characters.
fn windows_1252(byte: u8) -> char {
    const LETTERS: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}',
        '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
    ];
    let letter = byte.checked_sub(0x80).and_then(|at| LETTERS.get(usize::from(at)));
    letter.copied().unwrap_or(char::from(byte))
}

/// Whether the text begins like JSON and is nested deeper than the parser goes.
fn is_too_deep(text: &str) -> bool {
    let brackets = text.bytes().filter(|byte| matches!(byte, b'{' | b'[')).count();
    if brackets <= MAX_DEPTH || !text.trim_start().starts_with(['{', '[']) {
        return false;
    }
    let (mut depth, mut is_string, mut is_escaped) = (0_usize, false, false);
    text.bytes().any(|byte| {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_string => is_escaped = true,
            b'"' => is_string = !is_string,
            b'{' | b'[' if !is_string => depth += 1,
            b'}' | b']' if !is_string => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth > MAX_DEPTH
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

    use super::*;

    const LIMIT: usize = 100_000;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zlib(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn deflate(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn decoded(bytes: Vec<u8>, headers: &[(&str, &str)]) -> Result<String, Failure> {
        let headers: Vec<Header> = headers.iter().map(|(name, value)| Header::new(*name, *value)).collect();
        decode(bytes, &headers, LIMIT).map(|text| text.text)
    }

    #[test]
    fn content_encodings_are_removed() {
        let body = b"{\"a\":\"\xc3\xa4\"}";
        let text = "{\"a\":\"ä\"}";
        for (bytes, encoding) in [
            (body.to_vec(), "identity"),
            (gzip(body), "gzip"),
            (gzip(body), "X-GZip"),
            ([gzip(b"{\"a\":"), gzip(b"\"\xc3\xa4\"}")].concat(), "gzip"),
            (zlib(body), "deflate"),
            (deflate(body), "deflate"),
            (gzip(&zlib(body)), "deflate, gzip"),
            (Vec::new(), "gzip"),
            (Vec::new(), "br"),
        ] {
            let expected = if bytes.is_empty() { "" } else { text };
            assert_eq!(decoded(bytes, &[("content-encoding", encoding)]).unwrap(), expected, "{encoding}");
        }
    }

    #[test]
    fn what_the_kit_cannot_decode_is_its_own_limit() {
        let body = gzip(b"{}");
        let cut = body[..body.len() - 6].to_vec();
        for (bytes, encoding, message) in [
            (body.clone(), "br", "the response is encoded with `br`"),
            (body, "gzip, zstd", "the response is encoded with `zstd`"),
            (cut, "gzip", "the response is no whole gzip"),
            (b"plain".to_vec(), "gzip", "the response is no whole gzip"),
            (gzip(&vec![b'a'; 50_000_000]), "gzip", "response too large"),
        ] {
            let failure = decoded(bytes, &[("content-encoding", encoding)]).unwrap_err();
            assert!(failure.to_string().contains(message), "{failure}");
        }
        let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
        assert_eq!(decoded(deep.into_bytes(), &[]), Err(Failure::TooDeep { limit: MAX_DEPTH }));
        let in_string = format!("{{\"a\":\"{}\"}}", "[".repeat(200));
        assert!(decoded(in_string.into_bytes(), &[]).is_ok());
    }

    #[test]
    fn character_sets_are_decoded() {
        let utf16 =
            |text: &str, bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
        let json = "{\"a\":\"ä\"}";
        for (bytes, content_type, text) in [
            (format!("\u{feff}{json}").into_bytes(), "application/json", json),
            (utf16(&format!("\u{feff}{json}"), u16::to_le_bytes), "application/json", json),
            (utf16(&format!("\u{feff}{json}"), u16::to_be_bytes), "text/plain", json),
            (utf16(json, u16::to_le_bytes), "application/json; charset=utf-16le", json),
            (utf16(json, u16::to_be_bytes), "application/json", json),
            (b"{\"a\":\"\xe4\"}".to_vec(), "application/json; charset=ISO-8859-1", json),
            (b"\x80 \xe4".to_vec(), "text/html;charset=\"windows-1252\"", "€ ä"),
            (json.as_bytes().to_vec(), "application/json; charset=latin1", json),
            (b"\xe4".to_vec(), "text/plain", "\u{fffd}"),
        ] {
            assert_eq!(decoded(bytes, &[("content-type", content_type)]).unwrap(), text, "{content_type}");
        }
        let invalid = decode(b"{\"a\":\"\xe4\"}".to_vec(), &[], LIMIT).unwrap();
        assert!(invalid.not_json, "bytes that are not UTF-8 are not JSON");
        assert_eq!(header_text(b"caf\xe9"), "café");
    }
}
