use super::*;
use proptest::prelude::*;

fn class(text: &str) -> Class {
    examine(text).class
}

fn all(expected: Class, texts: &[&str]) {
    for text in texts {
        assert_eq!(class(text), expected, "{text}");
    }
}

#[test]
fn reads_share() {
    all(
        Class::Read,
        &[
            "select 1",
            " /* c */ -- x\n # y\n SELECT 'a;b', `c;d`, \"e;f\" from t;",
            "(select 1) union (select 2)",
            "with a as (select 1) select * from a",
            "table t",
            "values row(1)",
            "show tables",
            "explain select 1",
            "select @@global.read_only, @x",
            "select replace(a, 'x', 'y'), t.update, t . `into` from t",
            "select /*+ no_index(t) */ 5--1 from t",
            "select `into`, 'for update' from t",
        ],
    );
}

#[test]
fn writes_share_less() {
    all(
        Class::Write,
        &[
            "insert into t values (1) on duplicate key update a = 2",
            "INSERT IGNORE INTO t SELECT * FROM u",
            "replace into t values (1)",
            "update t set a = 1",
            "delete from t",
            "select * from t for update",
            "select * from t for share skip locked",
            "select * from t lock in share mode",
            "with a as (select 1) update t set b = 1",
            "select nextval(s)",
            "select next value for s",
        ],
    );
}

#[test]
fn what_may_leave_something_behind_is_alone() {
    all(
        Class::Other,
        &[
            "",
            "set @x = 1",
            "use other",
            "select @x := 1",
            "select 1 into @x",
            "select * from t into outfile '/tmp/x'",
            "select get_lock('a', 1)",
            "do release_lock('a')",
            "insert into t values (get_lock('a', 1))",
            "create temporary table t (a int)",
            "lock tables t read",
            "call p()",
            "prepare s from 'select 1'",
            "handler t open",
            "begin not atomic select 1; end",
            "start slave",
            "/*!50000 select */ 1",
            "select 1 /*M!100100 into @x */",
            "select 1; select 2",
            "set transaction isolation level serializable",
            "set transaction read only; select 1",
        ],
    );
}

#[test]
fn transactions_are_control() {
    all(
        Class::Control,
        &[
            "begin",
            "START TRANSACTION READ ONLY",
            "commit and chain",
            "rollback to savepoint a",
            "savepoint a",
            "release savepoint a",
            "set transaction isolation level serializable; start transaction",
        ],
    );
    all(
        Class::Copy,
        &["load data local infile 'x' into table t", "LOAD XML INFILE 'x' INTO TABLE t"],
    );
    assert_eq!(class("load index into cache t"), Class::Other);
}

#[test]
fn what_begins_or_ends_a_transaction_is_told() {
    for text in [
        "begin work",
        "start transaction",
        "set transaction read only; start transaction",
        "commit",
        "rollback work",
        "create table t (a int)",
        "create or replace view v as select 1",
        "drop table t",
        "truncate t",
        "alter table t add b int",
        "lock tables t write",
        "set autocommit = 1",
        "xa start 'x'",
        "select 1; commit",
    ] {
        assert!(examine(text).bounds, "{text}");
    }
    for text in [
        "select 1",
        "savepoint a",
        "rollback to a",
        "rollback work to savepoint a",
        "create temporary table t (a int)",
        "drop temporary table t",
        "start slave",
        "set @x = 1",
        "update t set `commit` = 1",
        "begin not atomic select 1; end",
    ] {
        assert!(!examine(text).bounds, "{text}");
    }
}

#[test]
fn reads_that_change_nothing_are_harmless() {
    for text in [
        "select a, count(*), max(b) from t where c in (1, 2) and d = ? for update",
        "(select 1) union (select 2)",
        "with a as (select 1) select * from a",
        "table t",
        "select `a b` from `t` lock in share mode",
    ] {
        assert!(examine(text).harmless, "{text}");
    }
    for text in [
        "select f(1)",
        "select db.count(1)",
        "select `f` (1)",
        "select \"f\"(1)",
        "select f /* c */ (1)",
        "select sleep(1)",
        "select @x := 1",
        "select 1 into outfile 'x'",
        "select 1 /*!, f(1) */",
        "select 'a\\', f(1), 'b'",
        "select 1; select 2",
        "with a as (select 1) update t set b = 1",
        "insert into t values (1)",
        "show tables",
        "begin",
        "",
    ] {
        assert!(!examine(text).harmless, "{text}");
    }
}

#[test]
fn plain_reads_may_run_twice_on_any_connection() {
    for text in [
        "select ? as n",
        "select id, lower(name) from `t` where id in (?, ?) and (n = ? or n is null)",
        "SELECT COUNT(*) FROM t JOIN (SELECT ? a) x WHERE b = 'c@d #(' AND c = \"pay(1)\"",
        "select /* pay(1) */ 1 # pay(1)\n -- pay(1)",
        "with a as (select 1) select * from a",
        "(values row(1)) union (table t)",
        "select lag(a) over (partition by c order by b) from t partition (p0)",
    ] {
        assert!(examine(text).plain, "{text}");
    }
    for text in [
        "select pay(?)",
        "select filter(?), range(1)",
        "select `lower` (?)",
        "select @a + ?",
        "select @@autocommit",
        "select ??",
        "select ??(1)",
        "select '?'",
        "select \"?\", 'pay(1)'",
        "select 1 /* ? */",
        "select 1 # ?",
        "select 1 /*! , pay(1) */",
        "select 'a\\', pay(1), 'b'",
        "select sql_calc_found_rows ? as n",
        "select last_insert_id()",
        "select ? for update",
        "select ? lock in share mode",
        "show warnings",
        "update t set a = 1",
    ] {
        assert!(!examine(text).plain, "{text}");
    }
}

#[test]
fn inserts_of_one_row_may_be_stopped() {
    for text in [
        "insert into t values (1)",
        "INSERT INTO `app`.`t` (`a`, b) VALUES (?, ?);",
        "insert into t (a, b) values (?, default)",
        "insert into t (a) values ('it''s (select 1), (2)', \"a\", 'a\\n')",
        "insert into t (a) values (lower(?), now(), uuid()) returning id",
        "insert into t values (1) # one",
    ] {
        assert!(examine(text).plain, "{text}");
    }
    for text in [
        "insert into t values (?), (?)",
        "insert into t values ?",
        "insert into t set a = 1",
        "insert into t select 1",
        "insert into t (a) values ((select 1))",
        "insert into t () values ()",
        "insert ignore into t values (1)",
        "insert low_priority into t values (1)",
        "insert delayed into t values (1)",
        "replace into t values (1)",
        "insert into t values (1) on duplicate key update a = values(a)",
        "insert into t values (1) as n on duplicate key update a = n.a",
        "insert into t values (sleep(1))",
        "insert into t values (`lower`(1))",
        "insert into t values (last_insert_id())",
        "insert into t values (@a := 1)",
        "insert into t values (@a)",
        "insert into t values (1) /*! , (2) */",
        "insert into t values ('\\'), (2)')",
        "insert into t values ('?')",
        "insert into ?? values (1)",
        "insert into t values (1); delete from t",
        "insert into t\u{a0}values (1)",
    ] {
        assert!(!examine(text).plain, "{text}");
    }
}

#[test]
fn parameters_are_counted_outside_of_quotes() {
    let count = |text| examine(text).placeholders;
    assert_eq!(count("select ?, '?', \"?\", `?`, /* ? */ ? -- ?\n, ? # ?"), Some(3));
    assert_eq!(count("select 'it''s ?', ?"), Some(1));
    assert_eq!(count("select 1 /*! + ? */"), None);
    assert_eq!(count("select 'a\\'?', ?, ?"), None, "by sql_mode the text ends elsewhere");
    assert_eq!(count("select '\\\\ ', ?"), Some(1));
}

#[test]
fn a_backslash_that_may_end_a_text_makes_unsure() {
    assert_eq!(class("select 'a\\n'"), Class::Read);
    assert_eq!(class("select 'a\\', @x := 1, 'b'"), Class::Other);
    assert_eq!(class("select 'a\\'; select 'b'"), Class::Other);
}

#[test]
fn commands_are_the_first_words() {
    assert_eq!(examine("select 1; /* x */ Update t set a = 1;").commands, ["SELECT", "UPDATE"]);
    assert_eq!(examine("(select 1)").commands, ["SELECT"]);
}

#[test]
fn only_the_file_of_the_client_is_copied() {
    let copy = |text| examine(text).copy;
    assert_eq!(copy("load data local infile 'x' into table t"), Some(Direction::In));
    assert_eq!(copy("load data infile 'x' into table t"), None);
    assert_eq!(copy("load data local infile 'x' into table t; select 1"), None);
    assert_eq!(copy("select `local` from t"), None);
}

proptest! {
    #[test]
    fn any_text_has_a_class(text in ".{0,80}") {
        examine(&text);
    }

    #[test]
    fn text_of_sql_has_a_class(text in r#"([a-z]{1,8}|[ ;'"`\\#@:=?()/*!-]){0,40}"#) {
        examine(&text);
    }
}
