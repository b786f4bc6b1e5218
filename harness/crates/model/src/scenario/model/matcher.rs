use serde_json::Value;

/// A condition on a value. Its strings may contain variables.
#[derive(Debug, Clone, PartialEq)]
pub enum Matcher {
    /// Equal in value and type.
    Equals(Value),
    /// A string in which the regular expression finds a match.
    Matches(String),
    Type(Kind),
    OneOf(Vec<Value>),
    /// A string with this substring, or an array with this element.
    Contains(Value),
    /// The negation of `Contains`.
    Excludes(Value),
    /// An array, object or string of this length.
    Length(usize),
    /// An object with exactly these keys.
    Keys(Vec<String>),
    /// An object with at least these keys.
    HasKeys(Vec<String>),
    /// A number above this one, or above the one that a variable has.
    Above(Value),
    Below(Value),
    /// A time at most that far from another, such as `5m of ${created}+90d`.
    Within(String),
    Not(Box<Matcher>),
    /// A non-empty array in which every element matches at these JSON pointers.
    Every(Vec<(String, Matcher)>),
    /// An array in which at least one element matches at these JSON pointers.
    Some(Vec<(String, Matcher)>),
    Absent,
    /// Text with exactly this line.
    Line(String),
    /// Text with a table in which a row matches under these headings.
    Table(Vec<(String, Matcher)>),
    /// Text with matching lines in this order, possibly with others in between.
    Lines(Vec<Matcher>),
}

/// The type of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A string that is a hyphenated UUID.
    Uuid,
    String,
    Integer,
    Boolean,
    Null,
    Array,
    Object,
    /// A string that is an RFC 3339 timestamp.
    DateTime,
}
