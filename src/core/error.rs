//! What is wrong with an option, and which key was probably meant.

use std::fmt;

/// A refused option. The message names the option, its bound and what was given instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptionError {
    pub option: String,
    pub message: String,
}

impl OptionError {
    pub fn bound(option: &str, expected: &str, given: &str) -> OptionError {
        let message = format!("option '{option}' must be {expected}, got {given}");
        OptionError { option: option.to_owned(), message }
    }

    pub fn unknown<'a>(option: &str, known: impl Iterator<Item = &'a str>) -> OptionError {
        let message = match nearest(option, known) {
            Some(key) => format!("Unknown option '{option}'; did you mean '{key}'?"),
            None => format!("Unknown option '{option}'"),
        };
        OptionError { option: option.to_owned(), message }
    }
}

impl fmt::Display for OptionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for OptionError {}

/// The known key at the smallest edit distance, unless even that one is too far to be a slip.
fn nearest<'a>(option: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    const LENGTH_MAX: usize = 64; // nobody misspells a key into a novel; bounds the work
    let given: Vec<char> = option.to_lowercase().chars().take(LENGTH_MAX + 1).collect();
    if given.len() > LENGTH_MAX {
        return None;
    }
    let slips_max = (given.len() / 3).max(2);
    known
        .map(|key| (distance(&given, &key.to_lowercase().chars().collect::<Vec<_>>()), key))
        .filter(|(slips, key)| *slips <= slips_max && *slips < key.len())
        .min_by_key(|(slips, _)| *slips)
        .map(|(_, key)| key)
}

/// Edits (insert, delete, replace) that turn one word into the other, one row of the table kept.
fn distance(from: &[char], to: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[to.len()]
}
