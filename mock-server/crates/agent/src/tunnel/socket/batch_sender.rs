//! Sends batches of datagrams in one call (GSO) wherever the system supports it.

use std::collections::HashSet;
use std::io;

use rustix::io::Errno;

use crate::tunnel::core::{Batch, PeerPath};

/// Number of paths that are remembered; then all of them are forgotten and tried again.
const MAX_REMEMBERED_PATHS: usize = 1024;

/// Remembers for which paths the system refuses batches.
#[derive(Debug, Default)]
pub(super) struct BatchSender {
    /// Paths for which a batch was refused but single datagrams were accepted, because of the network card or because the
    /// path's MTU requires fragments.
    without_batches: HashSet<PeerPath>,
}

impl BatchSender {
    /// Sends the unsent datagrams of `batch` through `send`, which takes contiguous datagrams and, if there is more than
    /// one, the length of each.
    ///
    /// # Errors
    /// `WouldBlock` if the rest must be sent later.
    pub(super) fn send(
        &mut self,
        batch: &mut Batch,
        mut send: impl FnMut(&[u8], Option<usize>) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut refused = false;
        if batch.bytes().len() > batch.segment() && !self.without_batches.contains(&batch.to()) {
            match send(batch.bytes(), Some(batch.segment())) {
                Ok(()) => {
                    batch.sent(usize::MAX);
                    return Ok(());
                }
                Err(error) if refuses_batches(&error) => refused = true,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Err(error),
                Err(error) => {
                    tracing::debug!(%error, to = %batch.to(), "sending failed");
                    batch.sent(usize::MAX);
                    return Ok(());
                }
            }
        }
        while !batch.bytes().is_empty() {
            let length = batch.segment().min(batch.bytes().len());
            match send(batch.bytes().get(..length).unwrap_or_default(), None) {
                Ok(()) => {
                    if std::mem::take(&mut refused) {
                        self.remember(batch.to());
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Err(error),
                Err(error) => tracing::debug!(%error, to = %batch.to(), "sending"),
            }
            batch.sent(length);
        }
        Ok(())
    }
}

impl BatchSender {
    fn remember(&mut self, path: PeerPath) {
        tracing::info!(%path, "the system refuses batches of datagrams on this path; sending them one by one from now on");
        if self.without_batches.len() >= MAX_REMEMBERED_PATHS {
            self.without_batches.clear();
        }
        self.without_batches.insert(path);
    }
}

/// Returns whether the error means that the network card or the path does not support batches.
fn refuses_batches(error: &io::Error) -> bool {
    let codes = [Errno::IO, Errno::INVAL, Errno::MSGSIZE, Errno::OPNOTSUPP];
    error.raw_os_error().is_some_and(|code| codes.iter().any(|known| known.raw_os_error() == code))
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;

    fn path(last: u8) -> PeerPath {
        SocketAddr::from(([192, 0, 2, last], 7)).into()
    }

    fn batch(datagrams: usize) -> Batch {
        Batch::of(path(7), (0..datagrams).map(|number| vec![u8::try_from(number).unwrap(); 100]))
    }

    fn refused(code: Errno) -> io::Error {
        io::Error::from_raw_os_error(code.raw_os_error())
    }

    #[test]
    fn single_datagrams_are_sent_where_batches_are_refused() {
        for code in [Errno::IO, Errno::INVAL, Errno::MSGSIZE, Errno::OPNOTSUPP] {
            let mut sending = BatchSender::default();
            let mut sent = Vec::new();
            let mut tries = 0;
            for _ in 0..2 {
                let mut batch = batch(3);
                let result = sending.send(&mut batch, |bytes, segment| {
                    tries += usize::from(segment.is_some());
                    if segment.is_some() {
                        return Err(refused(code));
                    }
                    sent.push(bytes[0]);
                    Ok(())
                });
                result.unwrap();
                assert!(batch.bytes().is_empty());
            }
            assert_eq!(sent, [0, 1, 2, 0, 1, 2]);
            assert_eq!(tries, 1, "batches are not tried again");
            let mut elsewhere = Batch::of(path(8), [vec![0; 100], vec![0; 100]]);
            let sent = sending.send(&mut elsewhere, |_, segment| {
                assert_eq!(segment, Some(100));
                Ok(())
            });
            sent.unwrap();
        }
    }

    #[test]
    fn refused_single_datagrams_do_not_disable_batches() {
        let mut sending = BatchSender::default();
        sending.send(&mut batch(3), |_, _| Err(refused(Errno::MSGSIZE))).unwrap();
        let mut calls = Vec::new();
        let sent = sending.send(&mut batch(3), |bytes, segment| {
            calls.push((bytes.len(), segment));
            Ok(())
        });
        sent.unwrap();
        assert_eq!(calls, [(300, Some(100))]);
    }

    #[test]
    fn blocked_datagrams_are_sent_later_exactly_once() {
        let mut sending = BatchSender { without_batches: [path(7)].into() };
        let mut batch = batch(3);
        let mut sent = Vec::new();
        for room in [1, 0, 2] {
            let mut room = room;
            let result = sending.send(&mut batch, |bytes, _| {
                if room == 0 {
                    return Err(io::ErrorKind::WouldBlock.into());
                }
                room -= 1;
                sent.push(bytes[0]);
                Ok(())
            });
            assert_eq!(result.is_ok(), sent.len() == 3);
        }
        assert_eq!(sent, [0, 1, 2]);
    }

    #[test]
    fn other_errors_drop_only_the_batch() {
        let mut sending = BatchSender::default();
        let mut batch = batch(2);
        sending.send(&mut batch, |_, _| Err(refused(Errno::HOSTUNREACH))).unwrap();
        assert!(batch.bytes().is_empty() && sending.without_batches.is_empty());
    }
}
