//! Deliberate departures of the independent implementation.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Departure {
    /// `used_count` counts machines, not registrations.
    CountsMachines,
    /// A used-up key is refused with another code.
    OtherCodeForUsed,
    /// A single-use key admits several simultaneous registrations.
    RacesLetSeveralIn,
    /// `reusable` is true by default.
    ReusableByDefault,
    /// The default expiry is not 90 days.
    NinetyOneByDefault,
    /// `expiry_days` 366 is accepted.
    LeapYear,
    /// `1.5` days are rounded.
    FractionsRounded,
    /// `tag:` is not removed.
    TagPrefixKept,
    /// `[]` stays an empty list.
    EmptyListKept,
    /// Members can create keys.
    MembersCreate,
    /// `Admin required` is worded differently.
    OtherWordsForAdmin,
    /// Lists show whole keys.
    ListShowsKeys,
    /// `/api/api-keys` does not exist.
    NoAlias,
    /// A registration refused for its tags uses the key up.
    RefusedTagCounts,
    /// `X-Forwarded-For` is believed.
    AddressFromHeader,
    /// Machines of ephemeral keys are never removed.
    EphemeralStays,
    /// A machine that registers again becomes a second machine.
    SecondRecord,
    /// A machine's earlier credential stays valid after it registers again.
    OldCredentialGood,
    /// A revoked key still enrols machines.
    RevokedEnrols,
    /// A quarantined machine keeps its access.
    QuarantineIsAWord,
    /// Filters by id are ignored.
    IdFilterIgnored,
    /// `select` is ignored.
    SelectIgnored,
    /// The filter on `revoked` is ignored.
    RevokedFilterIgnored,
    /// Scopes are stored and not enforced.
    ScopesUnchecked,
    /// Unknown scopes are accepted.
    UnknownScopes,
    /// Rate limits are stored and not enforced.
    RateUnchecked,
    /// API keys can be valid for 91 days.
    NinetyOneDays,
    /// API keys authorise nothing.
    ApiKeysAreNoCredentials,
}
