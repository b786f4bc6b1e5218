//! Tailnet addresses as offsets into 100.64.0.0/10.

use std::net::{IpAddr, Ipv4Addr};

const BLOCK: u32 = u32::from_be_bytes([100, 64, 0, 0]);
/// The lowest assignable offset; 0 is the network address.
pub const FIRST: i64 = 1;
/// The highest assignable offset; the one above is the broadcast address.
pub const LAST: i64 = (1 << 22) - 2;

/// Returns the address at `offset`, or `None` outside [`FIRST`] to [`LAST`].
pub fn at(offset: i64) -> Option<Ipv4Addr> {
    let inside = (FIRST..=LAST).contains(&offset);
    let offset = u32::try_from(offset).ok().filter(|_| inside)?;
    BLOCK.checked_add(offset).map(Ipv4Addr::from_bits)
}

/// Parses an assignable address.
pub fn parse(address: &str) -> Option<Ipv4Addr> {
    offset(address).and_then(at)
}

/// Returns the offset of an assignable address.
pub fn offset(address: &str) -> Option<i64> {
    let address: Ipv4Addr = address.parse().ok()?;
    let offset = i64::from(address.to_bits().checked_sub(BLOCK)?);
    (FIRST..=LAST).contains(&offset).then_some(offset)
}

/// Returns whether an address belongs to the tailnet block, which is routed into the tunnel.
pub fn is_tailnet(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_bits() & !0x003f_ffff == BLOCK,
        IpAddr::V6(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_stay_within_the_block() {
        for (number, expected) in [
            (0, None),
            (1, Some("100.64.0.1")),
            (256, Some("100.64.1.0")),
            (LAST, Some("100.127.255.254")),
            (LAST + 1, None),
            (-1, None),
        ] {
            let address = at(number).map(|address| address.to_string());
            assert_eq!(address.as_deref(), expected);
            if let Some(address) = address {
                assert_eq!(offset(&address), Some(number));
            }
        }
        for wrong in ["10.0.0.1", "100.64.0.0", "100.127.255.255", "100.128.0.1", "100.064.0.1", "::1"] {
            assert_eq!((offset(wrong), parse(wrong)), (None, None), "{wrong}");
        }
        assert_eq!(offset("no"), None);
    }

    #[test]
    fn tailnet_addresses_are_recognised_in_both_families() {
        for (address, inside) in [
            ("100.64.0.0", true),
            ("100.127.255.255", true),
            ("::ffff:100.64.0.1", true),
            ("100.63.255.255", false),
            ("100.128.0.0", false),
            ("fd00::1", false),
        ] {
            assert_eq!(is_tailnet(address.parse().unwrap()), inside, "{address}");
        }
    }
}
