//! Whether a session's settings are such that values in text form can be read.

#[derive(Debug, Default)]
pub(super) struct Settings {
    /// A statement ran that may have changed any of them.
    pub touched: bool,
    /// The start-up could not pin them (a pooler refused).
    pub unpinned: bool,
    /// The server reported a DateStyle other than ISO.
    pub foreign_dates: bool,
}

impl Settings {
    pub fn are_foreign(&self) -> bool {
        self.touched || self.unpinned || self.foreign_dates
    }

    /// Only DateStyle alters the text of a value that is read as more than text.
    pub fn note(&mut self, name: &str, value: &str) {
        if name.eq_ignore_ascii_case("DateStyle") {
            self.foreign_dates = !value.starts_with("ISO");
        }
    }
}
