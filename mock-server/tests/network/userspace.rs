//! `ztna up --userspace` across a router.

use std::net::Ipv4Addr;
use std::time::Duration;

use crate::lab::{HUB, Lab, Machine, Plane, possible, within};

const SOON: Duration = Duration::from_secs(2);

#[test]
fn two_networks_reach_each_other_as_long_as_the_router_forwards() {
    if !possible(&[]) {
        return;
    }
    let lab = Lab::star(&["Linux-C", "Win-A"]);
    let plane = Plane::serve(&lab, HUB, Ipv4Addr::new(10, 77, 1, 1), &[]);
    let (one, other) = (Machine::new(&lab, "Linux-C", &plane), Machine::new(&lab, "Win-A", &plane));
    let _one = one.up(&["--userspace"]);
    let _other = other.up(&["--userspace"]);
    within(SOON, "a ping is answered", || one.pings("Win-A", "200ms"));
    assert_eq!(one.status()["peers"][0]["endpoint"].as_str().unwrap().split(':').next(), Some("10.77.2.2"));
    lab.forwarding(false);
    assert!(!one.pings("Win-A", "200ms"), "nothing goes another way");
    lab.forwarding(true);
    within(SOON, "it is answered again", || one.pings("Win-A", "200ms"));
}
