use super::*;
use crate::wire::record::tag;
use proptest::prelude::*;

/// Words of a QUERY record, built as the submission ring does.
#[derive(Default)]
struct Words {
    count: usize,
    list: Vec<i32>,
}

impl Words {
    fn add(&mut self, param: Param<'_>) {
        self.count += 1;
        match param {
            Param::Null => self.list.push(tag::NULL),
            Param::Bool(value) => self.list.push(if value { tag::TRUE } else { tag::FALSE }),
            Param::Int(value) => self.list.extend([tag::INT, value]),
            Param::Float(value) => {
                let bits = value.to_bits();
                self.list.extend([tag::FLOAT, bits as i32, (bits >> 32) as i32]);
            }
            Param::Text(text) => self.payload(Some(tag::TEXT), text.as_bytes()),
            Param::BigInt(digits) => self.payload(Some(tag::BIGINT), digits.as_bytes()),
            Param::Date(text) => self.payload(Some(tag::DATE), text.as_bytes()),
            Param::Bytes(bytes) => self.payload(Some(tag::BYTES), bytes),
            Param::Json(json) => self.payload(Some(tag::JSON), json.as_bytes()),
            Param::Array { literal, json } => {
                self.payload(Some(tag::ARRAY), literal.as_bytes());
                self.payload(None, json.as_bytes());
            }
        }
    }

    fn payload(&mut self, tag: Option<i32>, bytes: &[u8]) {
        self.list.extend(tag);
        self.list.push(bytes.len() as i32);
        for word in bytes.chunks(4) {
            let mut padded = [0; 4];
            padded[..word.len()].copy_from_slice(word);
            self.list.push(i32::from_ne_bytes(padded));
        }
    }

    fn params(&self) -> Params<'_> {
        Params::parse(self.count, &self.list).unwrap()
    }
}

type Sent = (i16, Option<Vec<u8>>);

/// Reads back what was written, as the server would.
fn read(mut body: &[u8]) -> Vec<Sent> {
    let mut take = |size: usize| {
        let (first, rest) = body.split_at(size);
        body = rest;
        first.to_vec()
    };
    let short = |bytes: Vec<u8>| u16::from_be_bytes(bytes.try_into().unwrap());
    let count = short(take(2));
    let formats: Vec<_> = (0..count).map(|_| short(take(2)) as i16).collect();
    assert_eq!(short(take(2)), count);
    let sent = formats
        .into_iter()
        .map(|format| {
            let length = i32::from_be_bytes(take(4).try_into().unwrap());
            (format, usize::try_from(length).ok().map(&mut take))
        })
        .collect();
    assert!(body.is_empty());
    sent
}

fn encode(params: &[Param<'_>], described: Option<&[u32]>) -> Result<Vec<Sent>, EncodeError> {
    let mut words = Words::default();
    params.iter().for_each(|&param| words.add(param));
    let mut out = BytesMut::new();
    write_params(&mut out, words.params(), described)?;
    Ok(read(&out))
}

fn one(param: Param<'_>, type_oid: u32) -> Sent {
    encode(&[param], Some(&[type_oid])).unwrap().remove(0)
}

fn text(value: &str) -> Sent {
    (0, Some(value.as_bytes().to_vec()))
}

fn binary(value: &[u8]) -> Sent {
    (1, Some(value.to_vec()))
}

#[test]
fn without_types_all_but_bytes_is_text() {
    let params = [
        Param::Null,
        Param::Bool(true),
        Param::Int(-7),
        Param::Float(0.5),
        Param::Text("grün"),
        Param::Bytes(&[0, 255, 1]),
        Param::Json("{\"a\":1}"),
    ];
    let expected = [
        (0, None),
        text("true"),
        text("-7"),
        text("0.5"),
        text("grün"),
        binary(&[0, 255, 1]),
        text("{\"a\":1}"),
    ];
    assert_eq!(encode(&params, None).unwrap(), expected);
    assert_eq!(encode(&[], None).unwrap(), []);
}

#[test]
fn described_numbers_are_binary_when_they_fit() {
    assert_eq!(one(Param::Int(-2), oid::INT2), binary(&(-2i16).to_be_bytes()));
    assert_eq!(one(Param::Int(40_000), oid::INT2), text("40000"));
    assert_eq!(one(Param::Int(i32::MIN), oid::INT4), binary(&i32::MIN.to_be_bytes()));
    assert_eq!(one(Param::Int(-2), oid::INT8), binary(&(-2i64).to_be_bytes()));
    assert_eq!(one(Param::Int(9), oid::OID), binary(&9u32.to_be_bytes()));
    assert_eq!(one(Param::Int(-9), oid::OID), text("-9"));
    assert_eq!(one(Param::Int(3), oid::FLOAT8), binary(&3f64.to_be_bytes()));
    assert_eq!(one(Param::Int(3), oid::FLOAT4), binary(&3f32.to_be_bytes()));
    assert_eq!(one(Param::Float(0.1), oid::FLOAT8), binary(&0.1f64.to_be_bytes()));
    assert_eq!(one(Param::Float(0.5), oid::FLOAT4), binary(&0.5f32.to_be_bytes()));
    assert_eq!(one(Param::Float(f64::NAN), oid::FLOAT4), binary(&f32::NAN.to_be_bytes()));
    assert_eq!(one(Param::Bool(false), oid::BOOL), binary(&[0]));
    // 1700 is numeric, 25 text.
    assert_eq!(one(Param::Int(3), 1700), text("3"));
    assert_eq!(one(Param::Float(1.5), oid::INT4), text("1.5"));
    assert_eq!(one(Param::Bool(true), 25), text("true"));
}

#[test]
fn float4_never_rounds_or_overflows_here() {
    assert_eq!(one(Param::Float(0.1), oid::FLOAT4), text("0.1"));
    assert_eq!(one(Param::Float(1e39), oid::FLOAT4), text("1e+39"));
    assert_eq!(one(Param::Float(1e-46), oid::FLOAT4), text("1e-46"));
    assert_eq!(one(Param::Int(16_777_217), oid::FLOAT4), text("16777217"));
}

#[test]
fn floats_are_spelled_as_javascript_does() {
    for (value, spelled) in [
        (f64::NAN, "NaN"),
        (f64::INFINITY, "Infinity"),
        (f64::NEG_INFINITY, "-Infinity"),
        (-0.0, "-0"),
        (4_294_967_296.0, "4294967296"),
        (123_456_789_012_345_680_000.0, "123456789012345680000"),
        (1e21, "1e+21"),
        (-1.5e300, "-1.5e+300"),
        (0.000_001, "0.000001"),
        (0.000_000_1, "1e-7"),
        (5e-324, "5e-324"),
    ] {
        assert_eq!(one(Param::Float(value), 0), text(spelled));
    }
}

#[test]
fn a_date_is_binary_for_timestamptz_alone() {
    let date = "2000-01-01T01:00:00.001+01:00";
    assert_eq!(one(Param::Date(date), oid::TIMESTAMPTZ), binary(&1000i64.to_be_bytes()));
    assert_eq!(one(Param::Date(date), oid::TIMESTAMP), text(date));
    assert_eq!(one(Param::Date(date), 0), text(date));
    let early = "0044-03-15T12:00:00.000+00:49:56 BC";
    assert_eq!(
        one(Param::Date(early), oid::TIMESTAMPTZ),
        binary(&(-64_464_468_596_000_000i64).to_be_bytes()),
    );
    // A string of the user's has microseconds and forms that only the server knows.
    assert_eq!(one(Param::Text(date), oid::TIMESTAMPTZ), text(date));
}

#[test]
fn arrays_are_json_or_literal_by_the_type() {
    let array = Param::Array { literal: "{1,2}", json: "[1,2]" };
    assert_eq!(one(array, oid::JSON), text("[1,2]"));
    assert_eq!(one(array, oid::JSONB), text("[1,2]"));
    assert_eq!(one(array, 1007), text("{1,2}"));
    assert_eq!(one(Param::Text("[1]"), oid::JSONB), text("[1]"));
    let mut words = Words::default();
    words.add(Param::Int(1));
    assert!(!needs_description(words.params()));
    words.add(array);
    assert!(needs_description(words.params()));
}

#[test]
fn nul_is_refused_with_its_position() {
    let array = Param::Array { literal: "{a\0}", json: "[]" };
    for refused in [Param::Text("a\0b"), Param::Json("\0"), array] {
        let error = encode(&[Param::Null, refused], None).unwrap_err();
        assert_eq!(error.position, 2);
        assert!(error.message.contains("NUL"), "{error}");
    }
    // In a Buffer it is a byte like any other.
    assert_eq!(one(Param::Bytes(b"\0"), oid::BYTEA), binary(b"\0"));
}

#[test]
fn too_many_parameters_are_refused() {
    let list = vec![tag::NULL; MAX_PARAMS + 1];
    let mut out = BytesMut::new();
    write_params(&mut out, Params::parse(MAX_PARAMS, &list[1..]).unwrap(), None).unwrap();
    let params = Params::parse(MAX_PARAMS + 1, &list).unwrap();
    let error = write_params(&mut out, params, None).unwrap_err();
    assert_eq!(error.position, 65_536);
}

#[test]
fn a_wrong_number_of_described_types_is_left_to_the_server() {
    let params = [Param::Int(1), Param::Int(2)];
    let sent = encode(&params, Some(&[oid::INT4])).unwrap();
    assert_eq!(sent, [binary(&1i32.to_be_bytes()), text("2")]);
    assert_eq!(encode(&params[..1], Some(&[25, 25])).unwrap(), [text("1")]);
}

proptest! {
    #[test]
    fn float_text_reads_back(bits: u64) {
        let value = f64::from_bits(bits);
        let (_, sent) = one(Param::Float(value), 0);
        let read: f64 = String::from_utf8(sent.unwrap()).unwrap().parse().unwrap();
        prop_assert!(read == value || value.is_nan() && read.is_nan());
    }
}
