//! Reads and writes packets of the TUN device, as many per call as the kernel supports.

use std::io;

use tun_rs::{AsyncDevice, IDEAL_BATCH_SIZE, VIRTIO_NET_HDR_LEN};

use super::error::DeviceError;
use super::packet_writer::{PacketWriter, is_gone};
use crate::tunnel::core::{HEADROOM, Packets};

/// The largest read: virtio's header and a packet that has not been divided yet.
const MAX_READ_LEN: usize = VIRTIO_NET_HDR_LEN + 65_535;

/// The largest divided packet: the MTU, with room for a larger one set by an administrator.
const MAX_PACKET_LEN: usize = 2048;

/// Number of reads in a row before anything else gets its turn.
const MAX_READS_PER_TURN: usize = 4;

/// virtio's header must fit before each packet.
const _: () = assert!(HEADROOM == VIRTIO_NET_HDR_LEN);

/// A device that is up, and its buffers.
pub(super) struct DeviceIo {
    device: AsyncDevice,
    name: String,
    undivided: Vec<u8>,
    divided: Vec<[u8; MAX_PACKET_LEN]>,
    lengths: Vec<usize>,
    writer: PacketWriter,
}

impl DeviceIo {
    pub(super) fn new(device: AsyncDevice, name: String) -> Self {
        Self {
            device,
            name,
            undivided: vec![0; MAX_READ_LEN],
            divided: vec![[0; MAX_PACKET_LEN]; IDEAL_BATCH_SIZE],
            lengths: vec![0; IDEAL_BATCH_SIZE],
            writer: PacketWriter::default(),
        }
    }

    pub(super) async fn readable(&self) -> Result<(), DeviceError> {
        self.device.readable().await.map_err(|cause| self.gone(cause))
    }

    /// Passes packets from the kernel to `each`.
    pub(super) fn read(&mut self, mut each: impl FnMut(&[u8])) -> Result<(), DeviceError> {
        for _ in 0..MAX_READS_PER_TURN {
            let Self { device, undivided, divided, lengths, .. } = self;
            match device.try_recv_multiple(undivided, divided, lengths, 0) {
                Ok(packets) => {
                    for (packet, length) in divided.iter().zip(lengths.iter()).take(packets) {
                        each(packet.get(..*length).unwrap_or_default());
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(cause) if is_gone(&cause) => return Err(self.gone(cause)),
                // A packet that cannot be divided is dropped.
                Err(error) => tracing::debug!(%error, "reading from the TUN device failed"),
            }
        }
        Ok(())
    }

    pub(super) fn write(&mut self, packets: &mut Packets) -> Result<(), DeviceError> {
        let Self { device, writer, .. } = self;
        let written = writer.write(packets, |framed| device.try_send(framed));
        written.map_err(|cause| self.gone(cause))
    }

    fn gone(&self, cause: io::Error) -> DeviceError {
        DeviceError::Gone { name: self.name.clone(), cause }
    }
}
