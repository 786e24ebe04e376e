use super::*;
use crate::wire::param::ParamsBuf;
use crate::wire::record::tag;

/// Parameters as JavaScript writes them.
fn words(params: &[Param<'_>]) -> Vec<i32> {
    let mut list = Vec::new();
    let payload = |list: &mut Vec<i32>, kind: i32, bytes: &[u8]| {
        list.extend([kind, bytes.len() as i32]);
        list.extend(bytes.chunks(4).map(|chunk| {
            let mut word = [0; 4];
            word[..chunk.len()].copy_from_slice(chunk);
            i32::from_le_bytes(word)
        }));
    };
    for param in params {
        match *param {
            Param::Null => list.push(tag::NULL),
            Param::Bool(value) => list.push(if value { tag::TRUE } else { tag::FALSE }),
            Param::Int(value) => list.extend([tag::INT, value]),
            Param::Float(value) => {
                let bits = value.to_bits();
                list.extend([tag::FLOAT, bits as i32, (bits >> 32) as i32]);
            }
            Param::Text(text) => payload(&mut list, tag::TEXT, text.as_bytes()),
            Param::BigInt(digits) => payload(&mut list, tag::BIGINT, digits.as_bytes()),
            Param::Date(text) => payload(&mut list, tag::DATE, text.as_bytes()),
            Param::Bytes(bytes) => payload(&mut list, tag::BYTES, bytes),
            Param::Json(json) => payload(&mut list, tag::JSON, json.as_bytes()),
            Param::Array { .. } => unreachable!("not in these tests"),
        }
    }
    list
}

fn write(params: &[Param<'_>]) -> Result<Vec<u8>, EncodeError> {
    let words = words(params);
    let mut kept = ParamsBuf::default();
    kept.set(Params::parse(params.len(), &words).unwrap());
    let mut out = BytesMut::new();
    write_params(&mut out, kept.get())?;
    Ok(out.to_vec())
}

/// Type and bytes of the only parameter.
fn one(param: Param<'_>) -> (u8, u8, Vec<u8>) {
    let out = write(&[param]).unwrap();
    assert_eq!(out[1], 1, "the types follow");
    (out[2], out[3], out[4..].to_vec())
}

#[test]
fn all_integers_are_of_one_type() {
    let integer = |value: i64| (8, 0, value.to_le_bytes().to_vec());
    assert_eq!(one(Param::Int(-5)), integer(-5));
    assert_eq!(one(Param::Bool(true)), integer(1));
    assert_eq!(one(Param::Float(9_007_199_254_740_991.0)), integer(9_007_199_254_740_991));
    assert_eq!(one(Param::BigInt("-9223372036854775808")), integer(i64::MIN));
    let largest = (8, 0x80, u64::MAX.to_le_bytes().to_vec());
    assert_eq!(one(Param::BigInt("18446744073709551615")), largest);
    let digits = "18446744073709551616";
    let beyond = [&[20], digits.as_bytes()].concat();
    assert_eq!(one(Param::BigInt(digits)), (246, 0, beyond));
}

#[test]
fn other_numbers_are_doubles() {
    for value in [0.5, -0.0, 1e300] {
        assert_eq!(one(Param::Float(value)), (5, 0, value.to_le_bytes().to_vec()));
    }
    for value in [f64::NAN, f64::INFINITY] {
        let error = write(&[Param::Null, Param::Float(value)]).unwrap_err();
        assert_eq!(error.position, 2);
        assert!(error.to_string().starts_with("parameter 2 is NaN"), "{error}");
    }
}

#[test]
fn texts_and_bytes_keep_apart() {
    assert_eq!(one(Param::Text("é")), (253, 0, vec![2, 0xc3, 0xa9]));
    assert_eq!(one(Param::Json("{}")), (253, 0, b"\x02{}".to_vec()));
    assert_eq!(one(Param::Bytes(&[0, 255])), (252, 0, vec![2, 0, 255]));
}

#[test]
fn dates_are_instants_as_of_utc() {
    let with_ms = one(Param::Date("2024-03-01T01:30:00.250+02:00"));
    let bytes = [&[11, 0xe8, 0x07, 2, 29, 23, 30, 0], &250_000u32.to_le_bytes()[..]].concat();
    assert_eq!(with_ms, (12, 0, bytes));
    let (_, _, whole) = one(Param::Date("2024-03-01T01:30:00.000+00:00"));
    assert_eq!(whole, [7, 0xe8, 0x07, 3, 1, 1, 30, 0]);
    let beyond = write(&[Param::Date("10000-01-01T00:00:00.000+00:00")]).unwrap_err();
    assert_eq!(beyond.position, 1);
}

#[test]
fn nulls_have_a_bit() {
    let mut params = vec![Param::Int(0); 9];
    (params[0], params[8]) = (Param::Null, Param::Null);
    let out = write(&params).unwrap();
    assert_eq!(out[..3], [1, 1, 1]);
    assert_eq!((out[3], out[5], out.len()), (6, 8, 3 + 18 + 7 * 8));
    assert!(write(&[]).unwrap().is_empty());
}

#[test]
fn more_than_16_bits_of_parameters_are_refused() {
    let error = write(&vec![Param::Null; MAX_PARAMS + 1]).unwrap_err();
    assert_eq!(error.position, 0);
    assert!(write(&vec![Param::Null; MAX_PARAMS]).is_ok());
}
