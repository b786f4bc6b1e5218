//! The machine limit of an organisation (`headless/F.6`), and that of a member's machines that await approval.

use super::Refusal;

/// How many machines of one member await approval at once. They take no place in the organisation: otherwise a member
/// could fill it.
const MAX_PENDING: i64 = 10;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// Those that do not await approval.
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

/// Admits a machine that awaits approval, beside `pending` others of the same member.
pub fn admit_pending(pending: i64) -> Result<(), Refusal> {
    if pending < MAX_PENDING { Ok(()) } else { Err(Refusal::PendingLimitReached { limit: MAX_PENDING }) }
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

    #[test]
    fn a_member_has_ten_machines_that_await_approval() {
        assert_eq!(admit_pending(9), Ok(()));
        assert_eq!(admit_pending(10), Err(Refusal::PendingLimitReached { limit: 10 }));
    }
}
