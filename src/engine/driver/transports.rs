//! Bridged transports on the driver's side: their records in, what JavaScript has to hear out.

use super::Driver;
use super::submit::{Malformed, Parsed, index};
use crate::engine::bridge::{Note, SharedPipe};
use crate::engine::link::Link;
use crate::engine::replies::talk;
use crate::wire::chunk::CHUNK_TARGET;
use crate::wire::param::payload;
use crate::wire::record::{self, transport};
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};

impl Driver {
    /// A task of its own, since bridges are written to and dropped in the middle of turns and out
    /// of them. Engines without bridges never wake it.
    pub fn start_carrier(&self) {
        let (me, port) = (self.me.clone(), self.port.clone());
        tokio::task::spawn_local(async move {
            loop {
                poll_fn(|cx| port.poll_notes(cx)).await;
                let Some(driver) = me.upgrade() else { return };
                let carry = || driver.borrow_mut().carry();
                // A panic loses these notes; the transports of others must go on.
                let _ = catch_unwind(AssertUnwindSafe(carry));
            }
        });
    }

    fn carry(&mut self) {
        self.now = self.runtime.clock.now();
        for (pipe, note) in self.port.take_notes() {
            let link = pipe.borrow().link;
            let Some(link) = self.links.get(link) else {
                self.port.close_link(link);
                continue;
            };
            tell(link, &pipe, note);
            talk(link, &mut self.talking);
        }
        self.end_turn();
    }

    /// TRANSPORT_DATA: `[transport, phase, bytes...]`.
    pub fn transport_data(&self, link: u32, fields: &[i32]) -> Parsed<()> {
        let (&[id, phase], mut rest) = fields.split_first_chunk::<2>().ok_or(Malformed)?;
        let bytes = payload(&mut rest).ok_or(Malformed)?;
        self.port.data(link, id, phase, bytes);
        Ok(())
    }

    /// TRANSPORT_END: `[transport, bytes...]`.
    pub fn transport_end(&self, link: u32, fields: &[i32]) -> Parsed<()> {
        let (&[id], mut rest) = fields.split_first_chunk::<1>().ok_or(Malformed)?;
        let bytes = payload(&mut rest).ok_or(Malformed)?;
        self.port.end(link, id, bytes);
        Ok(())
    }

    /// TRANSPORT_CREDIT: `[transport, phase, bytes, certificate...]`.
    pub fn transport_credit(&self, link: u32, fields: &[i32]) -> Parsed<()> {
        let (&[id, phase, bytes], mut rest) = fields.split_first_chunk::<3>().ok_or(Malformed)?;
        let certificate = payload(&mut rest).ok_or(Malformed)?;
        self.port.credit(link, id, phase, index(bytes)? as usize, certificate);
        Ok(())
    }
}

fn tell(link: &mut Link, pipe: &SharedPipe, note: Note) {
    let id = pipe.borrow().id;
    let open = |link: &mut Link, pool: u32, kind: i32, target: String| {
        let words = [record::TRANSPORT_OPEN, id, pool as i32, kind];
        link.record_with_bytes(&words, target.as_bytes());
    };
    match note {
        Note::Open { pool, target } => open(link, pool, transport::PLAIN, target.to_string()),
        Note::Secure { pool, how } => open(link, pool, transport::TLS, how.to_string()),
        Note::Credit(bytes) => {
            let bytes = i32::try_from(bytes).expect("a window fits a word");
            link.record(&[record::TRANSPORT_GRANT, id, bytes]);
        }
        Note::Close { graceful } => {
            link.record(&[record::TRANSPORT_CLOSE, id, i32::from(graceful)]);
        }
        Note::Write => {
            let bytes = pipe.borrow_mut().take_outgoing();
            // In pieces that JavaScript's buffers have room for.
            for piece in bytes.chunks(CHUNK_TARGET) {
                link.record_with_bytes(&[record::TRANSPORT_WRITE, id], piece);
                link.relieve();
            }
            pipe.borrow_mut().recycle(bytes);
        }
    }
}
