use super::*;

fn whole(input: &[u8]) -> (usize, Vec<u8>) {
    let mut reader = Reader::default();
    let mut at = 0;
    loop {
        match reader.read(&input[at..]).unwrap() {
            Read::Wait => panic!("not whole"),
            Read::Part(taken) => at += taken,
            Read::Whole { taken, body } => return (at + taken, body.into_owned()),
        }
    }
}

#[test]
fn bodies_of_any_length_come_back() {
    for length in [0, 1, PART_MAX - 1, PART_MAX, PART_MAX + 1, 2 * PART_MAX] {
        let body: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
        let mut out = BytesMut::from(&b"before"[..]);
        let next = write(&mut out, &body, 0);
        assert_eq!(usize::from(next), length / PART_MAX + 1);
        let packet = &out[6..];
        assert_eq!(packet.len(), length + usize::from(next) * HEADER);
        assert_eq!(whole(packet), (packet.len(), body));
    }
}

#[test]
fn half_a_packet_waits_and_its_size_is_told() {
    let mut reader = Reader::default();
    let packet = [3, 0, 0, 0, 1, 2, 3];
    for end in 0..packet.len() {
        assert_eq!(reader.read(&packet[..end]), Ok(Read::Wait));
    }
    assert_eq!((reader.needed(&packet[..2]), reader.needed(&packet[..4])), (4, 7));
    let read = reader.read(&packet).unwrap();
    assert_eq!(read, Read::Whole { taken: 7, body: Cow::Borrowed(&[1, 2, 3]) });
    assert_eq!(reader.sequence(), 1);
}

#[test]
fn parts_must_follow_each_other() {
    let mut reader = Reader::default();
    reader.expect(1);
    assert_eq!(reader.read(&[1, 0, 0, 3, 7]), Err(Fault::OutOfOrder));
    assert!(reader.read(&[1, 0, 0, 0, 0xff]).is_ok(), "an error is heard all the same");
    reader.expect(255);
    assert!(reader.read(&[1, 0, 0, 255, 7]).is_ok());
    assert!(reader.read(&[1, 0, 0, 0, 7]).is_ok(), "numbers wrap");
}

#[test]
fn endless_bodies_are_refused() {
    // Zeroes that nobody touches take no memory.
    let mut reader = Reader { joined: vec![0; BODY_MAX - 1], ..Reader::default() };
    assert_eq!(reader.read(&[2, 0, 0, 0, 1, 2]), Err(Fault::TooLong));
}
