use super::*;

fn statement(id: u32) -> Rc<Statement> {
    Rc::new(Statement::new(id, format!("select {id}")))
}

fn prepare(cache: &mut StatementCache, statement: &Rc<Statement>) -> u64 {
    let prepared = cache.prepare(statement, true);
    prepared.describe_columns(None);
    prepared.name().strip_prefix('p').map_or(0, |serial| serial.parse().unwrap())
}

fn closes(cache: &mut StatementCache) -> (u32, String) {
    let mut out = BytesMut::new();
    let count = cache.write_closes(&mut out);
    (count, out.escape_ascii().to_string())
}

#[test]
fn an_id_used_again_for_another_text_is_another_statement() {
    let mut cache = StatementCache::new(4, "p");
    prepare(&mut cache, &statement(1));
    assert!(cache.find(&statement(1)).is_some(), "the same text from elsewhere");
    let other = Rc::new(Statement::new(1, "select 2"));
    assert!(cache.find(&other).is_none());
    assert_eq!(prepare(&mut cache, &other), 2);
    assert_eq!(closes(&mut cache), (1, "C\\x00\\x00\\x00\\x08Sp1\\x00".into()));
    assert_eq!(closes(&mut cache), (0, String::new()));
}

#[test]
fn the_budget_is_never_exceeded() {
    let mut cache = StatementCache::new(3, "p");
    for id in 0..20 {
        prepare(&mut cache, &statement(id));
        cache.find(&statement(0));
        assert!(cache.len() <= 3);
    }
    assert!(cache.find(&statement(0)).is_some(), "used all the time");
    assert!(cache.find(&statement(17)).is_none());
    assert_eq!(closes(&mut cache).0, 17);
}

#[test]
fn forgetting_closes_what_the_server_may_hold() {
    let mut cache = StatementCache::new(3, "p");
    let (one, two) = (cache.prepare(&statement(1), true), cache.prepare(&statement(2), true));
    cache.forget(&one, false);
    cache.forget(&two, true);
    assert_eq!(closes(&mut cache), (1, "C\\x00\\x00\\x00\\x08Sp2\\x00".into()));
    let again = cache.prepare(&statement(1), true);
    cache.forget(&one, true);
    assert!(cache.find(&again.statement).is_some(), "the old one is not the new one");
}

#[test]
fn what_the_server_may_have_forgotten_is_not_used_again() {
    let mut cache = StatementCache::new(3, "p");
    prepare(&mut cache, &statement(1));
    cache.discard_all();
    assert!(cache.find(&statement(1)).is_none());
    assert_eq!(closes(&mut cache).0, 1);
    prepare(&mut cache, &statement(2));
    cache.clear();
    assert!(cache.find(&statement(2)).is_none());
    assert_eq!(closes(&mut cache).0, 0);
}

#[test]
fn statements_know_what_deserves_a_name() {
    let worth = |text: &str, has_params| Statement::new(1, text).is_worth_a_name(has_params);
    assert!(worth("select 1", false) && worth("begin", false) && worth("call p($1)", true));
    assert!(!worth("create table t ()", false));
}
