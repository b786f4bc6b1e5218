//! Readers that take bytes when they like, in amounts that they like: windows close, and open again.

use super::*;

/// With the last six, connections stood still when smoltcp's segments were not changed: acknowledgements that nobody read
/// (19 to 102), and windows that took back what they had offered (134).
const SEEDS: [u64; 12] = [1, 2, 3, 4, 5, 51, 19, 31, 39, 42, 102, 134];

const LENGTH: usize = 600_000;

/// Opens three connections on which each side sends and reads, and returns how long they took.
fn transfers(seed: u64, loss: u64) -> Duration {
    let mut network = Network::new();
    network.rng_state = seed;
    let mut pairs = Vec::new();
    for salt in 0..3 {
        let (one, other) = network.connected();
        let one = ConnectionEnd::new(one, bytes(LENGTH + usize::from(salt), salt), 0);
        pairs.push((one, ConnectionEnd::new(other, bytes(LENGTH, salt + 100), 0)));
    }
    network.loss = loss;
    network.spacing = Duration::from_micros(100);
    let begun = network.now;
    let mut closed = false;
    while !closed {
        closed = true;
        for (one, other) in &mut pairs {
            one.max_read = network.appetite();
            other.max_read = network.appetite();
            one.transfer(&mut network.one);
            other.transfer(&mut network.other);
            closed &= network.one.connection_status(one.id, network.now) == ConnectionStatus::Closed
                && network.other.connection_status(other.id, network.now) == ConnectionStatus::Closed;
        }
        network.step(DELAY);
        let received = pairs.iter().map(|(one, other)| (one.received.len(), other.received.len()));
        let took = network.now - begun;
        assert!(
            took < Duration::from_secs(300),
            "seed {seed}, loss {loss}: {:?}",
            received.collect::<Vec<_>>()
        );
    }
    for (one, other) in &pairs {
        assert!(one.received == other.outgoing && other.received == one.outgoing, "seed {seed}, loss {loss}");
    }
    network.now - begun
}

impl Network {
    /// How many bytes a reader takes next: none for most of the time.
    fn appetite(&mut self) -> usize {
        let random = self.random();
        if random.is_multiple_of(64) { usize::try_from(random >> 8).unwrap() % 300_000 } else { 0 }
    }
}

#[test]
fn slow_readers_get_everything() {
    for (loss, limit) in [(0, 30), (5, 90), (20, 120)] {
        for seed in SEEDS {
            let took = transfers(seed, loss);
            assert!(took < Duration::from_secs(limit), "seed {seed}, loss {loss}: {took:?}");
        }
    }
}

#[test]
fn readers_that_pause_for_long_get_everything() {
    let mut network = Network::new();
    let (one, other) = network.connected();
    network.one.finish(one);
    network.run(Duration::from_secs(1));
    let mut one = ConnectionEnd::new(one, Vec::new(), 0);
    let mut other = ConnectionEnd::new(other, bytes(2 * WINDOW - 1000, 1), usize::MAX);
    for _ in 0..100 {
        other.transfer(&mut network.other);
        network.step(DELAY);
    }
    assert!(other.finished && network.other.read(other.id, |_| 0) == ReadOutcome::End);
    network.run(Duration::from_secs(400));
    one.max_read = usize::MAX;
    for _ in 0..1000 {
        one.transfer(&mut network.one);
        network.step(DELAY);
    }
    assert!(one.received == other.outgoing, "{}", one.received.len());
    assert_eq!(network.one.connection_status(one.id, network.now), ConnectionStatus::Closed);
    assert_eq!(network.other.connection_status(other.id, network.now), ConnectionStatus::Closed);
}

#[test]
fn nothing_is_sent_twice_to_a_slow_reader() {
    for seed in 1..=20 {
        let mut network = Network::new();
        network.rng_state = seed;
        let (one, other) = network.connected();
        let mut one = ConnectionEnd::new(one, bytes(3 * LENGTH, 1), 0);
        let mut other = ConnectionEnd::new(other, Vec::new(), 0);
        network.spacing = Duration::from_micros(100);
        while other.received.len() < one.outgoing.len() {
            other.max_read = network.appetite() / 10;
            one.transfer(&mut network.one);
            other.transfer(&mut network.other);
            network.step(DELAY);
        }
        let repeated = network.carried - one.outgoing.len();
        assert!(
            repeated < 100,
            "seed {seed}: {repeated} bytes, of which probes of closed windows are single ones"
        );
    }
}
