//! Parses filters: `any := all (',' all)*`, `all := unary ('&'? unary)*`, `unary := '!' unary | '(' any ')' | term`.

use globset::{GlobBuilder, GlobMatcher};
use winnow::ascii::multispace0;
use winnow::combinator::{alt, cut_err, opt, peek, preceded, repeat, separated, terminated};
use winnow::error::{ErrMode, ParserError};
use winnow::prelude::*;
use winnow::stream::{LocatingSlice, Location as _, Stateful};
use winnow::token::{any as any_char, take_till};

use crate::source::spelling;

use super::condition::Condition;
use super::error::FilterSyntaxError;

/// The maximum nesting of parentheses and negations.
const MAX_DEPTH: usize = 64;

/// The characters that end a word outside quotes.
pub(super) const TERMINATORS: [char; 9] = [' ', '\t', '\n', '&', ',', '(', ')', '!', '"'];

/// The text, its position, and the current nesting.
type Input<'a> = Stateful<LocatingSlice<&'a str>, usize>;

/// A syntax error and the byte where it is.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) at: usize,
    pub(super) cause: FilterSyntaxError,
}

impl ParserError<Input<'_>> for Failure {
    type Inner = Self;

    fn from_input(input: &Input<'_>) -> Self {
        Self { at: input.current_token_start(), cause: FilterSyntaxError::ExpectedTerm }
    }

    fn into_inner(self) -> Result<Self::Inner, Self> {
        Ok(self)
    }
}

pub(super) fn parse(text: &str) -> Result<Condition, Failure> {
    let mut input = Input { input: LocatingSlice::new(text), state: 0 };
    let condition = any(&mut input).map_err(into_failure)?;
    match next_char(&mut input).map_err(into_failure)? {
        None => Ok(condition),
        Some(_) => {
            Err(Failure { at: input.current_token_start(), cause: FilterSyntaxError::UnmatchedParenthesis })
        }
    }
}

fn any(input: &mut Input<'_>) -> ModalResult<Condition, Failure> {
    let alternatives: Vec<Condition> = separated(1.., all, operator(',')).parse_next(input)?;
    Ok(single_or(alternatives, Condition::Any))
}

fn all(input: &mut Input<'_>) -> ModalResult<Condition, Failure> {
    let mut conditions = vec![unary(input)?];
    while opt(operator('&')).parse_next(input)?.is_some()
        || !matches!(next_char(input)?, None | Some(',' | ')'))
    {
        conditions.push(unary(input)?);
    }
    Ok(single_or(conditions, Condition::All))
}

fn unary(input: &mut Input<'_>) -> ModalResult<Condition, Failure> {
    input.state += 1;
    if input.state > MAX_DEPTH {
        multispace0.parse_next(input)?;
        return Err(failure(input.current_token_start(), FilterSyntaxError::TooDeep));
    }
    let condition = if opt(operator('!')).parse_next(input)?.is_some() {
        Condition::Not(Box::new(unary(input)?))
    } else if opt(operator('(')).parse_next(input)?.is_some() {
        let condition = any(input)?;
        if opt(operator(')')).parse_next(input)?.is_none() {
            multispace0.parse_next(input)?;
            return Err(failure(input.current_token_start(), FilterSyntaxError::ExpectedParenthesis));
        }
        condition
    } else {
        term(input)?
    };
    input.state -= 1;
    Ok(condition)
}

fn term(input: &mut Input<'_>) -> ModalResult<Condition, Failure> {
    multispace0.parse_next(input)?;
    let start = input.current_token_start();
    let word = word(input)?;
    condition(&word).map_err(|cause| failure(start, cause))
}

/// Reads up to a space or an operator outside quotes.
fn word(input: &mut Input<'_>) -> ModalResult<String, Failure> {
    let plain = take_till(1.., TERMINATORS);
    repeat(0.., alt((quoted, plain)))
        .fold(String::new, |mut word, part: &str| {
            word.push_str(part);
            word
        })
        .parse_next(input)
}

fn quoted<'a>(input: &mut Input<'a>) -> ModalResult<&'a str, Failure> {
    let start = input.current_token_start();
    preceded('"', cut_err(terminated(take_till(0.., '"'), '"'))).parse_next(input).map_err(
        |error| match error {
            ErrMode::Cut(_) => failure(start, FilterSyntaxError::UnclosedQuote),
            error => error,
        },
    )
}

fn operator<'a>(symbol: char) -> impl Parser<Input<'a>, char, ErrMode<Failure>> {
    preceded(multispace0, symbol)
}

fn next_char(input: &mut Input<'_>) -> ModalResult<Option<char>, Failure> {
    preceded(multispace0, peek(opt(any_char))).parse_next(input)
}

fn condition(word: &str) -> Result<Condition, FilterSyntaxError> {
    if word.is_empty() {
        return Err(FilterSyntaxError::ExpectedTerm);
    }
    if let Some(text) = word.strip_prefix("title~") {
        return if text.is_empty() {
            Err(FilterSyntaxError::ExpectedText)
        } else {
            Ok(Condition::Title(text.to_lowercase()))
        };
    }
    match word.split_once('=') {
        Some(("suite", value)) => Ok(Condition::Suite(required_glob("suite", value)?)),
        Some(("needs", value)) => Ok(Condition::Needs(required_glob("needs", value)?)),
        Some(("verifies", value)) => Ok(Condition::Verifies(required_glob("verifies", value)?)),
        Some(("title", _)) => Err(FilterSyntaxError::TitleOperator),
        Some((key, _)) => Err(FilterSyntaxError::UnknownKey {
            key: key.to_owned(),
            hint: match spelling::nearest(key, ["verifies", "suite", "needs"]) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "expected `verifies=`, `suite=`, `needs=` or `title~`".to_owned(),
            },
        }),
        None if word.contains('/') => Ok(Condition::Id(glob(word)?)),
        None => Ok(Condition::Name(glob(word)?)),
    }
}

fn required_glob(key: &'static str, value: &str) -> Result<GlobMatcher, FilterSyntaxError> {
    if value.is_empty() { Err(FilterSyntaxError::ExpectedGlob(key)) } else { glob(value) }
}

fn glob(glob: &str) -> Result<GlobMatcher, FilterSyntaxError> {
    let built = GlobBuilder::new(glob).build();
    built
        .map(|glob| glob.compile_matcher())
        .map_err(|error| FilterSyntaxError::Glob(error.kind().to_string()))
}

fn failure(at: usize, cause: FilterSyntaxError) -> ErrMode<Failure> {
    ErrMode::Cut(Failure { at, cause })
}

fn into_failure(error: ErrMode<Failure>) -> Failure {
    match error {
        ErrMode::Backtrack(failure) | ErrMode::Cut(failure) => failure,
        ErrMode::Incomplete(_) => Failure { at: 0, cause: FilterSyntaxError::ExpectedTerm },
    }
}

fn single_or(mut conditions: Vec<Condition>, several: impl Fn(Vec<Condition>) -> Condition) -> Condition {
    match conditions.pop() {
        Some(only) if conditions.is_empty() => only,
        last => {
            conditions.extend(last);
            several(conditions)
        }
    }
}
