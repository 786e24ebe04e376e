use super::*;

fn body(fields: &[(u8, &str)]) -> Vec<u8> {
    let mut body = Vec::new();
    for (kind, text) in fields {
        body.push(*kind);
        body.extend_from_slice(text.as_bytes());
        body.push(0);
    }
    body.push(0);
    body
}

fn coded(severity: &str, code: &str) -> ServerError {
    let fields = [(b'S', "локализовано"), (b'V', severity), (b'C', code), (b'M', "why")];
    ServerError::parse(&body(&fields)).unwrap()
}

#[test]
fn every_field_has_its_key() {
    let kinds = b"SVCMDHPpqWstcdnFLR";
    let values: Vec<String> = kinds.iter().map(|k| format!("value of {}", *k as char)).collect();
    let fields: Vec<_> = kinds.iter().zip(&values).map(|(k, v)| (*k, v.as_str())).collect();
    let json = ServerError::parse(&body(&fields)).unwrap().to_json();
    let expected = serde_json::json!({
        "severity": "value of V", "code": "value of C", "message": "value of M",
        "detail": "value of D", "hint": "value of H", "position": "value of P",
        "internalPosition": "value of p", "internalQuery": "value of q", "where": "value of W",
        "schema": "value of s", "table": "value of t", "column": "value of c",
        "dataType": "value of d", "constraint": "value of n", "file": "value of F",
        "line": "value of L", "routine": "value of R",
        "length": 4 + 18 * 12 + 1, "localSeverity": "value of S",
    });
    assert_eq!(json, expected);
}

#[test]
fn absent_fields_are_left_out() {
    let error = ServerError::parse(&body(&[(b'S', "ERROR"), (b'C', "22012")])).unwrap();
    let expected = serde_json::json!({ "severity": "ERROR", "code": "22012", "length": 19 });
    assert_eq!(error.to_json(), expected);
    assert_eq!(error.message(), "");
}

#[test]
fn malformed_bodies_are_refused() {
    let whole = body(&[(b'S', "ERROR"), (b'C', "22012")]);
    for end in 0..whole.len() {
        assert_eq!(ServerError::parse(&whole[..end]), None, "cut at {end}");
    }
    let mut long = whole.clone();
    long.push(b'x');
    assert_eq!(ServerError::parse(&long), None);
}

#[test]
fn text_that_is_not_utf8_is_kept_as_far_as_it_goes() {
    let mut bytes = body(&[(b'M', "caf?")]);
    bytes[4] = 0xe9;
    assert_eq!(ServerError::parse(&bytes).unwrap().message(), "caf\u{fffd}");
}

#[test]
fn codes_tell_what_to_do() {
    assert!(coded("FATAL", "57P01").is_fatal() && coded("PANIC", "XX000").is_fatal());
    assert!(!coded("ERROR", "57P01").is_fatal());
    for code in ["25006", "57P01", "57P02", "57P03"] {
        assert!(coded("ERROR", code).is_not_here(), "{code}");
    }
    for code in ["57P04", "57014", "25001"] {
        assert!(!coded("ERROR", code).is_not_here(), "{code}");
    }
    for code in ["28000", "28P01", "3D000"] {
        assert!(coded("FATAL", code).is_auth(), "{code}");
    }
    assert!(!coded("FATAL", "53300").is_auth());
}

#[test]
fn a_stale_plan_is_known_by_its_routine_in_any_language() {
    let fields = [(b'C', "0A000"), (b'M', "кэшированный план"), (b'R', "RevalidateCachedQuery")];
    assert!(ServerError::parse(&body(&fields)).unwrap().is_stale_plan());
    assert!(!coded("ERROR", "0A000").is_stale_plan());
}

#[test]
fn local_errors_look_like_the_servers() {
    let error = ServerError::local("0A000", "not supported");
    assert_eq!(error.to_string(), "ERROR 0A000: not supported");
}
