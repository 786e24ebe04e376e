use super::*;
use crate::core::options::Int8;

fn statement(id: u32, text: &str) -> Rc<Statement> {
    Rc::new(Statement::new(id, text))
}

#[test]
fn the_text_decides_and_not_its_number() {
    let mut cache = StatementCache::new(2);
    let first = cache.prepare(&statement(1, "select ?"));
    assert!(cache.find(&statement(1, "select ?")).is_some());
    assert!(cache.find(&statement(1, "select ?, 1")).is_none());
    assert!(first.kept && cache.is_last(&first));
}

#[test]
fn what_runs_is_not_thrown_out() {
    let mut cache = StatementCache::new(1);
    let running = cache.prepare(&statement(1, "select ?"));
    let other = cache.prepare(&statement(2, "select ?, 2"));
    assert!(!other.kept && !cache.is_last(&running));
    drop(running);
    assert!(cache.prepare(&statement(3, "select ?, 3")).kept);
    assert_eq!(cache.len(), 1);
}

#[test]
fn what_the_server_has_forgotten_is_not_closed() {
    let mut cache = StatementCache::new(0);
    let (before, after) =
        (cache.prepare(&statement(1, "a ?")), cache.prepare(&statement(2, "b ?")));
    before.answered(5, 1);
    after.answered(6, 1);
    cache.discard(before);
    let mut out = BytesMut::new();
    cache.write_closes(&mut out);
    assert_eq!(out[..], [5, 0, 0, 0, 25, 5, 0, 0, 0]);
    cache.clear();
    cache.discard(after);
    out.clear();
    cache.write_closes(&mut out);
    assert!(out.is_empty());
}

#[test]
fn pools_that_read_integers_otherwise_share_no_columns() {
    let list = |int8| {
        let options = TypeOptions { int8, ..TypeOptions::default() };
        (options, Rc::new(Columns::parse(&[], &options).unwrap()))
    };
    let statement = statement(1, "select 1");
    let ((number, columns), (big, _)) = (list(Int8::Number), list(Int8::BigInt));
    statement.remember(0, &columns);
    assert!(statement.latest(0, &number).is_some());
    assert!(statement.latest(0, &big).is_none());
}

#[test]
fn results_have_the_words_of_their_statements() {
    let several = statement(1, "select 1; update t set a = 1");
    assert_eq!([0, 1, 2].map(|at| several.command(at)), ["SELECT", "UPDATE", ""]);
    let called = statement(2, "call p()");
    assert_eq!([0, 1].map(|at| called.command(at)), ["CALL", ""]);
    assert_eq!(statement(3, "call p(); select 1").command(1), "");
}

#[test]
fn only_what_has_rows_is_read_in_parts() {
    assert!(statement(1, "with a as (select 1) select * from a").has_rows());
    for text in ["select 1; select 2", "insert into t values (1)", "show tables", ""] {
        assert!(!statement(1, text).has_rows(), "{text}");
    }
}
