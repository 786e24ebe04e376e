use super::*;
use crate::engine::mysql::frame;
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const ZLIB: CapabilityFlags = CapabilityFlags::CLIENT_COMPRESS;
const ZSTD: CapabilityFlags = CapabilityFlags::CLIENT_ZSTD_COMPRESSION_ALGORITHM;

fn codec(flags: CapabilityFlags) -> Codec {
    Codec::new(Method::of(flags).unwrap().unwrap())
}

fn command(length: usize, sequence: u8) -> BytesMut {
    let mut out = BytesMut::new();
    frame::write(&mut out, &vec![b'x'; length], sequence);
    out
}

/// Numbers of the outer packets, and what is in them.
fn unpacked(flags: CapabilityFlags, out: &BytesMut) -> (Vec<u8>, BytesMut) {
    let (mut raw, mut plain, mut numbers) = (out.clone(), BytesMut::new(), Vec::new());
    let mut reader = codec(flags);
    while let Some(&sequence) = raw.get(3) {
        assert!(reader.unpack(&mut raw, &mut plain).unwrap());
        numbers.push(sequence);
    }
    (numbers, plain)
}

#[test]
fn each_command_is_numbered_from_0() {
    for flags in [ZLIB, ZSTD] {
        let commands = [command(3, 0), command(500, 0), command(60, 0)].concat();
        for piece in [1, 3, 64, 1000] {
            let (mut writer, mut out) = (codec(flags), BytesMut::new());
            for part in commands.chunks(piece) {
                writer.pack(part, &mut out);
            }
            let (numbers, plain) = unpacked(flags, &out);
            assert_eq!(plain, commands);
            if piece == 1000 {
                assert_eq!(numbers, [0, 0, 0]);
                assert!(out.len() < commands.len());
            }
        }
    }
}

#[test]
fn an_answer_to_the_server_follows_its_number() {
    let mut codec = codec(ZLIB);
    let mut out = BytesMut::new();
    codec.pack(&command(10, 0), &mut out);
    let mut raw = BytesMut::from(&[&[5, 0, 0, 1, 0, 0, 0][..], &command(1, 1)].concat()[..]);
    let mut plain = BytesMut::new();
    assert!(codec.unpack(&mut raw, &mut plain).unwrap() && plain.len() == 5);
    out.clear();
    codec.pack(&[command(10, 2), command(0, 3)].concat(), &mut out);
    assert_eq!(unpacked(ZLIB, &out).0, [2, 3]);
}

#[test]
fn a_packet_in_parts_is_one_command() {
    let packet = command(PART_MAX + 10, 0);
    let (mut writer, mut out) = (codec(ZLIB), BytesMut::new());
    writer.pack(&packet, &mut out);
    let (numbers, plain) = unpacked(ZLIB, &out);
    assert!(plain == packet, "the same bytes");
    assert_eq!(numbers, [0, 1, 2]);
}

#[test]
fn what_is_corrupt_is_an_error() {
    for flags in [ZLIB, ZSTD] {
        let (mut writer, mut out) = (codec(flags), BytesMut::new());
        writer.pack(&command(500, 0), &mut out);
        for end in 0..out.len() {
            let mut cut = BytesMut::from(&out[..end]);
            assert!(!codec(flags).unpack(&mut cut, &mut BytesMut::new()).unwrap());
        }
        // One byte more or less than announced.
        for change in [1, 0xff] {
            let mut wrong = out.clone();
            wrong[4] = wrong[4].wrapping_add(change);
            assert!(codec(flags).unpack(&mut wrong, &mut BytesMut::new()).is_err());
        }
    }
}

#[tokio::test]
async fn a_transport_over_a_transport() {
    for flags in [ZLIB, ZSTD] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let client = async { TcpStream::connect(("127.0.0.1", port)).await.unwrap() };
        let (client, accepted) = tokio::join!(client, listener.accept());
        let nothing = &mut BytesMut::new();
        let mut client = Compressed::over(Stream::Tcp(client), flags, nothing).unwrap();
        let mut server =
            Compressed::over(Stream::Tcp(accepted.unwrap().0), flags, nothing).unwrap();
        let sent = [command(70, 0), command(3_000_000, 0), command(5, 0)].concat();
        let mut got = vec![0; sent.len()];
        let write = async {
            client.write_all(&sent).await.unwrap();
            client.flush().await.unwrap();
        };
        let (_, read) = tokio::join!(write, server.read_exact(&mut got));
        read.unwrap();
        assert!(got == sent, "the same bytes");
        client.shutdown().await.unwrap();
        assert_eq!(server.read(&mut got).await.unwrap(), 0);
    }
}

proptest! {
    #[test]
    fn noise_is_refused_or_waited_for(noise in prop::collection::vec(any::<u8>(), 0..100)) {
        for flags in [ZLIB, ZSTD] {
            let mut raw = BytesMut::from(&noise[..]);
            let mut plain = BytesMut::new();
            while matches!(codec(flags).unpack(&mut raw, &mut plain), Ok(true)) {}
        }
    }
}
