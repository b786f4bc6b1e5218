//! How many machines an organisation may have (`headless/F.6`).

use super::Refusal;

/// How full an organisation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// Machines there are.
    pub machines: i64,
    /// Machines there may be.
    pub limit: i64,
}

impl Quota {
    /// Accepts one machine more.
    pub fn admit(self) -> Result<(), Refusal> {
        if self.machines < self.limit {
            Ok(())
        } else {
            Err(Refusal::MachineLimitReached { limit: self.limit })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_place_is_given_and_none_beyond_it() {
        for (machines, limit, admitted) in
            [(0, 1, true), (4, 5, true), (5, 5, false), (6, 5, false), (0, 0, false)]
        {
            let expected = if admitted { Ok(()) } else { Err(Refusal::MachineLimitReached { limit }) };
            assert_eq!(Quota { machines, limit }.admit(), expected, "{machines} of {limit}");
        }
    }
}
