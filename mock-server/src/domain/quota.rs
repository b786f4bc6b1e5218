//! The machine limit of an organisation (`headless/F.6`).

use super::Refusal;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    pub machines: i64,
    pub limit: i64,
}

impl Quota {
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
    fn machines_are_admitted_up_to_the_limit() {
        for (machines, limit, admitted) in
            [(0, 1, true), (4, 5, true), (5, 5, false), (6, 5, false), (0, 0, false)]
        {
            let expected = if admitted { Ok(()) } else { Err(Refusal::MachineLimitReached { limit }) };
            assert_eq!(Quota { machines, limit }.admit(), expected, "{machines} of {limit}");
        }
    }
}
