//! UDP endpoints of machines, as their agents report them.

use ztna_protocol::endpoint::{MAX_ENDPOINTS, parse};

use super::Refusal;

/// Normalises endpoints of the form `ADDRESS:PORT` or `[ADDRESS]:PORT`, drops duplicates and keeps their order.
///
/// # Errors
/// [`Refusal::InvalidInput`] for more than [`MAX_ENDPOINTS`] endpoints, and for one that no datagram can be sent to.
pub fn normalise(endpoints: &[String]) -> Result<Vec<String>, Refusal> {
    if endpoints.len() > MAX_ENDPOINTS {
        return Err(Refusal::invalid(format!("endpoints must not have more than {MAX_ENDPOINTS} entries")));
    }
    let mut accepted = Vec::with_capacity(endpoints.len());
    for (index, endpoint) in endpoints.iter().enumerate() {
        let Some(endpoint) = parse(endpoint) else {
            return Err(Refusal::invalid(format!(
                "endpoints[{index}] must be a unicast address with a port, such as 203.0.113.7:51820 or [2001:db8::7]:51820"
            )));
        };
        let endpoint = endpoint.to_string();
        if !accepted.contains(&endpoint) {
            accepted.push(endpoint);
        }
    }
    Ok(accepted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(items: &[&str]) -> Vec<String> {
        items.iter().map(|item| (*item).to_owned()).collect()
    }

    #[test]
    fn endpoints_are_normalised_and_deduplicated() {
        let given =
            ["203.0.113.7:51820", " [2001:DB8:0::7]:1 ", "[::ffff:203.0.113.7]:51820", "10.0.0.1:65535"];
        let kept = ["203.0.113.7:51820", "[2001:db8::7]:1", "10.0.0.1:65535"];
        assert_eq!(normalise(&texts(&given)), Ok(texts(&kept)));
        assert_eq!(normalise(&[]), Ok(Vec::new()));
    }

    #[test]
    fn unreachable_endpoints_are_refused() {
        for bad in [
            "",
            "203.0.113.7",
            "203.0.113.7:0",
            "203.0.113.7:65536",
            "0.0.0.0:51820",
            "[::]:51820",
            "[::ffff:0.0.0.0]:51820",
            "255.255.255.255:1",
            "224.0.0.1:1",
            "[ff02::1]:1",
            "[fe80::1%3]:1",
            "relay.example:443",
            "2001:db8::7",
        ] {
            let refused = normalise(&texts(&["10.0.0.1:1", bad]));
            assert!(
                matches!(&refused, Err(Refusal::InvalidInput(words)) if words.contains("endpoints[1]")),
                "{bad:?}: {refused:?}"
            );
        }
        let many: Vec<String> = (0..=MAX_ENDPOINTS).map(|n| format!("10.0.0.{n}:1")).collect();
        assert!(normalise(&many).is_err());
        assert_eq!(normalise(&many[1..]).map(|kept| kept.len()), Ok(MAX_ENDPOINTS));
    }
}
