//! What a wrapped agent does wrong.

use std::path::PathBuf;

use super::exchange::{Asked, Told};
use super::memory::Memory;

/// What a wrapped agent does wrong.
#[derive(Clone, Copy)]
pub struct Wrapping {
    /// Bends the call, or the agent's state, before the agent starts.
    pub before: fn(&mut Call),
    /// Bends what it prints on either stream: of `up` and `login` line by line, of any other command as a whole.
    pub text: fn(&Call, &str) -> String,
    /// Bends what is left when it has ended.
    pub end: fn(&mut Call),
    /// Bends what a command asks the control plane for; not of `up`, which keeps its address.
    pub ask: Option<fn(&mut Asked, &mut Memory) -> Option<Told>>,
}

/// One call of the agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The words after `ztna`.
    pub words: Vec<String>,
    /// Variables that are set, or taken away.
    pub environment: Vec<(String, Option<String>)>,
    /// Where the agent keeps its state.
    pub state: PathBuf,
    /// Its exit code, once it has ended.
    pub exit: u8,
    /// Whether something was changed that is not seen here, such as a file.
    pub touched: bool,
}

impl Call {
    /// Whether the call begins with these words.
    pub fn is(&self, words: &str) -> bool {
        words.split(' ').eq(self.words.iter().take(words.split(' ').count()))
    }

    /// Whether one of the words is this flag.
    pub fn has(&self, flag: &str) -> bool {
        self.words.iter().any(|word| word == flag)
    }
}

/// An agent that does nothing wrong.
pub const FAITHFUL: Wrapping =
    Wrapping { before: |_| (), text: |_, text| text.to_owned(), end: |_| (), ask: None };
