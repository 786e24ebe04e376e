//! The password of one connection: what the caller gives, else the passfile's line for it.

use super::config::Target;
use super::passfile::{Key, Passfile};
use crate::engine::net::address::{Address, Peer};
use crate::engine::net::failure::{ConnectError, Kind};
use tokio::task::spawn_blocking;

/// Deliberately without `Debug`.
#[derive(Default)]
pub struct Passwords {
    given: Option<String>,
    file: Passfile,
}

impl Passwords {
    /// The file is read anew for each connection, as libpq does: its lines may have changed.
    pub async fn gather(
        target: &Target,
        answered: Option<String>,
    ) -> Result<Passwords, ConnectError> {
        if let Some(password) = &target.password {
            return Ok(Passwords { given: Some(password.clone()), ..Passwords::default() });
        }
        if let Some(password) = answered {
            if password.contains('\0') {
                let message = "option 'password': what the function returned holds a NUL";
                return Err(ConnectError::new(Kind::Auth, "ERR_POLYPOOL_CONNECT", message));
            }
            // An empty one is none, as when it is given as a text.
            let given = Some(password).filter(|password| !password.is_empty());
            return Ok(Passwords { given, ..Passwords::default() });
        }
        let Some(path) = target.passfile.clone() else { return Ok(Passwords::default()) };
        // A home directory may lie on another machine; the task fails only with the process.
        let file = spawn_blocking(move || Passfile::read(&path)).await.unwrap_or_default();
        Ok(Passwords { given: None, file })
    }

    /// The password for this server.
    pub fn find(&self, target: &Target, peer: &Peer) -> Option<String> {
        if let Some(password) = &self.given {
            return Some(password.clone());
        }
        let path = match &peer.address {
            Address::Unix(path) => Some(path),
            Address::Far(far) => far.socket(),
            Address::Tcp(_) => None,
        };
        let socket = path.and_then(|path| path.parent()).map(|folder| folder.to_string_lossy());
        let host = socket.as_deref().unwrap_or(&peer.host);
        let port = match (&peer.address, path) {
            (Address::Tcp(address), _) => address.port().to_string(),
            (Address::Far(far), None) => far.port().to_string(),
            (_, path) => {
                let port = path.and_then(|path| path.extension());
                port.map(|port| port.to_string_lossy().into_owned()).unwrap_or_default()
            }
        };
        let (database, user) = (target.database.as_str(), target.user.as_str());
        self.file.find(Key { host, port: &port, database, user })
    }

    /// Why there is none, where more is known than that none was given.
    pub fn hint(&self) -> Option<&str> {
        self.file.ignored.as_deref()
    }
}
