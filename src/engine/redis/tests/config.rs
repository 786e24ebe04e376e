use super::*;
use crate::engine::net::tls::SslMode;

fn parse(entries: &[(&str, &str)]) -> Result<Target, OptionError> {
    let text = |(key, value): &(&str, &str)| ((*key).to_owned(), Value::Text((*value).to_owned()));
    Target::parse(entries.iter().map(text).collect())
}

fn url(text: &str) -> Target {
    parse(&[("url", text)]).unwrap()
}

fn refused(entries: &[(&str, &str)]) -> OptionError {
    parse(entries).err().unwrap()
}

fn ends(target: &Target) -> Vec<String> {
    target.route.endpoints.iter().map(|end| end.to_string()).collect()
}

#[test]
fn a_url_says_where_and_as_whom() {
    let target = url("redis://ann:s%40crt@db:6380/2?applicationName=web");
    assert_eq!(ends(&target), ["db:6380"]);
    let Login { user, password, name, database, .. } = &target.login;
    assert_eq!((user.as_deref(), password.as_deref()), (Some("ann"), Some("s@crt")));
    assert_eq!((name.as_deref(), *database), (Some("web"), 2));
    assert_eq!(target.route.ssl.mode, SslMode::Disable);
    assert_eq!(ends(&url("redis://")), ["localhost:6379"]);
    let secret = url("redis://:p@ss@db");
    assert_eq!((secret.login.user, secret.login.password.as_deref()), (None, Some("p@ss")));
    assert_eq!(ends(&url("redis://[::1]:7000")), ["[::1]:7000"]);
    assert_eq!(url("rediss://db").route.ssl.mode, SslMode::VerifyFull);
}

#[test]
fn a_path_is_a_sockets() {
    let target = url("unix:///run/redis.sock?db=1&user=ann&pass=x");
    assert_eq!(ends(&target), ["/run/redis.sock"]);
    assert_eq!((target.login.database, target.login.password.as_deref()), (1, Some("x")));
    assert_eq!(ends(&parse(&[("socketPath", "/s")]).unwrap()), ["/s"]);
}

#[test]
fn options_win_over_the_url() {
    let target = parse(&[("url", "redis://ann:x@db/3"), ("db", "4"), ("password", "y")]).unwrap();
    assert_eq!((target.login.database, target.login.password.as_deref()), (4, Some("y")));
    assert!(!parse(&[("protocol", "2")]).unwrap().resp3);
}

#[test]
fn what_cannot_be_is_refused_by_name() {
    assert_eq!(refused(&[("url", "redis://db/x")]).option, "connectionString");
    assert_eq!(refused(&[("url", "redis://db?pasword=x")]).option, "pasword");
    assert_eq!(refused(&[("database", "-1")]).option, "database");
    assert_eq!(refused(&[("protocol", "4")]).option, "protocol");
    assert_eq!(refused(&[("port", "0")]).option, "port");
    assert_eq!(refused(&[("applicationName", "a b")]).option, "applicationName");
    assert_eq!(refused(&[("hots", "db")]).option, "hots");
}

#[test]
fn no_secret_is_shown() {
    for text in ["redis://ann:geheim@db/x", "redis://ann:ge#heim@db", "redis://ann:ge/heim@db"] {
        assert!(!refused(&[("url", text)]).message.contains("heim"), "{text}");
    }
    let target = url("redis://ann:geheim@db");
    assert!(!format!("{target:?}").contains("geheim"));
}
