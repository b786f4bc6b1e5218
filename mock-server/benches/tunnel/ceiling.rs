//! Encryption without anything around it: what no tunnel on boringtun exceeds on one core.

use std::time::{Duration, Instant};

use boringtun::noise::{Tunn, TunnResult};
use boringtun::x25519::{PublicKey, StaticSecret};

use crate::samples::Samples;

/// The tunnel's MTU.
const PACKET: usize = 1420;
const SPAN: Duration = Duration::from_secs(1);
const ROUNDS: usize = 3;

pub(crate) fn gigabits() -> Samples {
    let mut sender = session();
    let mut packet = [0; PACKET];
    packet[0] = 0x45;
    let mut buffer = [0; PACKET + 64];
    let mut samples = Samples::default();
    for _ in 0..ROUNDS {
        let (start, mut bits) = (Instant::now(), 0.0);
        while start.elapsed() < SPAN {
            for _ in 0..1000 {
                assert!(matches!(sender.encapsulate(&packet, &mut buffer), TunnResult::WriteToNetwork(_)));
                bits += 8.0 * 1420.0;
            }
        }
        samples.push(bits / start.elapsed().as_secs_f64() / 1e9);
    }
    samples
}

/// One end of a handshake that was completed.
fn session() -> Tunn {
    let keys = [(); 2].map(|()| StaticSecret::from(rand::random::<[u8; 32]>()));
    let public = [PublicKey::from(&keys[0]), PublicKey::from(&keys[1])];
    let [one, other] = keys;
    let mut one = Tunn::new(one, public[1], None, None, 1, None);
    let mut other = Tunn::new(other, public[0], None, None, 2, None);
    let (mut a, mut b) = ([0; 256], [0; 256]);
    let written = |result: TunnResult<'_>| match result {
        TunnResult::WriteToNetwork(bytes) => bytes.to_vec(),
        other => panic!("no handshake: {other:?}"),
    };
    let initiation = written(one.format_handshake_initiation(&mut a, false));
    let response = written(other.decapsulate(None, &initiation, &mut b));
    written(one.decapsulate(None, &response, &mut a));
    one
}
