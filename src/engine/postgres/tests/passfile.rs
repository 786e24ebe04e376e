use super::*;

const KEY: Key<'static> = Key { host: "db", port: "5432", database: "shop", user: "ann" };

fn find(text: &str, key: Key<'_>) -> Option<String> {
    Passfile { text: text.to_owned(), ignored: None }.find(key)
}

#[test]
fn the_first_line_that_fits_wins() {
    let text = "# comment:*:*:*:no\n\nother:5432:shop:ann:1\ndb:5433:shop:ann:2\ndb:5432:x:ann:3\n\
                db:5432:shop:bob:4\ndb:5432:shop:ann:right\n*:*:*:*:late\n";
    assert_eq!(find(text, KEY).as_deref(), Some("right"));
    assert_eq!(find(text, Key { user: "eve", ..KEY }).as_deref(), Some("late"));
    assert_eq!(find("db:5432:shop:ann:crlf\r\n", KEY).as_deref(), Some("crlf"));
}

#[test]
fn stars_stand_for_anything() {
    for line in ["*:5432:shop:ann:p", "db:*:shop:ann:p", "db:5432:*:ann:p", "db:5432:shop:*:p"] {
        assert_eq!(find(line, KEY).as_deref(), Some("p"), "{line}");
    }
    // Only a field that is one; a name may begin with it.
    assert_eq!(find("*b:5432:shop:ann:p", KEY), None);
    assert_eq!(find("d*:5432:shop:ann:p", KEY), None);
}

#[test]
fn backslashes_protect_colons_and_themselves() {
    let key = Key { host: "::1", database: r"a\b", ..KEY };
    assert_eq!(find(r"\:\:1:5432:a\\b:ann:p\:q\\r", key).as_deref(), Some(r"p:q\r"));
    assert_eq!(find("::1:5432:a\\b:ann:p", key), None);
    assert_eq!(find("db:5432:shop:ann:pass:rest", KEY).as_deref(), Some("pass"));
    assert_eq!(find(r"db:5432:shop:ann:end\", KEY).as_deref(), Some(r"end\"));
}

#[test]
fn a_socket_stands_under_its_directory_or_localhost() {
    let key = Key { host: "/run/pg", ..KEY };
    assert_eq!(find("/run/pg:5432:shop:ann:a", key).as_deref(), Some("a"));
    assert_eq!(find("localhost:5432:shop:ann:b", key).as_deref(), Some("b"));
    assert_eq!(find("localhost:5432:shop:ann:b", KEY), None);
}

#[test]
fn lines_that_are_none_give_none() {
    for line in ["", ":", "db", "db:5432:shop", "db:5432:shop:ann", "db:5432:shop:ann:", "db\\"] {
        assert_eq!(find(line, KEY), None, "{line}");
    }
}

#[test]
fn a_missing_file_is_none_and_a_folder_is_ignored() {
    let none = Passfile::read(Path::new("/nowhere/at/all"));
    assert!(none.text.is_empty() && none.ignored.is_none());
    let folder = Passfile::read(&std::env::temp_dir());
    assert!(folder.ignored.unwrap().contains("not a plain file"));
}

#[cfg(unix)]
#[test]
fn what_others_may_read_is_ignored() {
    use std::os::unix::fs::PermissionsExt;
    let path = std::env::temp_dir().join(format!("polypool-passfile-{}", std::process::id()));
    std::fs::write(&path, "*:*:*:*:secret").unwrap();
    let read = |mode| {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        Passfile::read(&path)
    };
    let (open, private) = (read(0o640), read(0o600));
    std::fs::remove_file(&path).unwrap();
    assert_eq!(open.find(KEY), None);
    let words = open.ignored.unwrap();
    assert!(words.contains("chmod 600") && !words.contains("secret"), "{words}");
    assert_eq!(private.find(KEY).as_deref(), Some("secret"));
}
