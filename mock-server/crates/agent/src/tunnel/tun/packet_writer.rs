//! Writes packets to the kernel, joined where it supports that.

use std::io;

use rustix::io::Errno;
use tun_rs::{VirtioNetHdr, gso_split};

use super::coalescing::{self, Coalesced};
use crate::tunnel::core::{HEADROOM, Packets};

/// Buffer length for a packet of a joined one that is divided again.
const PART_LEN: usize = HEADROOM + 2048;

/// Remembers what the kernel supports, and a buffer.
#[derive(Debug, Default)]
pub(super) struct PacketWriter {
    groups: Vec<Coalesced>,
    /// The kernel refused a joined packet whose parts it accepted.
    joining_disabled: bool,
    /// The device is down, which was logged.
    down: bool,
}

impl PacketWriter {
    /// Writes packets through `send`, each preceded by virtio's header.
    ///
    /// # Errors
    /// If the device no longer exists. Packets that the kernel refuses for other reasons are dropped.
    pub(super) fn write(
        &mut self,
        packets: &mut Packets,
        mut send: impl FnMut(&[u8]) -> io::Result<usize>,
    ) -> io::Result<()> {
        let mut groups = std::mem::take(&mut self.groups);
        let (bytes, ranges) = packets.parts();
        coalescing::coalesce(bytes, ranges, self.joining_disabled, &mut groups);
        let written = groups.drain(..).try_for_each(|group| {
            let range = group.range.start.saturating_sub(HEADROOM)..group.range.end;
            let framed = bytes.get_mut(range).unwrap_or_default();
            match self.attempt(framed, &mut send)? {
                Some(refusal) if group.segments > 1 && refuses_groups(&refusal) => {
                    self.one_by_one(framed, group.segments, &mut send)
                }
                Some(error) => {
                    tracing::debug!(%error, "writing to the TUN device failed");
                    Ok(())
                }
                None => Ok(()),
            }
        });
        self.groups = groups;
        written
    }

    /// Writes one packet. Returns the kernel's error if it concerns only this packet.
    fn attempt(
        &mut self,
        framed: &[u8],
        send: &mut impl FnMut(&[u8]) -> io::Result<usize>,
    ) -> io::Result<Option<io::Error>> {
        match send(framed) {
            Ok(_) => {
                self.down = false;
                Ok(None)
            }
            Err(error) if is_gone(&error) => Err(error),
            Err(error) => {
                if is(&error, &[Errno::IO]) && !std::mem::replace(&mut self.down, true) {
                    tracing::warn!("the TUN device is down: no traffic until it is up again");
                }
                Ok(Some(error))
            }
        }
    }

    /// Divides a joined packet and writes its parts.
    fn one_by_one(
        &mut self,
        framed: &mut [u8],
        segments: usize,
        send: &mut impl FnMut(&[u8]) -> io::Result<usize>,
    ) -> io::Result<()> {
        let Some((header, packet)) = framed.split_at_mut_checked(HEADROOM) else { return Ok(()) };
        let (mut parts, mut lengths) = (vec![[0; PART_LEN]; segments], vec![0; segments]);
        let divided = VirtioNetHdr::decode(header)
            .and_then(|header| gso_split(packet, header, &mut parts, &mut lengths, HEADROOM, false));
        for (part, length) in parts.iter().zip(&lengths).take(divided.unwrap_or_default()) {
            let refusal = self.attempt(part.get(..HEADROOM + length).unwrap_or_default(), send)?;
            if refusal.is_none() && !std::mem::replace(&mut self.joining_disabled, true) {
                tracing::info!("the kernel refuses joined packets; writing them one by one from now on");
            }
        }
        Ok(())
    }
}

/// Returns whether an error of reading or writing means that the device no longer exists.
pub(super) fn is_gone(error: &io::Error) -> bool {
    is(error, &[Errno::BADFD, Errno::FAULT, Errno::BADF, Errno::NODEV])
}

fn refuses_groups(error: &io::Error) -> bool {
    is(error, &[Errno::INVAL, Errno::OPNOTSUPP, Errno::MSGSIZE])
}

fn is(error: &io::Error, codes: &[Errno]) -> bool {
    error.raw_os_error().is_some_and(|code| codes.iter().any(|known| known.raw_os_error() == code))
}

#[cfg(test)]
mod tests {
    use super::super::coalescing::tests::stream;
    use super::*;

    fn packets(all: &[Vec<u8>]) -> Packets {
        Packets::of(all.iter().map(Vec::as_slice))
    }

    fn refused(code: Errno) -> io::Error {
        io::Error::from_raw_os_error(code.raw_os_error())
    }

    #[test]
    fn refused_joined_packets_are_written_one_by_one() {
        for code in [Errno::INVAL, Errno::OPNOTSUPP, Errno::MSGSIZE] {
            let segments = stream(&[1000, 1000, 500]);
            let mut writer = PacketWriter::default();
            let (mut taken, mut groups) = (Vec::new(), 0);
            for _ in 0..2 {
                let written = writer.write(&mut packets(&segments), |framed| {
                    let group = framed[..HEADROOM].iter().any(|byte| *byte != 0);
                    groups += usize::from(group);
                    if group {
                        return Err(refused(code));
                    }
                    taken.push(framed[HEADROOM..].to_vec());
                    Ok(framed.len())
                });
                written.unwrap();
            }
            assert_eq!(taken, [segments.clone(), segments].concat());
            assert_eq!(groups, 1, "joined packets are not tried again");
        }
    }

    #[test]
    fn device_down_is_tolerated_and_device_gone_is_an_error() {
        let segments = stream(&[1000, 1000]);
        let mut writer = PacketWriter::default();
        writer.write(&mut packets(&segments), |_| Err(refused(Errno::IO))).unwrap();
        assert!(writer.down && !writer.joining_disabled);
        writer.write(&mut packets(&segments), |framed| Ok(framed.len())).unwrap();
        assert!(!writer.down);
        let gone = writer.write(&mut packets(&segments), |_| Err(refused(Errno::BADFD)));
        assert!(is_gone(&gone.unwrap_err()));
    }
}
