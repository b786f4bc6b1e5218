//! Ways to be not quite right.

/// One small departure from the documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Departure {
    /// `used_count` counts machines, not registrations.
    CountsMachines,
    /// A used-up key is refused with a code of its own.
    OtherCodeForUsed,
    /// A used-up key lets several in that come at the same moment.
    RacesLetSeveralIn,
    /// `reusable` is true when left out.
    ReusableByDefault,
    /// Another expiry than 90 days when left out.
    NinetyOneByDefault,
    /// `expiry_days` 366 is accepted.
    LeapYear,
    /// `1.5` days are rounded.
    FractionsRounded,
    /// `tag:` is kept.
    TagPrefixKept,
    /// `[]` stays an empty list.
    EmptyListKept,
    /// Members may create keys.
    MembersCreate,
    /// 'Admin required' in other words.
    OtherWordsForAdmin,
    /// A list shows whole keys.
    ListShowsKeys,
    /// There is no alias.
    NoAlias,
    /// A tag that is not allowed uses the key up.
    RefusedTagCounts,
    /// An address is believed from a header.
    AddressFromHeader,
    /// Machines of ephemeral keys stay.
    EphemeralStays,
    /// A machine that registers again is a second one.
    SecondRecord,
    /// What a machine held before it registered again stays good.
    OldCredentialGood,
    /// A revoked key enrols.
    RevokedEnrols,
    /// A quarantined machine goes on.
    QuarantineIsAWord,
    /// Filters by id are ignored.
    IdFilterIgnored,
    /// `select` is ignored.
    SelectIgnored,
    /// Revoked API keys are listed among those in force.
    RevokedFilterIgnored,
    /// Scopes are stored and not heeded.
    ScopesUnchecked,
    /// Unknown scopes are accepted.
    UnknownScopes,
    /// Rates are stored and not heeded.
    RateUnchecked,
    /// API keys may live for 91 days.
    NinetyOneDays,
    /// API keys open nothing.
    ApiKeysAreNoCredentials,
}
