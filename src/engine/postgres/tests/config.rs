use super::*;
use crate::engine::net::tls::SslMode;

fn text(value: &str) -> Value {
    Value::Text(value.to_owned())
}

fn list(entries: &[(&str, Value)]) -> Vec<(String, Value)> {
    entries.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect()
}

fn target(entries: &[(&str, Value)]) -> Result<Target, OptionError> {
    Target::parse(list(entries), &BTreeMap::new(), Some("os"))
}

fn from_url(url: &str) -> Result<Target, OptionError> {
    target(&[("connectionString", text(url))])
}

fn with_environment(entries: &[(&str, Value)], environment: &[(&str, &str)]) -> Target {
    let environment = environment.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    Target::parse(list(entries), &environment, Some("os")).unwrap()
}

fn tcp(host: &str, port: u16) -> Endpoint {
    Endpoint::Tcp { host: host.to_owned(), port, address: None }
}

#[test]
fn defaults() {
    let target = target(&[]).unwrap();
    assert_eq!(target.route.endpoints, [tcp("localhost", 5432)]);
    assert_eq!((&*target.user, &*target.database), ("os", "os"));
    assert_eq!((target.password, target.options, target.route.connect_timeout), (None, None, None));
    assert_eq!(target.route.ssl.mode, SslMode::Prefer);
    assert_eq!(target.route.keepalive.unwrap().idle, Duration::from_secs(60));
    assert_eq!(target.route.tcp_user_timeout, Some(Duration::from_secs(30)));
    assert!(!target.allow_cleartext_password);
}

#[test]
fn a_url_says_it_all() {
    let target = from_url(
        "postgresql://an%20n:p%40s%3As@[::1]:6000/sh%2Fop?sslmode=require&application_name=a+b\
         &connect_timeout=7&options=-c%20geqo%3Doff&keepalives=0&tcp_user_timeout=0",
    )
    .unwrap();
    assert_eq!(target.route.endpoints, [tcp("::1", 6000)]);
    assert_eq!(target.route.endpoints[0].to_string(), "[::1]:6000");
    assert_eq!((&*target.user, target.password.as_deref()), ("an n", Some("p@s:s")));
    assert_eq!(target.database, "sh/op");
    assert_eq!(target.route.ssl.mode, SslMode::Require);
    assert_eq!(target.application_name.as_deref(), Some("a+b"));
    assert_eq!(target.route.connect_timeout, Some(Duration::from_secs(7)));
    assert_eq!(target.options.as_deref(), Some("-c geqo=off"));
    assert_eq!((target.route.keepalive, target.route.tcp_user_timeout), (None, None));
}

#[test]
fn odd_urls() {
    for (url, host, password, database) in [
        ("postgres://u:p@ss@h/d", "h", Some("p@ss"), "d"),
        ("postgres://u@h/d?application_name=a@b", "h", None, "d"),
        ("postgres://h/d%40x", "h", None, "d@x"),
        ("postgres://u@/d?host=h", "h", None, "d"),
        ("postgres://u:@h", "h", None, "u"),
        ("postgres://", "localhost", None, "os"),
    ] {
        let target = from_url(url).unwrap();
        assert_eq!(target.route.endpoints, [tcp(host, 5432)], "{url}");
        assert_eq!((target.password.as_deref(), &*target.database), (password, database), "{url}");
    }
    let socket = from_url("postgres://u@%2Fvar%2Frun:5433/d").unwrap();
    assert_eq!(socket.route.endpoints[0].to_string(), "/var/run/.s.PGSQL.5433");
    let two = from_url("postgres://u@a:1,b:2/d").unwrap();
    assert_eq!(two.route.endpoints, [tcp("a", 1), tcp("b", 2)]);
    let pairs = from_url("host=h user=u password='s e' dbname=d sslmode=disable").unwrap();
    assert_eq!((pairs.password.as_deref(), pairs.route.ssl.mode), (Some("s e"), SslMode::Disable));
}

#[test]
fn options_outrank_url_outranks_environment() {
    let environment = [
        ("PGHOST", "e"),
        ("PGPORT", "3"),
        ("PGUSER", "eu"),
        ("PGPASSWORD", "ep"),
        ("PGAPPNAME", ""),
    ];
    let all =
        with_environment(&[("url", text("postgres://uu@u/d")), ("host", text("o"))], &environment);
    assert_eq!(all.route.endpoints, [tcp("o", 3)]);
    assert_eq!((&*all.user, all.password.as_deref()), ("uu", Some("ep")));
    assert_eq!(all.application_name, None);
    let only = with_environment(&[("host", Value::Null)], &environment);
    assert_eq!((&only.route.endpoints[..], &*only.database), (&[tcp("e", 3)][..], "eu"));
    // A port that the URL spells out stands, even when it is the default.
    let spelled = with_environment(&[("url", text("postgres://h:5432"))], &environment);
    assert_eq!(spelled.route.endpoints, [tcp("h", 5432)]);
    // `ssl` of the caller beats `sslmode` of URL and environment.
    let url = ("url", text("postgres://h?sslmode=require"));
    let plain =
        with_environment(&[url, ("ssl", Value::Bool(false))], &[("PGSSLMODE", "verify-full")]);
    assert_eq!(plain.route.ssl.mode, SslMode::Disable);
}

#[test]
fn ssl_of_node_and_of_libpq() {
    let mode = |entries: &[(&str, Value)]| target(entries).map(|target| target.route.ssl.mode);
    let object = |fields: &[(&str, Value)]| ("ssl", Value::Object(list(fields)));
    assert_eq!(mode(&[("ssl", Value::Bool(true))]), Ok(SslMode::VerifyFull));
    assert_eq!(mode(&[object(&[])]), Ok(SslMode::VerifyFull));
    let lax = ("rejectUnauthorized", Value::Bool(false));
    assert_eq!(mode(&[object(std::slice::from_ref(&lax))]), Ok(SslMode::Require));
    for (name, expected) in [
        ("disable", SslMode::Disable),
        ("allow", SslMode::Allow),
        ("prefer", SslMode::Prefer),
        ("require", SslMode::Require),
        ("verify-ca", SslMode::VerifyCa),
        ("verify-full", SslMode::VerifyFull),
    ] {
        assert_eq!(mode(&[("sslmode", text(name))]), Ok(expected));
        assert_eq!(mode(&[("sslmode", text(name)), object(&[])]), Ok(expected));
    }
    let both = [("sslmode", text("require")), object(&[lax])];
    assert_eq!(mode(&both).unwrap_err().option, "sslmode");
    let name =
        target(&[object(&[("servername", text("db.example"))])]).unwrap().route.ssl.servername;
    assert_eq!(name.unwrap().to_str(), "db.example");
}

#[test]
fn refusals_name_the_option() {
    let object = |key: &str, value: Value| Value::Object(list(&[(key, value)]));
    for (key, value, option, words) in [
        ("port", Value::Number(0.0), "port", "from 1 to 65535, got 0"),
        ("port", Value::Number(65_536.0), "port", "65536"),
        ("port", text("a"), "port", "'a'"),
        ("port", text("1,2"), "port", "as many as there are hosts (1)"),
        ("host", Value::Number(1.0), "host", "a text, got a number"),
        ("password", Value::Number(1.0), "password", "a text or a function, got a number"),
        ("url", text("postgres://h?password=x%00"), "password", "a text"),
        ("sslmode", text("no"), "sslmode", "'verify-ca' or 'verify-full', got 'no'"),
        ("ssl", text("maybe"), "ssl", "true, false or an object"),
        (
            "ssl",
            object("rejectUnauthorised", Value::Null),
            "ssl.rejectUnauthorised",
            "did you mean 'ssl.rejectUnauthorized'",
        ),
        ("ssl", object("ca", text("nonsense")), "ssl.ca", "certificates in PEM form"),
        ("ssl", object("ca", Value::List(vec![Value::Bool(true)])), "ssl.ca", "PEM text"),
        ("ssl", object("cert", text("x")), "ssl.key", "together with 'ssl.cert'"),
        ("sslrootcert", text("/nowhere/at/all"), "sslrootcert", "a readable file"),
        ("connect_timeout", Value::Number(-1.0), "connect_timeout", "from 0 to 86400, got -1"),
        ("connect_timeout", Value::Number(1.5), "connect_timeout", "1.5"),
        ("allowCleartextPassword", text("yes"), "allowCleartextPassword", "true or false"),
        ("target_session_attrs", text("master"), "target_session_attrs", "'any'"),
        ("channel_binding", text("yes"), "channel_binding", "'disable', 'prefer' or 'require'"),
        ("user", text(""), "user", "the name of a role"),
        ("hots", text("h"), "hots", "did you mean 'host'"),
        ("url", text("postgres://h?sslmod=a"), "sslmod", "did you mean 'sslmode'"),
        ("url", text("postgres://h:x/"), "connectionString", "a URL such as"),
        ("url", text("mysql"), "connectionString", "a URL such as"),
    ] {
        let error = target(&[(key, value)]).unwrap_err();
        assert_eq!(error.option, option);
        assert!(error.message.contains(option) && error.message.contains(words), "{error}");
    }
}

#[test]
fn nothing_tells_the_password() {
    const SECRET: &str = "hunter2";
    let shown = |result: Result<Target, OptionError>| format!("{result:?}");
    for url in [
        "postgres://u:hunter2@h/d",
        "postgres://u:hunter2@h:bad/d",
        "postgres://u:hunter2@h/d?sslmode",
        "postgres://u:hunter2@h/d?nope=1",
        "postgres://u:%ffhunter2@h/d",
        "postgres://u:/hunter2@h/d",
        "postgres://u:x?hunter2@h/d",
        "user=u password=x hunter2",
        "user=u hunter2=x",
    ] {
        assert!(!shown(from_url(url)).contains(SECRET), "{url}");
    }
    assert!(!shown(target(&[("password", text(SECRET))])).contains(SECRET));
    assert!(!shown(target(&[("password", text("hunter2\0"))])).contains(SECRET));
    let environment = with_environment(&[], &[("PGPASSWORD", SECRET)]);
    assert_eq!(environment.password.as_deref(), Some(SECRET));
    assert!(!format!("{environment:?}").contains(SECRET));
}

#[test]
fn every_key_is_known_by_its_canonical_name() {
    for key in KEYS {
        assert!(KEYS.contains(&canonical(key)), "{key}");
    }
    for (_, key) in ENVIRONMENT {
        assert_eq!(canonical(key), key);
        assert!(KEYS.contains(&key), "{key}");
    }
}

#[test]
fn direct_negotiation_wants_tls_for_certain() {
    let direct = ("sslnegotiation", text("direct"));
    for mode in ["disable", "allow", "prefer"] {
        let error = target(&[direct.clone(), ("sslmode", text(mode))]).unwrap_err();
        assert_eq!(error.option, "sslnegotiation");
        assert!(error.message.contains("'sslmode'"), "{error}");
    }
    assert_eq!(target(std::slice::from_ref(&direct)).unwrap_err().option, "sslnegotiation");
    for mode in ["require", "verify-ca", "verify-full"] {
        assert!(target(&[direct.clone(), ("sslmode", text(mode))]).unwrap().route.ssl.direct);
    }
    assert!(target(&[direct, ("ssl", Value::Bool(true))]).unwrap().route.ssl.direct);
    assert!(!target(&[("sslnegotiation", text("postgres"))]).unwrap().route.ssl.direct);
    let pairs = "host=h user=u sslmode=require sslnegotiation=direct channel_binding=require";
    let pairs = from_url(pairs).unwrap();
    assert!(pairs.route.ssl.direct && pairs.channel_binding == ChannelBinding::Require);
    let error = target(&[("sslnegotiation", text("maybe"))]).unwrap_err();
    assert!(error.message.contains("'postgres' or 'direct', got 'maybe'"), "{error}");
}

#[test]
fn required_binding_wants_tls() {
    let require = ("channel_binding", text("require"));
    let mode = |sslmode| target(&[require.clone(), ("sslmode", text(sslmode))]);
    assert_eq!(mode("disable").unwrap_err().option, "channel_binding");
    assert_eq!(mode("prefer").unwrap().route.ssl.mode, SslMode::Require);
    assert_eq!(mode("verify-full").unwrap().route.ssl.mode, SslMode::VerifyFull);
    assert_eq!(target(std::slice::from_ref(&require)).unwrap().route.ssl.mode, SslMode::Require);
}

#[test]
fn the_systems_authorities_verify_in_full() {
    let system = ("sslrootcert", text("system"));
    assert_eq!(target(std::slice::from_ref(&system)).unwrap().route.ssl.mode, SslMode::VerifyFull);
    let error = target(&[system, ("sslmode", text("require"))]).unwrap_err();
    assert!(error.option == "sslmode" && error.message.contains("'system'"), "{error}");
}

#[test]
fn a_password_function_is_for_the_driver_to_ask() {
    let target = target(&[("password", Value::Function)]).unwrap();
    assert_eq!(target.password, None);
    let from_file = with_environment(&[], &[("PGPASSFILE", "/a"), ("PGCHANNELBINDING", "disable")]);
    assert_eq!(from_file.passfile, Some(PathBuf::from("/a")));
    assert_eq!(from_file.channel_binding, ChannelBinding::Disable);
}

#[test]
fn hosts_and_their_addresses() {
    let both =
        [("host", text("db1,db2")), ("hostaddr", text("10.0.0.1,::1")), ("port", text("1,2"))];
    let hosts = target(&both).unwrap().route.endpoints;
    let at = |host: &str, port, address: &str| Endpoint::Tcp {
        host: host.to_owned(),
        port,
        address: Some(address.parse().unwrap()),
    };
    assert_eq!(hosts, [at("db1", 1, "10.0.0.1"), at("db2", 2, "::1")]);
    assert_eq!(hosts[0].to_string(), "db1:1");
    assert!(!hosts[0].is_local() && hosts[1].is_local());
    let alone = target(&[("hostaddr", text("10.0.0.9"))]).unwrap().route.endpoints;
    assert_eq!(alone, [at("10.0.0.9", 5432, "10.0.0.9")]);
    // An address of the environment is for a host of the environment.
    let named = with_environment(&[("host", text("db"))], &[("PGHOSTADDR", "10.0.0.1")]);
    assert_eq!(named.route.endpoints, [tcp("db", 5432)]);

    for (value, part) in [("db1", "numeric addresses"), ("10.0.0.1,10.0.0.2", "as many")] {
        let error = target(&[("host", text("h")), ("hostaddr", text(value))]).unwrap_err();
        assert_eq!(error.option, "hostaddr");
        assert!(error.message.contains(part), "{error}");
    }
}

#[test]
fn session_attributes_and_order_by_their_names() {
    let wanted = |name: &str| target(&[("target_session_attrs", text(name))]).map(|it| it.wanted);
    for (name, expected) in WANTED {
        assert_eq!(wanted(name), Ok(expected));
    }
    let error = wanted("master").unwrap_err();
    assert_eq!(error.option, "target_session_attrs");
    assert!(error.message.contains("'prefer-standby', got 'master'"), "{error}");
    assert!(from_url("postgres://a,b/d?load_balance_hosts=random").unwrap().route.shuffles);
    let error = target(&[("load_balance_hosts", text("yes"))]).unwrap_err();
    assert!(error.message.contains("'disable' or 'random', got 'yes'"), "{error}");
    let environment = [("PGTARGETSESSIONATTRS", "standby"), ("PGLOADBALANCEHOSTS", "random")];
    let target = with_environment(&[], &environment);
    assert_eq!((target.wanted, target.route.shuffles), (Wanted::Standby, true));
}

#[test]
fn pairs_as_libpq_reads_them() {
    let target = from_url(
        r"host = h1,h2 port=1,2 user='o\'r' password=a\ b target_session_attrs=prefer-standby
          dbname='' sslmode=verify-full",
    )
    .unwrap();
    assert_eq!(target.route.endpoints, [tcp("h1", 1), tcp("h2", 2)]);
    assert_eq!((&*target.user, target.password.as_deref()), ("o'r", Some("a b")));
    assert_eq!(
        (target.wanted, target.route.ssl.mode),
        (Wanted::PreferStandby, SslMode::VerifyFull)
    );
    for odd in ["user='ann", "user", "x=1", "url=y", "user=a\\"] {
        assert!(from_url(odd).is_err(), "{odd}");
    }
    let error = from_url("postgres//ann:s3cret@host/db?sslmode=disable").unwrap_err();
    assert!(!error.message.contains("s3cret"), "{error}");
}
