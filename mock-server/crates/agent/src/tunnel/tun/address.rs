//! The address of a network device, by one request of rtnetlink(7). What `tun-rs` has for this lists the addresses of
//! the device first, with seven crates that nothing else needs.

use std::io;
use std::net::Ipv4Addr;

use rustix::io::Errno;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socket_with};

const RTM_NEWADDR: u16 = 20;
/// NLM_F_REQUEST, NLM_F_ACK and NLM_F_CREATE.
const FLAGS: u16 = 0x1 | 0x4 | 0x400;
const AF_INET: u8 = 2;
const IFA_LOCAL: u16 = 2;

/// `struct nlmsghdr`, `struct ifaddrmsg`, and one attribute with an IPv4 address.
const REQUEST_LEN: u8 = 16 + 8 + 8;

/// Assigns an address to the device with this index; the kernel adds the route of its network.
///
/// # Errors
/// Those of the kernel.
pub(super) fn assign(device: u32, address: Ipv4Addr, prefix_len: u8) -> io::Result<()> {
    // Protocol 0 is NETLINK_ROUTE, and a socket that is not connected sends to the kernel.
    let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, None)?;
    send(&socket, &request(device, address, prefix_len), SendFlags::empty())?;
    // A header of 16 bytes, and the error as a negative number, or 0; the rest repeats the request.
    let mut reply = [0; 20];
    recv(&socket, &mut reply, RecvFlags::empty())?;
    let [.., a, b, c, d] = reply;
    match i32::from_ne_bytes([a, b, c, d]) {
        0 => Ok(()),
        error => Err(Errno::from_raw_os_error(error.saturating_neg()).into()),
    }
}

fn request(device: u32, address: Ipv4Addr, prefix_len: u8) -> Vec<u8> {
    [
        &u32::from(REQUEST_LEN).to_ne_bytes()[..],
        &RTM_NEWADDR.to_ne_bytes(),
        &FLAGS.to_ne_bytes(),
        // Number of the request, and of the sender's port, which the kernel knows.
        &[0; 8],
        // Without flags, and of universal scope.
        &[AF_INET, prefix_len, 0, 0],
        &device.to_ne_bytes(),
        &8_u16.to_ne_bytes(),
        &IFA_LOCAL.to_ne_bytes(),
        &address.octets(),
    ]
    .concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_has_the_length_that_it_names() {
        assert_eq!(request(1, Ipv4Addr::LOCALHOST, 10).len(), usize::from(REQUEST_LEN));
    }

    #[test]
    fn errors_are_the_kernels() {
        let error = assign(u32::MAX >> 1, Ipv4Addr::new(100, 64, 0, 1), 10).unwrap_err();
        // Without privilege the device is not looked for.
        let expected = [Errno::NODEV, Errno::PERM].map(|error| Some(error.raw_os_error()));
        assert!(expected.contains(&error.raw_os_error()), "{error}");
    }
}
