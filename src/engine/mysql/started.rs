//! What the handshake leaves to the session.

use super::auth::Method;
use super::startup::{StartupError, foreign};
use mysql_common::constants::{CapabilityFlags, StatusFlags};
use mysql_common::io::ParseBuf;
use mysql_common::packets::session_state_change::{SessionStateChange, SystemVariable};
use mysql_common::packets::{CommonOkPacket, OkPacket, OkPacketDeserializer};
use mysql_common::proto::MyDeserialize;

/// Whose server it is: the two answer alike, but for what each has added since they parted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Flavor {
    #[default]
    MySql,
    MariaDb,
}

/// A connection whose login is over.
#[derive(Clone, Debug)]
pub struct Started {
    pub connection_id: u32,
    pub version: String,
    pub flavor: Flavor,
    /// Agreed on by both sides.
    pub capabilities: CapabilityFlags,
    /// MariaDB's own, agreed on by both sides.
    pub mariadb_capabilities: u32,
    pub collation: u16,
    pub status: StatusFlags,
    pub auth_plugin: String,
    /// Session variables told in the last OK.
    pub parameters: Vec<(String, String)>,
    /// The server's first packet, for a session that its caller steers.
    pub hello: Vec<u8>,
    /// What number the answer to it has, if the caller logs in itself.
    pub sequence: u8,
}

impl Started {
    /// With what the OK says that ends the login.
    pub(super) fn accepted(
        mut self,
        method: Option<Method>,
        body: &[u8],
    ) -> Result<Started, StartupError> {
        let input = &mut ParseBuf(body);
        let packet = OkPacketDeserializer::<CommonOkPacket>::deserialize(self.capabilities, input);
        let packet: OkPacket<'_> = packet.map_err(|_| foreign())?.into();
        self.status = packet.status_flags();
        self.auth_plugin = method.map_or_else(String::new, |method| method.name().to_owned());
        if self.status.contains(StatusFlags::SERVER_SESSION_STATE_CHANGED) {
            self.parameters = variables(&packet);
        }
        Ok(self)
    }
}

/// What cannot be read is of no consequence: it only tells.
fn variables(packet: &OkPacket<'_>) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for change in packet.session_state_info().unwrap_or_default() {
        if let Ok(SessionStateChange::SystemVariables(list)) = change.decode() {
            let text =
                |it: &SystemVariable<'_>| (it.name_str().into_owned(), it.value_str().into_owned());
            found.extend(list.iter().map(text));
        }
    }
    found
}
