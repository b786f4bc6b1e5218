use std::io::{Cursor, Read as _};

use super::*;

fn archive() -> Vec<u8> {
    let mut writer = Writer::new(Vec::new());
    writer.add("a.txt", Method::Deflated, "aaaaaaaaaaaaaaaaaaaaaaaaaaaa".as_bytes()).unwrap();
    writer.add("b/empty", Method::Stored, "".as_bytes()).unwrap();
    writer.add("c.json", Method::Stored, "{}".as_bytes()).unwrap();
    writer.finish().unwrap()
}

/// Whether it opens, is canonical, and every member matches the directory.
fn is_sound(bytes: &[u8]) -> bool {
    let Ok(mut archive) = Archive::open(Cursor::new(bytes)) else { return false };
    if archive.find_non_canonical().unwrap().is_some() {
        return false;
    }
    let members = archive.members().to_vec();
    members.iter().all(|member| archive.read_all(member, 1000).is_ok())
}

#[test]
fn written_members_are_read_back() {
    let bytes = archive();
    assert!(is_sound(&bytes));
    let mut archive = Archive::open(Cursor::new(&bytes)).unwrap();
    let names: Vec<String> = archive.members().iter().map(|member| member.name().to_owned()).collect();
    assert_eq!(names, ["a.txt", "b/empty", "c.json"]);
    let member = archive.member("a.txt").unwrap();
    let mut text = String::new();
    archive.read(&member).unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(text, "a".repeat(28));
    assert!(archive.read_all(&member, 27).is_err());
}

/// The digest of everything before the last member, which a manifest records of the compressed bytes.
fn before_the_last(bytes: &[u8]) -> Option<String> {
    let mut archive = Archive::open(Cursor::new(bytes)).ok()?;
    let last = archive.members().last()?.clone();
    archive.digest_before(&last).ok().map(|before| before.sha256)
}

#[test]
fn any_truncation_insertion_or_bit_flip_is_detected() {
    let whole = archive();
    let digest = before_the_last(&whole);
    let passes = |bytes: &[u8]| is_sound(bytes) && before_the_last(bytes) == digest;
    assert!(passes(&whole));
    for length in 0..whole.len() {
        assert!(!passes(&whole[..length]), "cut off after {length} bytes");
    }
    for at in 0..=whole.len() {
        for byte in [0, b'P', 0xff] {
            let mut longer = whole.clone();
            longer.insert(at, byte);
            assert!(!passes(&longer), "{byte} inserted at {at}");
        }
    }
    for at in 0..whole.len() {
        for bit in 0..8 {
            let mut other = whole.clone();
            other[at] ^= 1 << bit;
            assert!(!passes(&other), "bit {bit} of byte {at}");
        }
    }
}

#[test]
fn zip_bomb_stops_at_the_claimed_size() {
    let mut writer = Writer::new(Vec::new());
    writer.add("bomb", Method::Deflated, std::io::repeat(0).take(10_000_000)).unwrap();
    let mut bytes = writer.finish().unwrap();
    assert!(bytes.len() < 20_000);
    // The directory claims a single byte.
    let directory =
        bytes.windows(4).rposition(|window| window == record::CENTRAL_SIGNATURE.to_le_bytes()).unwrap();
    bytes[directory + 24..directory + 28].copy_from_slice(&1_u32.to_le_bytes());
    let mut archive = Archive::open(Cursor::new(&bytes)).unwrap();
    let member = archive.member("bomb").unwrap();
    let error = archive.read_all(&member, 100).unwrap_err();
    assert_eq!(error.to_string(), "longer than the size in the directory");
}

#[test]
fn other_files_are_distinguished_from_truncated_archives() {
    let open = |bytes: &[u8]| Archive::open(Cursor::new(bytes.to_vec())).unwrap_err().to_string();
    assert_eq!(open(b""), "not a zip archive");
    assert_eq!(open(b"<html>"), "not a zip archive");
    assert!(open(&archive()[..60]).contains("truncated"));
}
