use super::*;

fn words(said: &[Said]) -> Vec<String> {
    let text = |word: &[u8]| String::from_utf8_lossy(word).into_owned();
    said.iter()
        .map(|one| one.words.iter().map(|it| text(it)).collect::<Vec<_>>().join(" "))
        .collect()
}

#[test]
fn one_flight_says_it_all() {
    let login = Login {
        user: Some("ann".into()),
        password: Some("secret".into()),
        name: Some("web".into()),
        database: 2,
        has_reset: true,
        asks_role: true,
    };
    let said = words(&login.first(true));
    assert_eq!(said[0], "HELLO 3 AUTH ann secret SETNAME web");
    assert!(said[1].starts_with("CLIENT SETINFO LIB-NAME polypool"));
    assert_eq!(said[3..], ["SELECT 2", "PING", "ROLE"]);
    let said = words(&login.first(false));
    assert_eq!(said[..2], ["AUTH ann secret", "CLIENT SETNAME web"]);
    assert_eq!(said[4..], ["CLIENT ID", "SELECT 2", "PING", "ROLE"]);
    let alone = Login { user: None, ..login.clone() };
    assert!(words(&alone.first(true))[0].starts_with("HELLO 3 AUTH default secret"));
    assert_eq!(words(&alone.first(false))[0], "AUTH secret");
    let open = Login { password: None, ..login };
    assert_eq!(words(&open.first(true))[0], "HELLO 3 AUTH ann  SETNAME web");
    assert_eq!(words(&open.first(false))[0], "AUTH ann ");
}

fn heard(login: &Login, replies: &[&[u8]]) -> Heard {
    let mut heard = Heard::default();
    for (said, reply) in login.first(true).iter().zip(replies) {
        heard.hear(said, reply);
    }
    heard
}

#[test]
fn a_server_without_hello_is_asked_the_old_way() {
    let login = Login::default();
    assert!(heard(&login, &[b"-ERR unknown command `HELLO`\r\n"]).downgrade);
    assert!(heard(&login, &[b"-NOPROTO unsupported protocol version\r\n"]).downgrade);
    let known = heard(&login, &[b"%2\r\n$5\r\nproto\r\n:3\r\n$2\r\nid\r\n:77\r\n"]);
    assert_eq!((known.id, known.downgrade, known.refused), (77, false, None));
}

#[test]
fn a_refusal_counts_unless_nothing_depends_on_it() {
    let login = Login::default();
    let wrong = heard(&login, &[b"-WRONGPASS invalid username-password pair\r\n"]);
    assert!(wrong.refused.is_some_and(|error| error.is_configuration()));
    let ok: &[u8] = b"+OK\r\n";
    let old = heard(&login, &[b"%0\r\n", b"-ERR unknown subcommand\r\n", ok, b"+PONG\r\n"]);
    assert_eq!(old.refused, None);
    let barred = heard(&login, &[b"%0\r\n", ok, ok, b"-NOPERM no ping\r\n"]);
    assert_eq!(barred.refused, None);
    let loading = heard(&login, &[b"%0\r\n", ok, ok, b"-LOADING Redis is loading\r\n"]);
    let error = loading.refused.unwrap();
    assert!(error.is_starting() && !error.is_configuration());
}

#[test]
fn who_is_asked_for_a_password_by_all_commands_is_not_in() {
    let mut heard = Heard::default();
    let said = Login::default().first(false);
    for said in &said {
        heard.hear(said, b"-NOAUTH Authentication required.\r\n");
    }
    assert!(heard.refused.is_some_and(|error| error.is_configuration()));
}
