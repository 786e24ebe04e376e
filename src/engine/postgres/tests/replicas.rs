use super::*;
use crate::engine::net::tls::SslMode;

fn text(value: &str) -> Value {
    Value::Text(value.to_owned())
}

fn object(fields: &[(&str, Value)]) -> Value {
    Value::Object(fields.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect())
}

const MAIN: &str =
    "postgres://ann:hunter2@p1:1,p2:2/shop?sslmode=require&target_session_attrs=read-write";

fn pair(replicas: Value) -> Result<(Target, Option<Target>), OptionError> {
    let entries = vec![url(text(MAIN)), ("replicas".to_owned(), replicas)];
    split(entries, &BTreeMap::new(), Some("os"))
}

fn replicas(value: Value) -> Target {
    pair(value).unwrap().1.unwrap()
}

fn places(target: &Target) -> Vec<String> {
    target.route.endpoints.iter().map(ToString::to_string).collect()
}

#[test]
fn a_url_changes_what_it_says_and_nothing_else() {
    let found = replicas(text("postgres://r1,r2:7/?application_name=reader"));
    assert_eq!(places(&found), ["r1:5432", "r2:7"]);
    assert_eq!((&*found.user, found.password.as_deref()), ("ann", Some("hunter2")));
    assert_eq!((&*found.database, found.route.ssl.mode), ("shop", SslMode::Require));
    assert_eq!(found.application_name.as_deref(), Some("reader"));
    assert_eq!((found.wanted, found.route.shuffles), (Wanted::Any, true));
    let other = replicas(text("postgres://bob@r1/?load_balance_hosts=disable&sslmode=disable"));
    assert_eq!(
        (&*other.user, other.route.ssl.mode, other.route.shuffles),
        ("bob", SslMode::Disable, false)
    );
}

#[test]
fn the_primary_keeps_its_own() {
    let (main, _) = pair(text("postgres://bob@r1")).unwrap();
    assert_eq!((places(&main), &*main.user), (vec!["p1:1".to_owned(), "p2:2".to_owned()], "ann"));
    assert_eq!((main.wanted, main.route.shuffles), (Wanted::ReadWrite, false));
    assert!(pair(Value::Null).unwrap().1.is_none());
}

#[test]
fn a_list_of_urls_is_a_list_of_hosts() {
    let list = ["postgres://bob@r1", "postgres://bob@r2:7"].map(text).to_vec();
    let found = replicas(Value::List(list));
    assert_eq!((places(&found), &*found.user), (vec!["r1:5432".into(), "r2:7".into()], "bob"));
}

#[test]
fn without_a_place_the_standbys_among_the_same_hosts() {
    let found = replicas(object(&[("applicationName", text("reader"))]));
    assert_eq!((places(&found).len(), found.wanted), (2, Wanted::Standby));
    let found = replicas(object(&[("port", Value::Number(7.0))]));
    assert_eq!((places(&found), found.wanted), (vec!["p1:7".into(), "p2:7".into()], Wanted::Any));
}

#[test]
fn what_cannot_be_is_named() {
    let urls = |list: &[&str]| Value::List(list.iter().map(|it| text(it)).collect());
    for (value, option, part) in [
        (Value::Number(5.0), "replicas", "got a number"),
        (Value::List(vec![]), "replicas", "got an empty list"),
        (Value::List(vec![Value::Null]), "replicas", "got a list with null"),
        (urls(&["postgres://a@r1", "postgres://b@r2"]), "replicas", "differ in more"),
        (object(&[("max", Value::Number(5.0))]), "replicas.max", "Unknown option 'replicas.max'"),
        (object(&[("hots", text("r1"))]), "replicas.hots", "did you mean 'host'"),
        (
            object(&[("target_session_attrs", text("slave"))]),
            "replicas.target_session_attrs",
            "got 'slave'",
        ),
    ] {
        let error = pair(value).map(|_| ()).unwrap_err();
        assert_eq!(error.option, option);
        assert!(error.message.contains(part), "{error}");
        assert!(!error.message.contains("hunter2"));
    }
}
