//! The records of both rings. Words are Int32; `lib/records.js` holds the same numbers, and a test
//! compares the two (`__tests__/boundary/records.test.js`).
//!
//! Submission (JavaScript to engine): `[length in words][op][request] ...`; byte payloads follow
//! their length word, padded to four bytes. Completion: see `chunk`.

/// `[len, STATEMENT, id, bytes, text...]`: gives a text its number for this link.
pub const STATEMENT: i32 = 1;
/// `[len, NAMED, id, bytes, text..., bytes, name...]`: the same for a text that the server is to
/// know under this name.
pub const NAMED: i32 = 17;
/// `[len, FORGET, id]`: the number is free again.
pub const FORGET: i32 = 2;
/// `[len, QUERY, request, pool, slot, generation, statement, flags, timeout ms, batch,
///   parameter count, (tag, payload)...]`. `slot` is -1 for a statement of the pool itself.
pub const QUERY: i32 = 3;
/// `[len, CANCEL, request]`: the caller gave up (AbortSignal).
pub const CANCEL: i32 = 4;
/// `[len, RELEASE, request, pool, slot, generation, fate]`: after what was submitted before it.
/// Fate: 0 return, 1 destroy, 2 already given back: only wait until it is back or gone.
pub const RELEASE: i32 = 5;
/// `[len, WARM, request, pool]`: answered when `max(1, min)` connections are up.
pub const WARM: i32 = 6;
/// `[len, CLOSE, request, pool, timeout ms or -1]`: answered when the last socket is gone.
pub const CLOSE: i32 = 7;
/// `[len, CREDIT, request, rows]`: a stream may send that many rows more.
pub const CREDIT: i32 = 8;
/// `[len, HOOK, pool, slot, serial, ok, bytes, text...]`: the answer of a JavaScript hook. The text
/// is what it failed with, or the password.
pub const HOOK: i32 = 9;

/// `[len, TRANSPORT_DATA, transport, phase, bytes, data...]`: what a bridged transport received.
/// Transports have numbers of the engine's; the phase is 0 at first and 1 under TLS.
pub const TRANSPORT_DATA: i32 = 10;
/// `[len, TRANSPORT_END, transport, bytes, error...]`: nothing more comes. JSON of an error, or
/// nothing where the peer has closed.
pub const TRANSPORT_END: i32 = 11;
/// `[len, TRANSPORT_CREDIT, transport, phase, credit, bytes, certificate...]`: it takes so many
/// bytes more. The first one of a phase says that it is open, or that TLS stands and which
/// certificate (DER) the server has shown.
pub const TRANSPORT_CREDIT: i32 = 12;
/// `[len, FETCH, request, rows, timeout ms]`: so many rows more of a suspended cursor, within that
/// time; 0 rows closes it. Answered by SUSPENDED, DONE or FAIL.
pub const FETCH: i32 = 15;
/// `[len, STREAM_END, request]`: nobody reads the stream any more. Answered by DONE or FAIL.
pub const STREAM_END: i32 = 16;
/// `[len, COPY_DATA, request, bytes, data...]`: for COPY FROM STDIN or a wire, against credit.
pub const COPY_DATA: i32 = 13;
/// `[len, COPY_END, request, ok, bytes, reason...]`: the data are complete; or, with `ok` 0, they
/// never will be, and why. Of a wire: it goes back to the session.
pub const COPY_END: i32 = 14;
/// `[len, INTERRUPT, request]`: all that is on the wire of this request is to be stopped on the
/// server, and nothing is sent on it until it is quiet. The error of what was stopped has
/// `interrupted`.
pub const INTERRUPT: i32 = 18;

/// Flags of QUERY.
pub mod flag {
    /// A stream: rows are delivered against credit, `batch` rows at first.
    pub const STREAM: i32 = 1;
    /// A statement of a JavaScript hook: `generation` is the connection's serial.
    pub const HOOK: i32 = 2;
    /// Goes out with the statement that follows and shares its fate: BEGIN.
    pub const LEAD: i32 = 4;
    /// A statement of a `transaction()` callback: it may not begin or end the transaction.
    pub const WITHIN: i32 = 8;
    /// COPY FROM STDIN; together with STREAM, COPY TO STDOUT: `batch` and CREDIT count bytes.
    pub const COPY: i32 = 16;
    /// A cursor: `batch` rows, then SUSPENDED. Its connection runs nothing else until it is over.
    pub const CURSOR: i32 = 32;
    /// To the primary, whatever it is; to a replica, whatever it is.
    pub const PRIMARY: i32 = 64;
    pub const REPLICA: i32 = 128;
    /// By the simple protocol: the text may hold several statements.
    pub const SIMPLE: i32 = 256;
    /// All cells as the server's text, whatever their types.
    pub const TEXT: i32 = 512;
    /// No statement: JavaScript speaks with the server itself, by COPY_DATA and COPY_OUT, until
    /// COPY_END. `batch` and CREDIT count bytes.
    pub const WIRE: i32 = 1024;
    /// All cells as the bytes of their binary form, whatever their types.
    pub const BINARY: i32 = 2048;
    /// What the caller believes of the text, of which PACE tells: that it has a wire to itself, or is
    /// a short read or write that may share one.
    pub const ALONE: i32 = 4096;
    pub const SHORT_READ: i32 = 8192;
    pub const SHORT_WRITE: i32 = 16384;
    /// Beside these: nobody can tell the read from its running twice, or on any connection, or the
    /// write from a second try when the server has stopped it.
    pub const PLAIN: i32 = 65536;
    pub const PACES: i32 = ALONE | SHORT_READ | SHORT_WRITE | PLAIN;
    /// Several commands (Redis), one after the other: how many words, then these. Answered at once,
    /// by an array; with the text MULTI they are one transaction.
    pub const BATCH: i32 = 32768;
}

/// Parameter tags; the payload follows.
pub mod tag {
    pub const NULL: i32 = 0;
    pub const FALSE: i32 = 1;
    pub const TRUE: i32 = 2;
    /// One word.
    pub const INT: i32 = 3;
    /// Two words: the halves of a Float64.
    pub const FLOAT: i32 = 4;
    /// Length word, bytes.
    pub const TEXT: i32 = 5;
    pub const BYTES: i32 = 6;
    pub const JSON: i32 = 7;
    /// Length word, bytes of the array literal; length word, bytes of the JSON form.
    pub const ARRAY: i32 = 8;
    /// Length word, bytes: a Date in ISO form, local time with its offset.
    pub const DATE: i32 = 9;
    /// Length word, decimal digits: a BigInt.
    pub const BIGINT: i32 = 10;
}

/// `[ROWS, request, shape, row count]`, then per row its NULL words and cells.
pub const ROWS: i32 = 1;
/// `[DONE, request, shape or -1, command or -1, low, high]`: the request is settled with its last
/// result. The last two words are the row count; high is -1 where the server names none.
pub const DONE: i32 = 2;
/// `[FAIL, request, bytes]`: JSON of an error; settles the request.
pub const FAIL: i32 = 3;
/// `[SHAPE, shape, bytes]`: JSON of a result's columns, before its first use.
pub const SHAPE: i32 = 4;
/// `[FORGET_SHAPES]`: none of the shapes so far is used again without a new SHAPE.
pub const FORGET_SHAPES: i32 = 5;
/// `[GRANT, request, slot, generation]`: an acquire is answered.
pub const GRANT: i32 = 6;
/// `[RESULT, request, shape, command, low, high]`: a result that others follow.
pub const RESULT: i32 = 7;
/// `[EVENT, pool, bytes]`: JSON of a pool event.
pub const EVENT: i32 = 8;
/// `[HOOK_CALL, pool, kind, slot, serial, process]`: run a JavaScript hook (of `hook`) on that
/// connection; `process` is the server's number for it.
pub const HOOK_CALL: i32 = 9;
/// `[OK, request]`: WARM, CLOSE, RELEASE are done.
pub const OK: i32 = 10;
/// `[BROKEN, bytes]`: a submission was malformed; nothing after it was read.
pub const BROKEN: i32 = 12;
/// `[COMMAND, code, bytes]`: the name of a command tag, before its first use.
pub const COMMAND: i32 = 11;
/// `[COPY_READY, request, bytes]`: the server takes data; so many bytes may be submitted.
pub const COPY_READY: i32 = 17;
/// `[COPY_OUT, request, bytes]`: data of COPY TO STDOUT.
pub const COPY_OUT: i32 = 18;
/// `[COPY_CREDIT, request, bytes]`: so many bytes more may be submitted.
pub const COPY_CREDIT: i32 = 19;

/// `[TRANSPORT_OPEN, transport, pool, kind, bytes]`: make a transport, or put TLS on one (kinds of
/// `transport`); JSON says where to and how.
pub const TRANSPORT_OPEN: i32 = 13;
/// `[TRANSPORT_WRITE, transport, bytes]`: bytes for the peer.
pub const TRANSPORT_WRITE: i32 = 14;
/// `[TRANSPORT_CLOSE, transport, graceful]`: end it once all is written, or destroy it now.
pub const TRANSPORT_CLOSE: i32 = 15;
/// `[TRANSPORT_GRANT, transport, bytes]`: it may deliver so many bytes more.
pub const TRANSPORT_GRANT: i32 = 16;

/// `[NOTIFICATION, pool, process, bytes]`: channel, NUL, payload. `process` is the notifier's.
pub const NOTIFICATION: i32 = 20;
/// `[SUSPENDED, request]`: a cursor has sent the rows it was asked for, and there may be more.
pub const SUSPENDED: i32 = 21;

/// `[STATUS, request, status]`: ahead of the end of a request of an unpooled session, where it has
/// changed: how the session stands, as ReadyForQuery says it (`I`, `T`, `E`).
pub const STATUS: i32 = 22;

/// `[OUTCOME, request, low, high, warnings, bytes]`: of the result that ends next: the generated
/// id (zero for none), the count of warnings, what the server says of it in words.
pub const OUTCOME: i32 = 23;
/// `[PACE, request, pace]`: ahead of the end of a request whose flags say otherwise: which of `PACES`
/// its text is.
pub const PACE: i32 = 24;

/// `[REPLY, request, value]`: the request is settled with a value (of `value`).
pub const REPLY: i32 = 25;
/// `[PUSH, pool, value]`: what a connection was told although nothing asked for it.
pub const PUSH: i32 = 26;

/// Values of REPLY and PUSH: a tag, then its payload; in the order in which RESP has them.
pub mod value {
    pub const NIL: i32 = 0;
    pub const FALSE: i32 = 1;
    pub const TRUE: i32 = 2;
    /// The status `OK`.
    pub const OK: i32 = 3;
    /// One word.
    pub const INT: i32 = 4;
    /// A Float64: an integer beyond a word that is exact so.
    pub const LONG: i32 = 5;
    /// A cell of text: an integer in decimal.
    pub const BIG: i32 = 6;
    /// A cell of text: `1.5`, `inf`, `-inf`, `nan`.
    pub const DOUBLE: i32 = 7;
    /// Cells of text.
    pub const TEXT: i32 = 8;
    pub const STATUS: i32 = 9;
    pub const ERROR: i32 = 10;
    /// Length word; bytes.
    pub const BYTES: i32 = 11;
    /// A word: so many values follow, of MAP so many pairs.
    pub const ARRAY: i32 = 12;
    pub const MAP: i32 = 13;
    pub const SET: i32 = 14;
    pub const PUSH: i32 = 15;
}

/// Kinds of TRANSPORT_OPEN.
pub mod transport {
    pub const PLAIN: i32 = 0;
    pub const TLS: i32 = 1;
}

/// Kinds of HOOK_CALL.
pub mod hook {
    pub const ON_CONNECT: i32 = 1;
    pub const RESET: i32 = 2;
    /// Before the connection exists: what password to log in with.
    pub const PASSWORD: i32 = 3;
    /// Never called so: TRANSPORT_OPEN asks for a stream.
    pub const STREAM: i32 = 4;
}

/// Fates of RELEASE.
pub mod fate {
    pub const RETURN: i32 = 0;
    pub const DESTROY: i32 = 1;
    /// Given back already, by the direct call: answer when it is idle again or gone.
    pub const AWAIT: i32 = 2;
}
