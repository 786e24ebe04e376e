//! What a statement does to the session that runs it, and what follows from that.

use super::session::Dispatch;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// Reads rows and leaves nothing behind.
    Read,
    /// Changes or locks rows and leaves nothing behind in the session.
    Write,
    /// Transaction control.
    Control,
    /// Moves data of the client's (COPY, LOAD DATA): has a connection to itself and leaves nothing
    /// behind in it.
    Copy,
    /// Anything else, also anything unknown: SET, DDL, CALL, several statements.
    Other,
}

impl Class {
    pub fn dispatch(self) -> Dispatch {
        match self {
            Class::Read => Dispatch::Read,
            Class::Write => Dispatch::Write,
            Class::Control | Class::Copy => Dispatch::Alone { dirties: false },
            Class::Other => Dispatch::Alone { dirties: true },
        }
    }

    /// Whether a statement outside a transaction may run once more though `behind` it others were
    /// sent: only where nobody can tell. `ordered`: they are one borrower's.
    pub fn may_run_again(self, ordered: bool, mut behind: impl Iterator<Item = Class>) -> bool {
        let moves = |class: Class| match class {
            Class::Read => true,
            Class::Write => !ordered,
            Class::Control | Class::Copy | Class::Other => false,
        };
        match behind.next() {
            None => true,
            Some(next) => moves(self) && moves(next) && behind.all(moves),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Class::{Control, Other, Read, Write};

    #[test]
    fn a_statement_runs_again_where_nobody_can_tell() {
        assert!(Other.may_run_again(true, [].into_iter()));
        assert!(Read.may_run_again(true, [Read, Read].into_iter()));
        assert!(!Read.may_run_again(true, [Read, Write].into_iter()));
        assert!(Write.may_run_again(false, [Read, Write].into_iter()));
        assert!(!Write.may_run_again(true, [Read].into_iter()));
        assert!(!Read.may_run_again(false, [Control].into_iter()));
    }
}
