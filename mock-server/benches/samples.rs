//! What was measured, several times.
#![allow(dead_code, reason = "each benchmark uses some of it")]

use std::fmt;

/// Measurements of one thing.
#[derive(Debug, Default, Clone)]
pub(crate) struct Samples(Vec<f64>);

/// The lowest, middle and highest measurement.
pub(crate) struct Spread {
    samples: Samples,
    digits: usize,
}

impl Samples {
    pub(crate) fn push(&mut self, value: f64) {
        self.0.push(value);
    }

    pub(crate) fn extend(&mut self, values: impl IntoIterator<Item = f64>) {
        self.0.extend(values);
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = f64> + use<> {
        self.0.clone().into_iter()
    }

    pub(crate) fn median(&self) -> f64 {
        self.below(0.5)
    }

    /// What that part of all measurements does not exceed.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "an index into a few thousand measurements"
    )]
    pub(crate) fn below(&self, part: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let last = sorted.len() - 1;
        sorted[((last as f64) * part).round() as usize]
    }

    /// The ratios to another thing, each of the two measured in the same round.
    pub(crate) fn to(&self, other: &Self) -> Self {
        assert_eq!(self.0.len(), other.0.len(), "one measurement a round");
        Self(self.0.iter().zip(&other.0).map(|(one, other)| one / other).collect())
    }

    /// The median with its spread, as `0.71 (0.68–0.75)`.
    pub(crate) fn spread(&self, digits: usize) -> Spread {
        Spread { samples: self.clone(), digits }
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [least, median, most] = [0.0, 0.5, 1.0].map(|part| self.samples.below(part));
        let digits = self.digits;
        write!(out, "{median:.digits$} ({least:.digits$}–{most:.digits$})")
    }
}
