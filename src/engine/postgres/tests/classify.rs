use super::Class::{Control, Other, Read, Write};
use super::*;

fn check(class: Class, texts: &[&str]) {
    for text in texts {
        let traits = examine(text);
        assert_eq!((traits.class, traits.multi), (class, false), "{text}");
    }
}

#[test]
fn plain_reads() {
    check(
        Read,
        &[
            "select 1",
            "  SELECT * FROM users WHERE id = $1;",
            "select 1 ; ; -- nothing more\n /* at all */ ",
            "/* a /* nested */ comment */ select 1",
            "-- first\n--second\r\n\tselect 2",
            "((select 1) union (select 2))",
            "values (1), (2)",
            "table users",
            "show server_version",
            "with x as (select 1) select * from x",
            "select pg_sleep($1)",
            "select 'for update', 'into', $$set_config$$, $q$nextval; x$q$, E'\\'; delete'",
            "select substring(name for 3) from t",
            "select 1 as information, updated, deleted_at from inserts",
            "select /* for update */ 1 -- into x",
            "select * from t where a = 'it''s; here' and \"odd;name\" > 1",
            "select U&'d\\0061t\\+000061', b'1010', n'x'",
            "select $1::int, $2 || '$' || $3",
            "select 'unterminated; delete from t",
            "select '\\'",
        ],
    );
}

#[test]
fn reads_that_call_what_is_known_are_plain() {
    for text in [
        "select 1",
        "select id, lower(name) from t where id in (1, 2) and (n = any($1) or n is null)",
        "select count(*) from (select 1) x join lateral (values (1)) y on (true)",
        "select n::numeric(10, 2) from t order by coalesce(n, 0)",
        "select pg_catalog . lower from t",
        "with x as (select 1) select * from x",
        "((values (1)) union (table t));",
        "SELECT /* pay(1) */ COUNT /* all */ (1) -- pay(1)\n from t",
        "select 'pay(1)', E'it\\'s pay(1)', $$pay(1)$$, \"pay(1)\" from t",
        "select a, count(*) from t group by (a) order BY (b)",
        "select sum(n) filter (where n > 0) OVER (partition by a order by b) from t",
        "select row_number() over (order by n rows between 1 preceding and (2) following) from t",
        "show server_version",
    ] {
        assert!(examine(text).plain, "{text}");
    }
}

#[test]
fn whatever_may_change_something_is_not_plain() {
    for text in [
        "select pay(1)",
        "select app.count(1)",
        "select app . count(1)",
        "select app./* own */count(1)",
        "select app.\"count\"(1)",
        "select \"count\"(1)",
        "select U&\"count\"(1)",
        "select pay/* all */(1)",
        "select pay -- all\n(1)",
        "select over(1), (1) as a",
        "select (1) and filter (2)",
        "select range(1)",
        "select by(1)",
        "select within(1)",
        "select distinct on (1) filter(1)",
        "select distinct /* a */ ON (a, (b)) over(1), (c) from t",
        "select count(*) from t join partition(1) p on true",
        "select * from pay\n\t(1)",
        "select größe(1)",
        "select count\u{a0}(1)",
        "select 1 from t where pay$1(2)",
        "select 1pay(2)",
        "select a::app.money(1)",
        "select 'a\\', pay(1), 'b'",
        "select 'a\\'', pay(1), '",
        "select E'a'\n'\\'', pay(1), '",
        "select nextval('s')",
        "select pg_advisory_lock(1)",
        "select * from t for update",
        "select * into t2 from t",
        "with gone as (delete from t returning *) select * from gone",
        "select 1; select 2",
        "update t set a = 1",
        "copy t to stdout",
        "begin",
        "",
    ] {
        assert!(!examine(text).plain, "{text}");
    }
}

#[test]
fn inserts_of_one_row_may_be_stopped() {
    for text in [
        "insert into t values (1)",
        "INSERT INTO app.t (a, b) VALUES ($1, $2);",
        "insert into \"My Table\" (\"a b\", c) values ($1::int, default) returning id, a as \"b\"",
        "insert into t(a) values('it''s (select 1), (2)')",
        "insert into t (a) values (nextval('s'), lower($1), now(), (1 + 2) * 3) returning *",
        "insert\n\tinto t (a)\nvalues (coalesce($1, array[1, 2])) returning (a), length(b)",
        "insert /* (1), (2) */ into t values (E'\\'), (2)', $$), (2)$$) -- , (2)",
    ] {
        assert!(examine(text).plain, "{text}");
    }
}

#[test]
fn other_inserts_may_not() {
    for text in [
        "insert into t values (1), (2)",
        "insert into t select 1",
        "insert into t (a) values ((select 1))",
        "insert into t (a) values ((table u))",
        "insert into t (a) values (array(values (1)))",
        "insert into t default values",
        "insert into t overriding system value values (1)",
        "insert into t values (1) on conflict do nothing",
        "insert into t values (1) on conflict (a) do update set b = 1",
        "insert into t values (1); delete from t",
        "insert into t values (1) -- one\n, (2)",
        "insert into t values (pay($1))",
        "insert into t values (app.lower($1))",
        "insert into t values (\"lower\"($1))",
        "insert into t values (currval('s'))",
        "insert into t values (setval('s', 1))",
        "insert into t values (1) returning pay(a)",
        "insert into t values (1) returning (select pay(a))",
        "insert into t values ('\\'), (2)')",
        "insert into t as u values (1)",
        "insert into t values (`a`) , (1)",
        "insert into t values (1",
        "insert into t values ('a)",
        "insert into t\u{a0}values (1)",
        "with u as (insert into t values (1) returning *) select * from u",
        "update t set a = 1",
        "insert into t values (set_config('a', 'b', false))",
    ] {
        assert!(!examine(text).plain, "{text}");
    }
}

#[test]
fn writes() {
    check(
        Write,
        &[
            "insert into t values ($1)",
            "INSERT INTO t SELECT * FROM u",
            "update t set a = 1",
            "delete from t",
            "merge into t using u on t.id = u.id when matched then delete",
            "with gone as (delete from t returning *) select * from gone",
            "with x as (select 1) insert into t select * from x",
            "select * from t where id = $1 for update",
            "select * from t for no key update skip locked",
            "select * from t FOR\n/* of */ SHARE",
            "select * from t for key share",
            "select nextval('s')",
            "select SetVal('s', 1)",
        ],
    );
}

#[test]
fn transaction_control() {
    check(
        Control,
        &[
            "begin",
            "BEGIN ISOLATION LEVEL SERIALIZABLE",
            "start transaction read only",
            "commit",
            "COMMIT;",
            "end",
            "rollback",
            "rollback to savepoint a",
            "abort",
            "savepoint a",
            "release a",
            "prepare transaction 'x'",
            "commit prepared 'x'",
        ],
    );
}

#[test]
fn anything_else_is_other() {
    check(
        Other,
        &[
            "",
            "  -- only a comment",
            "set search_path = x",
            "prepare p as select 1",
            "prepare transaction_log as select 1",
            "create table t (id int)",
            "explain analyze delete from t",
            "listen x",
            "call p()",
            "do $$ begin perform 1; end $$",
            "select * into t2 from t",
            "with x as (select 1) select * into y from x",
            "select set_config('a.b', '1', false)",
            "select \"set_config\"('a.b', '1', false)",
            "SELECT pg_catalog.SET_CONFIG('a.b', '1', false)",
            "select pg_advisory_lock(1)",
            "select pg_try_advisory_xact_lock(1)",
            "select lo_open(1, 2)",
            "select * from dblink_exec('x', 'y')",
            "insert into t select set_config('a', 'b', false)",
            "declare c cursor for select 1",
            "fetch c",
            "lock t",
            "discard all",
            "?",
            "1",
            "select_1",
        ],
    );
}

#[test]
fn several_statements() {
    for text in [
        "select 1; select 2",
        "select 1;;(select 2)",
        "begin; commit",
        "select ';' ; -- c\n values (1)",
        "insert into t values ('\\'); delete from t",
        "select $a$ ; $b$ ; $a$; select 2",
        "select E'a\\\\'; select 'b'",
        "(select 1); select 2",
    ] {
        let traits = examine(text);
        assert_eq!((traits.class, traits.multi), (Other, true), "{text}");
    }
    check(Other, &["create rule r as on insert to t do also (select 1; select 2)"]);
}

#[test]
fn copy_is_noticed_wherever_it_may_start() {
    for text in ["copy t from stdin", "/**/ COPY t TO STDOUT", "select 1; copy t from stdin"] {
        assert!(examine(text).copies, "{text}");
    }
    for text in ["select copy from t", "select 'copy'; select 1"] {
        assert!(!examine(text).copies, "{text}");
    }
}

#[test]
fn texts_that_drop_named_statements_are_noticed() {
    for text in ["deallocate p1", "DISCARD ALL", "select 1; deallocate all"] {
        assert!(examine(text).forgets, "{text}");
    }
    assert!(!examine("select discard from deallocate").forgets);
}

#[test]
fn what_begins_or_ends_a_transaction_is_seen_wherever_it_stands() {
    for text in [
        "begin",
        "BEGIN ISOLATION LEVEL SERIALIZABLE",
        " -- first\n/* a /* b */ c */ Commit and chain",
        "start /* a */ transaction",
        "end;",
        "abort",
        "rollback",
        "rollback work",
        "Rollback Transaction;",
        "rollback prepared 'x'",
        "commit prepared 'x'",
        "prepare transaction 'x'",
        "; commit",
        "select 1; commit",
        "rollback to a; rollback",
        "select $$;$$; /* x */ prepare\ntransaction 'x'; select 2",
        "create function f() returns int begin atomic select 1; end; end",
    ] {
        assert!(examine(text).bounds, "{text}");
    }
    for text in [
        "",
        "savepoint a",
        "release a",
        "rollback to a",
        "ROLLBACK WORK -- back\n TO SAVEPOINT a; release savepoint a",
        "rollback transaction to a",
        "prepare p as select 1",
        "prepare commit as select transaction",
        "start",
        "set transaction read only",
        "select 'x; commit'; select \"commit\" from t",
        "\"begin\"",
        "select case when a then b end from t; select begin.a from begin",
        "do $$ begin commit; end $$",
        "create rule r as on insert to t do also (select 1; commit)",
    ] {
        assert!(!examine(text).bounds, "{text}");
    }
}

#[test]
fn the_body_of_a_function_is_part_of_one_statement() {
    let bodies = [
        "create function f() returns int language sql begin atomic select 1; select 2; end",
        "CREATE OR REPLACE PROCEDURE p(a int) BEGIN ATOMIC INSERT INTO t VALUES (a); END;",
        "create function f(a int) returns int begin atomic \
         select case when (case a when 1 then 2 end) > 1 then \"end\" end from t; select 3; end",
        "create function f() returns int begin atomic end",
    ];
    for text in bodies {
        let traits = examine(text);
        assert!(traits.class == Other && !traits.multi && !traits.bounds, "{text}");
        let both = examine(&format!("{text}; commit"));
        assert!(both.multi && both.bounds, "{text}");
    }
    assert!(examine("create view begin as select 1; begin atomic select 1; end").bounds);
}

#[test]
fn every_cut_of_a_difficult_text_is_looked_at_without_trouble() {
    let text = "wíth/*/**/*/x as(select E'\\'',$a$ $ $a$,$1,\"a\"\"b\";--x\n)copy;$$";
    for end in (0..=text.len()).filter(|&end| text.is_char_boundary(end)) {
        let start = (0..=end).filter(|&at| text.is_char_boundary(at));
        for start in start {
            examine(&text[start..end]);
        }
    }
    assert_eq!(examine("select $").class, Read);
}

#[test]
fn settings_behind_a_view_or_an_escaped_name_are_other() {
    check(
        Other,
        &[
            "update pg_settings set setting = '7MB' where name = 'work_mem'",
            "with x as (update pg_catalog.pg_settings set setting = '1' returning 1) select 1",
            "select U&\"set\\005fconfig\"('work_mem', '7MB', false)",
            "select u&\"x\" from t",
        ],
    );
    check(Read, &["select setting from pg_settings where name = 'work_mem'"]);
}
