//! Decodes one escape of JSON, URLs, HTML or a shell.

/// A character and how many bytes spell it.
pub(super) struct Decoded {
    pub(super) letter: Letter,
    pub(super) length: usize,
}

/// A character, or one byte of a longer one.
pub(super) enum Letter {
    Char([u8; 4], usize),
    Byte([u8; 1]),
}

impl Letter {
    pub(super) fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Char(bytes, length) => bytes.get(..*length).unwrap_or_default(),
            Self::Byte(byte) => byte,
        }
    }
}

/// Characters of HTML that have names.
const ENTITIES: [(&str, char); 41] = [
    ("amp", '&'),
    ("lt", '<'),
    ("gt", '>'),
    ("quot", '"'),
    ("apos", '\''),
    ("nbsp", ' '),
    ("Tab", '\t'),
    ("NewLine", '\n'),
    ("excl", '!'),
    ("num", '#'),
    ("dollar", '$'),
    ("percnt", '%'),
    ("lpar", '('),
    ("rpar", ')'),
    ("ast", '*'),
    ("midast", '*'),
    ("plus", '+'),
    ("comma", ','),
    ("hyphen", '-'),
    ("dash", '-'),
    ("period", '.'),
    ("sol", '/'),
    ("colon", ':'),
    ("semi", ';'),
    ("equals", '='),
    ("quest", '?'),
    ("commat", '@'),
    ("lsqb", '['),
    ("lbrack", '['),
    ("bsol", '\\'),
    ("rsqb", ']'),
    ("rbrack", ']'),
    ("Hat", '^'),
    ("lowbar", '_'),
    ("UnderBar", '_'),
    ("grave", '`'),
    ("lcub", '{'),
    ("lbrace", '{'),
    ("verbar", '|'),
    ("rcub", '}'),
    ("rbrace", '}'),
];
/// The longest reference to a character in HTML.
const MAX_ENTITY_LEN: usize = 12;

/// Decodes the escape with which the bytes begin.
pub(super) fn decode(bytes: &[u8]) -> Option<Decoded> {
    match bytes.first()? {
        b'\\' => backslash(bytes),
        b'%' => percent(bytes),
        b'&' => entity(bytes),
        _ => None,
    }
}

fn backslash(bytes: &[u8]) -> Option<Decoded> {
    let letter = |letter| Some(Decoded::letter(letter, 2));
    match *bytes.get(1)? {
        b'u' if bytes.get(2) == Some(&b'{') => braced(bytes),
        b'u' => unicode(bytes),
        b'U' => Some(Decoded::letter(char::from_u32(hex(bytes.get(2..10)?)?)?, 10)),
        b'x' => byte(hex(bytes.get(2..4)?)?, 4),
        b'n' => letter('\n'),
        b'r' => letter('\r'),
        b't' => letter('\t'),
        b'b' => letter('\u{8}'),
        b'f' => letter('\u{c}'),
        b'0'..=b'3' => {
            let digits = bytes.get(1..4)?;
            let value = u32::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok()?;
            byte(value, 4)
        }
        other if other.is_ascii_punctuation() => letter(char::from(other)),
        _ => None,
    }
}

/// `\u0041`, or two halves of a character beyond 16 bits.
fn unicode(bytes: &[u8]) -> Option<Decoded> {
    let first = hex(bytes.get(2..6)?)?;
    let second = bytes.get(6..8).filter(|mark| mark == b"\\u").and_then(|_| hex(bytes.get(8..12)?));
    if let (0xd800..=0xdbff, Some(second @ 0xdc00..=0xdfff)) = (first, second) {
        let letter = char::from_u32(0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00))?;
        return Some(Decoded::letter(letter, 12));
    }
    Some(Decoded::letter(char::from_u32(first)?, 6))
}

/// `\u{41}`.
fn braced(bytes: &[u8]) -> Option<Decoded> {
    let end = bytes.iter().take(12).position(|byte| *byte == b'}')?;
    Some(Decoded::letter(char::from_u32(hex(bytes.get(3..end)?)?)?, end + 1))
}

/// `%41`, or `%u0041`.
fn percent(bytes: &[u8]) -> Option<Decoded> {
    match bytes.get(1)? {
        b'u' => Some(Decoded::letter(char::from_u32(hex(bytes.get(2..6)?)?)?, 6)),
        _ => byte(hex(bytes.get(1..3)?)?, 3),
    }
}

/// `&#65;`, `&#x41;` or `&amp;`, also without the semicolon.
fn entity(bytes: &[u8]) -> Option<Decoded> {
    let name_end = |from: usize, is_part: fn(&u8) -> bool| {
        let more = bytes.get(from..)?.iter().take(MAX_ENTITY_LEN);
        let end = from + more.take_while(|byte| is_part(byte)).count();
        Some((end, end + usize::from(bytes.get(end) == Some(&b';'))))
    };
    if bytes.get(1) == Some(&b'#') {
        if matches!(bytes.get(2), Some(b'x' | b'X')) {
            let (end, length) = name_end(3, u8::is_ascii_hexdigit)?;
            return Some(Decoded::letter(char::from_u32(hex(bytes.get(3..end)?)?)?, length));
        }
        let (end, length) = name_end(2, u8::is_ascii_digit)?;
        let value = std::str::from_utf8(bytes.get(2..end)?).ok()?.parse().ok()?;
        return Some(Decoded::letter(char::from_u32(value)?, length));
    }
    let (end, length) = name_end(1, u8::is_ascii_alphabetic)?;
    let name = std::str::from_utf8(bytes.get(1..end)?).ok()?;
    let found = ENTITIES.iter().find(|(known, _)| *known == name);
    found.filter(|_| length > end).map(|(_, letter)| Decoded::letter(*letter, length))
}

fn hex(digits: &[u8]) -> Option<u32> {
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

fn byte(value: u32, length: usize) -> Option<Decoded> {
    Some(Decoded { letter: Letter::Byte([u8::try_from(value).ok()?]), length })
}

impl Decoded {
    fn letter(letter: char, length: usize) -> Self {
        let mut bytes = [0; 4];
        let used = letter.encode_utf8(&mut bytes).len();
        Self { letter: Letter::Char(bytes, used), length }
    }
}
