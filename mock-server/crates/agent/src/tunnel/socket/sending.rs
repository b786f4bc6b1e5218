//! Many datagrams in one call, as long as the system agrees.

use std::collections::HashSet;
use std::io;

use rustix::io::Errno;

use crate::tunnel::core::{Batch, Place};

/// Places that are remembered; then all of them are tried anew.
const MOST_PLACES: usize = 1024;

/// What was learnt about the system below and the paths from here.
#[derive(Debug, Default)]
pub(super) struct Sending {
    /// Where a batch was refused whose datagrams went one by one: by the network card on the way, or because the path
    /// is so narrow that they are sent in fragments.
    singly: HashSet<Place>,
}

impl Sending {
    /// Sends what is left of `batch` through `send`, which takes datagrams without a gap and, if they are more than
    /// one, how long each is.
    ///
    /// # Errors
    /// `WouldBlock` if the rest has to wait.
    pub(super) fn send(
        &mut self,
        batch: &mut Batch,
        mut send: impl FnMut(&[u8], Option<usize>) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut refused = false;
        if batch.bytes().len() > batch.segment() && !self.singly.contains(&batch.to()) {
            match send(batch.bytes(), Some(batch.segment())) {
                Ok(()) => {
                    batch.sent(usize::MAX);
                    return Ok(());
                }
                Err(error) if refuses_batches(&error) => refused = true,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Err(error),
                Err(error) => {
                    tracing::debug!(%error, to = %batch.to(), "sending");
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

impl Sending {
    fn remember(&mut self, place: Place) {
        tracing::info!(%place, "the system takes no batches of datagrams there; they go one by one from now on");
        if self.singly.len() >= MOST_PLACES {
            self.singly.clear();
        }
        self.singly.insert(place);
    }
}

/// A network card or a path that cannot do it says so in one of these ways, at any time.
fn refuses_batches(error: &io::Error) -> bool {
    let codes = [Errno::IO, Errno::INVAL, Errno::MSGSIZE, Errno::OPNOTSUPP];
    error.raw_os_error().is_some_and(|code| codes.iter().any(|known| known.raw_os_error() == code))
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;

    fn place(last: u8) -> Place {
        SocketAddr::from(([192, 0, 2, last], 7)).into()
    }

    fn batch(datagrams: usize) -> Batch {
        Batch::of(place(7), (0..datagrams).map(|number| vec![u8::try_from(number).unwrap(); 100]))
    }

    fn refused(code: Errno) -> io::Error {
        io::Error::from_raw_os_error(code.raw_os_error())
    }

    #[test]
    fn a_system_that_refuses_batches_gets_datagrams() {
        for code in [Errno::IO, Errno::INVAL, Errno::MSGSIZE, Errno::OPNOTSUPP] {
            let mut sending = Sending::default();
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
            assert_eq!(tries, 1, "it is not asked twice");
            let mut elsewhere = Batch::of(place(8), [vec![0; 100], vec![0; 100]]);
            let sent = sending.send(&mut elsewhere, |_, segment| {
                assert_eq!(segment, Some(100));
                Ok(())
            });
            sent.unwrap();
        }
    }

    #[test]
    fn a_path_too_narrow_for_each_is_no_reason_to_give_batches_up() {
        let mut sending = Sending::default();
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
    fn what_has_to_wait_is_sent_later_and_once() {
        let mut sending = Sending { singly: [place(7)].into() };
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
    fn another_failure_loses_the_batch_and_nothing_more() {
        let mut sending = Sending::default();
        let mut batch = batch(2);
        sending.send(&mut batch, |_, _| Err(refused(Errno::HOSTUNREACH))).unwrap();
        assert!(batch.bytes().is_empty() && sending.singly.is_empty());
    }
}
