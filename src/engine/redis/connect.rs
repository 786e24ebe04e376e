//! Opens a connection: socket, TLS, login.

use super::config::Target;
use super::error::ServerError;
use super::login::{Heard, Login, Said, write};
use super::resp::Scanner;
use crate::engine::net::address::{Address, Peer};
use crate::engine::net::failure::{ConnectError, Kind};
use crate::engine::net::hosts::{self, Dial, Round, Silence};
use crate::engine::net::route::Route;
use crate::engine::net::socket::{reach, secure};
use crate::engine::net::tls::{SslMode, TlsRoots};
use crate::engine::net::tls_failure;
use crate::engine::session::Attempt;
use crate::engine::stream::Stream;
use bytes::{Buf, BytesMut};
use std::io;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// A connection that takes commands.
pub struct Connected {
    pub stream: Stream,
    /// Bytes that came after the login.
    pub leftover: BytesMut,
    pub peer: Peer,
    /// The server's number for it, or 0.
    pub id: i64,
    pub resp3: bool,
    /// It copies another server.
    is_replica: bool,
}

/// With the login, or for who logs in himself.
pub async fn connect(
    target: &Target,
    roots: &TlsRoots,
    silence: &Silence,
    login: Option<&Login>,
    attempt: Attempt,
) -> Result<Connected, ConnectError> {
    hosts::connect(&Dialer { target, roots, login }, silence, Round::of(&attempt)).await
}

struct Dialer<'a> {
    target: &'a Target,
    roots: &'a TlsRoots,
    login: Option<&'a Login>,
}

impl Dial for Dialer<'_> {
    type Link = Connected;

    fn route(&self) -> &Route {
        &self.target.route
    }

    async fn dial(&self, host: &str, address: Address) -> Result<(Connected, bool), ConnectError> {
        let mut peer = Peer::at(address, host);
        let opened = open(self.target, self.roots, self.login, &mut peer).await;
        let connected = opened.map_err(|error| error.at(&peer.address.to_string()))?;
        let wanted = !connected.is_replica;
        Ok((connected, wanted))
    }

    fn mismatch(&self, _: &Connected) -> ConnectError {
        ConnectError::new(Kind::Role, "EROLE", "the server is a replica")
    }

    fn demand(&self) -> String {
        "writes".to_owned()
    }

    async fn part(&self, _: Connected) {}
}

/// One attempt, login included.
pub(super) async fn open(
    target: &Target,
    roots: &TlsRoots,
    login: Option<&Login>,
    peer: &mut Peer,
) -> Result<Connected, ConnectError> {
    let mut stream = reach(&target.route, peer).await?;
    if target.route.ssl.mode != SslMode::Disable && !peer.address.is_unix() {
        stream = secure(&target.route, roots, peer, stream).await?;
    }
    let peer = peer.clone();
    let Some(login) = login else {
        return Ok(Connected {
            stream,
            leftover: BytesMut::new(),
            peer,
            id: 0,
            resp3: false,
            is_replica: false,
        });
    };
    let mut talk = Talk { stream, input: BytesMut::with_capacity(4096), target };
    let mut resp3 = target.resp3;
    let mut heard = talk.exchange(&login.first(resp3)).await?;
    if heard.downgrade {
        resp3 = false;
        heard = talk.exchange(&login.first(resp3)).await?;
    }
    if let Some(error) = heard.refused {
        return Err(server(&error));
    }
    Ok(Connected {
        stream: talk.stream,
        leftover: talk.input,
        peer,
        id: heard.id,
        resp3,
        is_replica: heard.is_replica,
    })
}

/// Who says things and waits for the answers, before anybody else uses the connection.
pub(super) struct Talk<'a> {
    pub stream: Stream,
    pub input: BytesMut,
    pub target: &'a Target,
}

impl Talk<'_> {
    pub async fn exchange(&mut self, said: &[Said]) -> Result<Heard, ConnectError> {
        let explain = |error| tls_failure::explain(error, &self.target.route.ssl);
        let mut bytes = BytesMut::new();
        write(said, &mut bytes);
        self.stream.write_all(&bytes).await.map_err(explain)?;
        self.stream.flush().await.map_err(explain)?;
        let mut heard = Heard::default();
        let mut scanner = Scanner::default();
        for one in said {
            let length = loop {
                let tag = self.input.first().copied();
                match scanner.scan(&self.input) {
                    Ok(Some(length)) => break length,
                    Ok(None) => {}
                    Err(fault) => return Err(foreign(tag, fault.0)),
                }
                match self.stream.read_buf(&mut self.input).await {
                    Ok(1..) => {}
                    // It said why before it closed: too many clients, protected mode.
                    _ if heard.refused.is_some() => return Ok(heard),
                    Ok(0) => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
                    Err(error) => return Err(explain(error)),
                }
            };
            // What nobody has asked for is of no use yet.
            heard.hear(one, &self.input[..length]);
            self.input.advance(length);
        }
        Ok(heard)
    }
}

fn foreign(tag: Option<u8>, what: &str) -> ConnectError {
    let message = format!("the server does not answer as Redis does: {what}");
    let error = ConnectError::new(Kind::Protocol, "ERR_POLYPOOL_PROTOCOL", message);
    ConnectError { tag, ..error }
}

/// The server's own words.
fn server(error: &ServerError) -> ConnectError {
    let (code, message) = (error.code().to_owned(), error.message.clone());
    ConnectError::server(code, message, error.is_configuration(), error.to_json())
}
