//! Which relay is a machine's home.

use std::time::Duration;

use ztna_protocol::region::Region;

/// A relay has to be nearer by so much, and by a fifth, before a machine moves: each move has to be told to all peers.
const NEARER: Duration = Duration::from_millis(5);

/// The home after the relays were measured, in the map's order; nothing for one that did not answer. If none did, it
/// stays.
pub(super) fn choose(home: Option<Region>, measured: &[(Region, Option<Duration>)]) -> Option<Region> {
    let answered = || measured.iter().filter_map(|(region, time)| Some((*region, (*time)?)));
    // The first of those that are equally near.
    let Some((nearest, time)) = answered().min_by_key(|(_, time)| *time) else {
        let named = |home: &Region| measured.iter().any(|(region, _)| region == home);
        return home.filter(named).or(measured.first().map(|(region, _)| *region));
    };
    let current = home.and_then(|home| answered().find(|(region, _)| *region == home));
    match current {
        Some((home, now)) if time + NEARER > now || time.mul_f64(1.25) > now => Some(home),
        _ => Some(nearest),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_and_no_other_for_little() {
        let region = |code: &str| -> Region { code.parse().unwrap() };
        let measured = |times: [Option<u64>; 3]| -> Vec<(Region, Option<Duration>)> {
            let regions = ["blr1", "fra1", "nyc1"].map(region);
            regions.into_iter().zip(times.map(|time| time.map(Duration::from_millis))).collect()
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
