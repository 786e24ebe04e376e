//! libpq's password file: lines of `host:port:database:user:password`, the first that fits wins.

use std::io;
use std::path::Path;

/// A line's four fields are compared with these.
#[derive(Clone, Copy, Debug)]
pub struct Key<'a> {
    /// As it was asked for; the directory of a unix socket.
    pub host: &'a str,
    pub port: &'a str,
    pub database: &'a str,
    pub user: &'a str,
}

/// The file's text, or nothing. Deliberately without `Debug`.
#[derive(Default)]
pub struct Passfile {
    text: String,
    /// Why a file that exists is not used.
    pub ignored: Option<String>,
}

impl Passfile {
    /// A missing file is none. One that others may read is ignored, as in libpq: its secrets may
    /// be known to them, and the owner should hear of it.
    pub fn read(path: &Path) -> Passfile {
        match read_private(path) {
            Ok(text) => Passfile { text, ignored: None },
            Err(reason) => {
                let ignored = reason.map(|why| format!("passfile '{}' {why}", path.display()));
                Passfile { text: String::new(), ignored }
            }
        }
    }

    /// The password of the first line that fits. A unix socket may stand in the file under its
    /// directory or as `localhost`.
    pub fn find(&self, key: Key<'_>) -> Option<String> {
        self.text.lines().find_map(|line| {
            if line.starts_with('#') {
                return None;
            }
            let on_socket = key.host.starts_with('/');
            let rest = field(line, key.host)
                .or_else(|| on_socket.then(|| field(line, "localhost")).flatten())?;
            let rest = field(rest, key.port)?;
            let rest = field(rest, key.database)?;
            Some(unescape(field(rest, key.user)?)).filter(|password| !password.is_empty())
        })
    }
}

/// `Err(None)` is "there is none".
fn read_private(path: &Path) -> Result<String, Option<String>> {
    let unreadable = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => None,
        kind => Some(format!("cannot be read ({kind})")),
    };
    let metadata = std::fs::metadata(path).map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(Some("is ignored: it is not a plain file".to_owned()));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        if metadata.permissions().mode() & 0o077 != 0 {
            let why = "is ignored: group or others may access it (chmod 600 is needed)";
            return Err(Some(why.to_owned()));
        }
    }
    let bytes = std::fs::read(path).map_err(unreadable)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// What follows the first field, if that is `*` or, a backslash before a character taken off, `wanted`.
fn field<'a>(line: &'a str, wanted: &str) -> Option<&'a str> {
    if let Some(rest) = line.strip_prefix("*:") {
        return Some(rest);
    }
    let (mut line, mut wanted) = (line.chars(), wanted.chars());
    loop {
        let mut next = line.next()?;
        if next == ':' && wanted.as_str().is_empty() {
            return Some(line.as_str());
        }
        if next == '\\' {
            next = line.next()?;
        }
        if wanted.next()? != next {
            return None;
        }
    }
}

/// The password ends at a colon that has no backslash before it.
fn unescape(text: &str) -> String {
    let mut password = String::new();
    let mut rest = text.chars();
    while let Some(next) = rest.next() {
        match next {
            ':' => break,
            '\\' => password.push(rest.next().unwrap_or('\\')),
            plain => password.push(plain),
        }
    }
    password
}

#[cfg(test)]
#[path = "tests/passfile.rs"]
mod tests;
