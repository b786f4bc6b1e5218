//! Many datagrams in one call, as long as the system agrees.

use std::io;

use rustix::io::Errno;

use crate::agent::tunnel::core::Batch;

/// What was learnt about the system below.
#[derive(Debug, Default)]
pub(super) struct Sending {
    /// A batch was refused whose datagrams went one by one.
    singly: bool,
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
        let several = batch.bytes().len() > batch.segment();
        if several && !self.singly {
            match send(batch.bytes(), Some(batch.segment())) {
                Ok(()) => {
                    batch.sent(usize::MAX);
                    return Ok(());
                }
                Err(error) if refuses_batches(&error) => {}
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
                Ok(()) if several && !self.singly => {
                    tracing::info!(
                        "the system takes no batches of datagrams; they go one by one from now on"
                    );
                    self.singly = true;
                }
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Err(error),
                Err(error) => tracing::debug!(%error, to = %batch.to(), "sending"),
            }
            batch.sent(length);
        }
        Ok(())
    }
}

/// A network card or a path that cannot do it says so in one of these ways, at any time.
fn refuses_batches(error: &io::Error) -> bool {
    let codes = [Errno::IO, Errno::INVAL, Errno::MSGSIZE, Errno::OPNOTSUPP];
    error.raw_os_error().is_some_and(|code| codes.iter().any(|known| known.raw_os_error() == code))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::tunnel::core::Place;
    use std::net::SocketAddr;

    fn batch(datagrams: usize) -> Batch {
        let to: Place = SocketAddr::from(([192, 0, 2, 7], 7)).into();
        Batch::of(to, (0..datagrams).map(|number| vec![u8::try_from(number).unwrap(); 100]))
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
                    if segment.is_some() { Err(refused(code)) } else { Ok(sent.push(bytes[0])) }
                });
                result.unwrap();
                assert!(batch.bytes().is_empty());
            }
            assert_eq!(sent, [0, 1, 2, 0, 1, 2]);
            assert_eq!(tries, 1, "it is not asked twice");
        }
    }

    #[test]
    fn a_path_too_narrow_for_each_is_no_reason_to_give_batches_up() {
        let mut sending = Sending::default();
        sending.send(&mut batch(3), |_, _| Err(refused(Errno::MSGSIZE))).unwrap();
        let mut calls = Vec::new();
        sending.send(&mut batch(3), |bytes, segment| Ok(calls.push((bytes.len(), segment)))).unwrap();
        assert_eq!(calls, [(300, Some(100))]);
    }

    #[test]
    fn what_has_to_wait_is_sent_later_and_once() {
        let mut sending = Sending { singly: true };
        let mut batch = batch(3);
        let mut sent = Vec::new();
        for room in [1, 0, 2] {
            let mut room = room;
            let result = sending.send(&mut batch, |bytes, _| {
                if room == 0 {
                    return Err(io::ErrorKind::WouldBlock.into());
                }
                room -= 1;
                Ok(sent.push(bytes[0]))
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
        assert!(batch.bytes().is_empty() && !sending.singly);
    }
}
