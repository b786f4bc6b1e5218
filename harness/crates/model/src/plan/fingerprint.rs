//! Identifies a set of scenarios.

use std::sync::Arc;

use crate::requirement::Registry;
use crate::scenario::model::Scenario;

use super::selection::hash;

/// Returns a hash of the scenarios and statements in hexadecimal. It detects accidental differences only: the hash
/// is not cryptographic.
pub fn fingerprint(scenarios: &[Arc<Scenario>], registry: &Registry) -> String {
    let texts = scenarios.iter().flat_map(|scenario| [&scenario.id, &scenario.source.text]);
    let statements = registry.all().iter().flat_map(|statement| [&statement.id, &statement.text]);
    format!("{:016x}", texts.chain(statements).fold(0, |whole, text| hash(whole, text)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::tests::scenario;

    #[test]
    fn fingerprint_depends_on_the_scenarios() {
        let registry = Registry::default();
        let one = [Arc::new(scenario("keys", "c/ST1", "t", &[]))];
        let other = [Arc::new(scenario("keys", "c/ST1", "u", &[]))];
        assert_eq!(fingerprint(&one, &registry), fingerprint(&one, &registry));
        assert_ne!(fingerprint(&one, &registry), fingerprint(&other, &registry));
        assert_ne!(fingerprint(&one, &registry), fingerprint(&[], &registry));
    }
}
