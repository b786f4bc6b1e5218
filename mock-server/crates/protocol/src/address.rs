//! Tailnet addresses: offsets into 100.64.0.0/10.

use std::net::{IpAddr, Ipv4Addr};

const BLOCK: u32 = u32::from_be_bytes([100, 64, 0, 0]);
/// The first offset given out: the block's own address never is.
pub const FIRST: i64 = 1;
/// The last offset given out: the block's broadcast address never is.
pub const LAST: i64 = (1 << 22) - 2;

/// The address at that offset; `None` outside [`FIRST`] to [`LAST`].
pub fn at(offset: i64) -> Option<Ipv4Addr> {
    let inside = (FIRST..=LAST).contains(&offset);
    let offset = u32::try_from(offset).ok().filter(|_| inside)?;
    BLOCK.checked_add(offset).map(Ipv4Addr::from_bits)
}

/// The offset of an address of the block.
pub fn offset(address: &str) -> Option<i64> {
    let address: Ipv4Addr = address.parse().ok()?;
    let offset = i64::from(address.to_bits().checked_sub(BLOCK)?);
    (FIRST..=LAST).contains(&offset).then_some(offset)
}

/// Whether an address is of the block, and so leads into the tunnel.
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
        assert_eq!(offset("10.0.0.1"), None);
        assert_eq!(offset("no"), None);
    }

    #[test]
    fn what_leads_into_the_tunnel() {
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
