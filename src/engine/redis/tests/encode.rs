use super::*;

#[test]
fn commands_are_arrays_of_bulk_strings() {
    let mut out = BytesMut::new();
    put_command(&mut out, &[b"SET", b"a", b""]);
    assert_eq!(&out[..], b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$0\r\n\r\n");
}

#[test]
fn parameters_are_sent_as_their_texts() {
    let sent = |param| {
        let mut out = BytesMut::new();
        put_param(&mut out, param, 1).map(|()| String::from_utf8(out.to_vec()).unwrap())
    };
    assert_eq!(sent(Param::Int(0)).unwrap(), "$1\r\n0\r\n");
    assert_eq!(sent(Param::Int(i32::MIN)).unwrap(), "$11\r\n-2147483648\r\n");
    assert_eq!(sent(Param::Int(i32::MAX)).unwrap(), "$10\r\n2147483647\r\n");
    assert_eq!(sent(Param::Float(1.5)).unwrap(), "$3\r\n1.5\r\n");
    assert_eq!(sent(Param::BigInt("12")).unwrap(), "$2\r\n12\r\n");
    assert_eq!(sent(Param::Text("é")).unwrap(), "$2\r\né\r\n");
    assert_eq!(sent(Param::Bytes(b"\r\n")).unwrap(), "$2\r\n\r\n\r\n");
}

#[test]
fn what_redis_has_not_is_refused_by_its_position() {
    for param in [Param::Null, Param::Bool(true), Param::Date("x"), Param::Json("{}")] {
        let error = put_param(&mut BytesMut::new(), param, 3).unwrap_err();
        assert_eq!(error.position, 3);
        assert!(error.to_string().starts_with("argument 3 is "), "{error}");
    }
}
