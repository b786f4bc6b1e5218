//! Parses filters: `any := all (',' all)*`, `all := unary ('&'? unary)*`, `unary := '!' unary | '(' any ')' | term`.

use regex::Regex;

use crate::source::spelling;

use super::{Condition, FilterError};

/// The maximum nesting of parentheses and negations.
const MAX_DEPTH: usize = 64;

const EXAMPLES: &str = "for example: `used-count/*`, `verifies=used-count/ST4.*`, `suite=auth-keys !title~race`, \
                        `(used-count, generate) & title~\"single use\"`";

pub(super) fn parse(text: &str) -> Result<Condition, FilterError> {
    let mut parser = Parser { text, at: 0, depth: 0 };
    let condition = parser.any()?;
    match parser.peek() {
        None => Ok(condition),
        Some(_) => Err(parser.error(parser.at, "unmatched `)`")),
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl Parser<'_> {
    fn any(&mut self) -> Result<Condition, FilterError> {
        let mut alternatives = vec![self.all()?];
        while self.take(',') {
            alternatives.push(self.all()?);
        }
        Ok(single_or(alternatives, Condition::Any))
    }

    fn all(&mut self) -> Result<Condition, FilterError> {
        let mut conditions = vec![self.negatable()?];
        loop {
            if self.take('&') {
                conditions.push(self.negatable()?);
                continue;
            }
            match self.peek() {
                None | Some(',' | ')') => return Ok(single_or(conditions, Condition::All)),
                Some(_) => conditions.push(self.negatable()?),
            }
        }
    }

    fn negatable(&mut self) -> Result<Condition, FilterError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.error(self.at, "nested too deeply"));
        }
        let condition = if self.take('!') {
            Condition::Not(Box::new(self.negatable()?))
        } else if self.take('(') {
            let condition = self.any()?;
            if !self.take(')') {
                return Err(self.error(self.at, "expected `)`"));
            }
            condition
        } else {
            self.term()?
        };
        self.depth -= 1;
        Ok(condition)
    }

    fn term(&mut self) -> Result<Condition, FilterError> {
        self.skip_spaces();
        let start = self.at;
        let word = self.word()?;
        if word.is_empty() {
            return Err(self.error(start, "expected a term"));
        }
        if let Some((key, value)) = word.split_once('~').filter(|(key, _)| *key == "title") {
            if value.is_empty() {
                return Err(self.error(start, &format!("expected text after `{key}~`")));
            }
            return Ok(Condition::Title(value.to_lowercase()));
        }
        if let Some((key, value)) = word.split_once('=') {
            if let Err(message) = check_key(key, value) {
                return Err(self.error(start, &message));
            }
            let glob = self.glob(value, start)?;
            return Ok(if key == "suite" { Condition::Suite(glob) } else { Condition::Verifies(glob) });
        }
        let glob = self.glob(&word, start)?;
        Ok(if word.contains('/') { Condition::Id(glob) } else { Condition::Name(glob) })
    }

    /// Reads up to a space or an operator outside quotes.
    fn word(&mut self) -> Result<String, FilterError> {
        let mut word = String::new();
        let mut open: Option<usize> = None;
        for (offset, c) in self.text.get(self.at..).unwrap_or_default().char_indices() {
            match c {
                '"' => open = if open.is_some() { None } else { Some(self.at + offset) },
                ' ' | '&' | ',' | '(' | ')' | '!' | '\t' | '\n' if open.is_none() => {
                    self.at += offset;
                    return Ok(word);
                }
                c => word.push(c),
            }
        }
        if let Some(quote) = open {
            return Err(self.error(quote, "missing closing quote"));
        }
        self.at = self.text.len();
        Ok(word)
    }

    fn glob(&self, glob: &str, start: usize) -> Result<Regex, FilterError> {
        let pattern = regex::escape(glob).replace("\\*", ".*").replace("\\?", ".");
        Regex::new(&format!("^{pattern}$")).map_err(|_| self.error(start, "glob too long"))
    }

    fn skip_spaces(&mut self) {
        let rest = self.text.get(self.at..).unwrap_or_default();
        self.at += rest.len() - rest.trim_start().len();
    }

    fn peek(&mut self) -> Option<char> {
        self.skip_spaces();
        self.text.get(self.at..)?.chars().next()
    }

    fn take(&mut self, c: char) -> bool {
        let found = self.peek() == Some(c);
        if found {
            self.at += c.len_utf8();
        }
        found
    }

    fn error(&self, at: usize, message: &str) -> FilterError {
        let column = self.text.get(..at).unwrap_or(self.text).chars().count();
        let line = self.text.replace(['\n', '\t'], " ");
        let caret = " ".repeat(column);
        FilterError { message: format!("invalid filter: {message}\n  {line}\n  {caret}^\n{EXAMPLES}") }
    }
}

fn check_key(key: &str, value: &str) -> Result<(), String> {
    const KEYS: [&str; 2] = ["verifies", "suite"];
    if key == "title" {
        return Err("invalid operator for `title`: write `title~TEXT`".to_owned());
    }
    if !KEYS.contains(&key) {
        return Err(match spelling::nearest(key, KEYS) {
            Some(near) => format!("unknown key `{key}`: did you mean `{near}`?"),
            None => format!("unknown key `{key}`: expected `verifies=`, `suite=` or `title~`"),
        });
    }
    if value.is_empty() { Err(format!("expected a glob after `{key}=`")) } else { Ok(()) }
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
