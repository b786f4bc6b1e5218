//! Selection of the home relay.

use std::time::Duration;

use ztna_protocol::region::Region;

/// A machine changes its home only for a relay that is faster by at least this and by a fifth, since every change must be
/// announced to all peers.
const MIN_IMPROVEMENT: Duration = Duration::from_millis(5);

/// The round-trip time of a relay, `None` if it did not answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Measurement {
    pub(super) region: Region,
    pub(super) round_trip: Option<Duration>,
}

/// Returns the home after measuring all relays, which are in the map's order. The home stays if none answered.
pub(super) fn choose(home: Option<Region>, measured: &[Measurement]) -> Option<Region> {
    let answered = || measured.iter().filter_map(|relay| Some((relay.region, relay.round_trip?)));
    // `min_by_key` returns the first of equal ones.
    let Some((nearest, time)) = answered().min_by_key(|(_, time)| *time) else {
        let named = |home: &Region| measured.iter().any(|relay| relay.region == *home);
        return home.filter(named).or(measured.first().map(|relay| relay.region));
    };
    let current = home.and_then(|home| answered().find(|(region, _)| *region == home));
    match current {
        Some((home, now)) if time + MIN_IMPROVEMENT > now || time.mul_f64(1.25) > now => Some(home),
        _ => Some(nearest),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn home_changes_only_for_a_clearly_faster_relay() {
        let region = |code: &str| -> Region { code.parse().unwrap() };
        let measured = |times: [Option<u64>; 3]| -> Vec<Measurement> {
            let regions = ["blr1", "fra1", "nyc1"].map(region);
            let measurement = |(region, time): (_, Option<u64>)| Measurement {
                region,
                round_trip: time.map(Duration::from_millis),
            };
            regions.into_iter().zip(times).map(measurement).collect()
        };
        for (home, times, chosen) in [
            (None, [Some(30), Some(10), Some(20)], "fra1"),
            (None, [Some(10), Some(10), None], "blr1"),
            (None, [None, None, None], "blr1"),
            (Some("nyc1"), [None, None, None], "nyc1"),
            (Some("gone"), [None, None, None], "blr1"),
            (Some("gone"), [None, Some(9), None], "fra1"),
            (Some("blr1"), [Some(12), Some(8), None], "blr1"),
            (Some("blr1"), [Some(100), Some(85), None], "blr1"),
            (Some("blr1"), [Some(100), Some(75), None], "fra1"),
            (Some("blr1"), [None, Some(500), None], "fra1"),
        ] {
            assert_eq!(
                choose(home.map(region), &measured(times)),
                Some(region(chosen)),
                "{home:?} {times:?}"
            );
        }
        assert_eq!(choose(Some(region("blr1")), &[]), None);
    }
}
