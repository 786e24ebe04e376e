use super::*;

fn class(text: &str) -> Class {
    classify(text.split(' ').map(str::as_bytes))
}

#[test]
fn most_commands_share_a_wire() {
    for text in
        ["GET a", "set a b", "EVALSHA x 0", "PUBLISH a b", "BITCOUNT a", "CLIENT ID", "", "x"]
    {
        assert_eq!(class(text), Class::Plain, "{text}");
    }
    assert_eq!(classify(std::iter::empty()), Class::Plain);
}

#[test]
fn what_waits_for_others_is_known_in_any_case() {
    for text in ["BLPOP a 0", "blmove a b LEFT RIGHT 0", "WAIT 1 0", "BZMPOP 0 1 a MIN"] {
        assert_eq!(class(text), Class::Blocks, "{text}");
    }
}

#[test]
fn reading_a_stream_waits_where_it_says_so() {
    assert_eq!(class("XREAD COUNT 2 STREAMS a 0"), Class::Plain);
    assert_eq!(class("XREAD STREAMS BLOCK 0"), Class::Plain, "the name of a stream");
    assert_eq!(class("xread count 2 block 0 streams a $"), Class::Blocks);
    assert_eq!(class("XREADGROUP GROUP g c BLOCK 5 STREAMS a >"), Class::Blocks);
    assert_eq!(class("XREADGROUP BLOCK 5 GROUP g c STREAMS a >"), Class::Blocks);
    assert_eq!(class("XREADGROUP GROUP streams block BLOCK 5 STREAMS a >"), Class::Blocks);
    assert_eq!(class("XREADGROUP GROUP block c STREAMS a >"), Class::Plain);
}

#[test]
fn what_stays_with_a_connection_is_for_who_has_it_to_himself() {
    for text in ["SELECT 1", "MULTI", "watch a", "CLIENT TRACKING ON", "SCRIPT DEBUG YES", "RESET"]
    {
        assert!(class(text).dirties() && class(text).hint().is_some(), "{text}");
    }
    assert_eq!(class("PSUBSCRIBE a*"), Class::Subscribe(Family::Patterns));
    assert_eq!(class("SCRIPT LOAD x"), Class::Plain);
    assert_eq!(class("CLIENT REPLY OFF"), Class::Mute);
}
