use super::*;
use crate::engine::net::address::Endpoint;
use crate::engine::net::tls::SslMode;

fn text(value: &str) -> Value {
    Value::Text(value.to_owned())
}

fn target(entries: &[(&str, Value)]) -> Result<Target, OptionError> {
    let entries = entries.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
    Target::parse(entries, Some("os"))
}

fn from_url(url: &str) -> Result<Target, OptionError> {
    target(&[("url", text(url))])
}

fn tcp(host: &str, port: u16) -> Endpoint {
    Endpoint::Tcp { host: host.to_owned(), port, address: None }
}

fn unix(path: &str) -> Endpoint {
    Endpoint::Unix { path: path.into() }
}

#[test]
fn defaults() {
    let target = target(&[]).unwrap();
    assert_eq!(target.route.endpoints, [tcp("localhost", 3306)]);
    assert_eq!((&*target.user, target.password, target.database), ("os", None, None));
    assert_eq!(target.route.ssl.mode, SslMode::Prefer);
    assert_eq!(target.flags, CapabilityFlags::CLIENT_FOUND_ROWS);
    assert_eq!((target.compression, u16::from(target.collation)), (Compression::Off, COLLATION));
    assert!(!target.any_key && target.key.is_none() && !target.allow_cleartext_password);
    assert_eq!(target.pins.as_deref(), Some("SET NAMES utf8mb4, time_zone='+00:00'"));
}

#[test]
fn a_url_says_where_and_as_whom() {
    let url = "mysql://an%20n:p%40s@s:s@[::1]:3307/sh%2Fop?ssl-mode=REQUIRED&compress=zstd&\
               multipleStatements=true&applicationName=a+b";
    let target = from_url(url).unwrap();
    assert_eq!(target.route.endpoints, [tcp("::1", 3307)]);
    assert_eq!((&*target.user, target.password.as_deref()), ("an n", Some("p@s@s:s")));
    assert_eq!(target.database.as_deref(), Some("sh/op"));
    assert_eq!(target.route.ssl.mode, SslMode::Require);
    assert_eq!(target.compression, Compression::Zstd);
    assert!(target.flags.contains(CapabilityFlags::CLIENT_MULTI_STATEMENTS));
    let name = ("program_name".to_owned(), "a+b".to_owned());
    assert!(target.attributes.contains(&name));
}

#[test]
fn urls_of_every_kind() {
    for (url, endpoints) in [
        ("mysql://db", vec![tcp("db", 3306)]),
        ("mariadb://db:1/", vec![tcp("db", 1)]),
        ("MYSQL://ann@db/x", vec![tcp("db", 3306)]),
        ("mysql://ann@a:1,b,[::2]:3/x", vec![tcp("a", 1), tcp("b", 3306), tcp("::2", 3)]),
        ("mysql:///x?socketPath=/run/sql.sock", vec![unix("/run/sql.sock")]),
        ("mysql://ann@%2Frun%2Fsql.sock/x", vec![unix("/run/sql.sock")]),
        ("mysql:///x", vec![tcp("localhost", 3306)]),
    ] {
        assert_eq!(from_url(url).unwrap().route.endpoints, endpoints, "{url}");
    }
}

/// An error about a URL never shows any of it.
#[test]
fn what_cannot_be_read_is_refused_without_being_shown() {
    for url in [
        "mysql://ann:hunter2@db:port/x",
        "mysql://ann:12#hunter2@db/x",
        "mysql://ann:1/hunter2@db/x",
        "mysql://ann:1?hunter2@db/x",
        "mysql:ann:hunter2@db",
        "hunter2",
        "postgres://ann:hunter2@db",
        "mysql://ann:hunter2@db/x?%ff=1",
    ] {
        let error = from_url(url).unwrap_err();
        assert!(!error.message.contains("hunter2"), "{error}");
    }
    let error = from_url("mysql://db/x?sokcetPath=/x").unwrap_err();
    assert_eq!(error.message, "Unknown option 'sokcetPath'; did you mean 'socketPath'?");
}

#[test]
fn options_win_over_the_url() {
    let url = ("url", text("mysql://ann:a@db:1/x?socketPath=/of/url&sslmode=required"));
    let both = target(&[url.clone(), ("user", text("bob")), ("port", Value::Number(2.0))]).unwrap();
    assert_eq!((&*both.user, both.route.endpoints), ("bob", vec![unix("/of/url")]));
    let host = target(&[url.clone(), ("host", text("other"))]).unwrap();
    assert_eq!(host.route.endpoints, [tcp("other", 1)]);
    let ssl = target(&[url, ("ssl", Value::Bool(false))]).unwrap();
    assert_eq!(ssl.route.ssl.mode, SslMode::Disable);
}

#[test]
fn tls_is_as_strict_as_it_is_asked_to_be() {
    let mode = |entries: &[(&str, Value)]| target(entries).map(|target| target.route.ssl.mode);
    for (name, expected) in [
        ("disabled", SslMode::Disable),
        ("PREFERRED", SslMode::Prefer),
        ("Required", SslMode::Require),
        ("VERIFY_CA", SslMode::VerifyCa),
        ("verify_identity", SslMode::VerifyFull),
    ] {
        assert_eq!(mode(&[("ssl-mode", text(name))]), Ok(expected));
    }
    assert_eq!(mode(&[("ssl", Value::Bool(true))]), Ok(SslMode::VerifyFull));
    assert_eq!(mode(&[("stream", Value::Function)]), Ok(SslMode::Disable));
    let both = [("ssl", Value::Bool(true)), ("sslmode", text("required"))];
    assert_eq!(mode(&both).unwrap_err().option, "sslmode");
    assert!(mode(&[("sslmode", text("verify-full"))]).is_err());
    assert_eq!(mode(&[("ssl-ca", text("/nowhere"))]).unwrap_err().option, "ssl-ca");
}

#[test]
fn wrong_values_name_their_option() {
    let object = |name: &str, value| Value::Object(vec![(name.to_owned(), value)]);
    let number = Value::Number;
    for (key, value, option) in [
        ("port", number(0.0), "port"),
        ("port", text("1,2"), "port"),
        ("charset", text("latin1"), "charset"),
        ("collation", text("latin1_bin"), "collation"),
        ("collation", text("utf8mb4_bin'"), "collation"),
        ("timezone", text("+02:00"), "timezone"),
        ("compress", number(1.0), "compress"),
        ("serverPublicKey", text("no key"), "serverPublicKey"),
        ("connectAttributes", text("x"), "connectAttributes"),
        ("connectAttributes", object("a", number(1.0)), "connectAttributes.a"),
        ("connectAttributes", object("a", text(&"x".repeat(20_000))), "connectAttributes"),
        ("multipleStatements", text("maybe"), "multipleStatements"),
        ("password", number(1.0), "password"),
        ("stream", text("x"), "stream"),
    ] {
        assert_eq!(target(&[(key, value)]).unwrap_err().option, option);
    }
    let nobody = Target::parse(Vec::new(), None).unwrap_err();
    assert_eq!(nobody.option, "user");
}

#[test]
fn secrets_are_not_shown() {
    let target = target(&[("password", text("hunter2"))]).unwrap();
    assert!(!format!("{target:?}").contains("hunter2"));
}

#[test]
fn replacements_of_drivers_choose_collation_and_capabilities() {
    let given =
        [("handshakeCollation", Value::Number(224.0)), ("clientFlags", Value::Number(256.0))];
    let target = target(&given).unwrap();
    assert_eq!((target.collation, target.flags), (224, CapabilityFlags::CLIENT_IGNORE_SPACE));
}
