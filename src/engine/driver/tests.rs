//! The submission ring is fed by another language: whatever comes, the driver refuses or serves.

use super::*;
use crate::core::options::Options;
use crate::engine::bridge::Bridges;
use crate::engine::link::{Drained, LinkShared};
use crate::engine::pool::{Attached, Hooks, PoolShared};
use crate::engine::session::{Attempt, Connector, Dispatch, LocalFuture, Opened, Protocol};
use crate::engine::settings::Settings;
use proptest::prelude::*;

const LINK: u32 = 3;
const POOL: u32 = 1;

/// A server that is never there: what a record asks for ends in an error or waits.
#[derive(Default)]
struct Nowhere(Settings);

struct Text;

impl Statement for Text {
    fn dispatch(&self) -> Dispatch {
        Dispatch::Read
    }

    fn has_parts(&self) -> bool {
        true
    }

    fn bounds_transaction(&self) -> bool {
        false
    }

    fn average(&self) -> Option<Time> {
        None
    }

    fn note(&self, _took: Time) {}

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl Connector for Nowhere {
    fn protocol(&self) -> Protocol {
        Protocol::Postgres
    }

    fn is_local(&self) -> bool {
        false
    }

    fn allows_read_only(&self) -> bool {
        false
    }

    fn connect(self: Arc<Self>, _: Attempt) -> LocalFuture<Result<Opened, EngineError>> {
        Box::pin(async { Err(EngineError::new("ERR_POLYPOOL_CONNECT", "nowhere")) })
    }

    fn statement(&self, _id: u32, _text: &str, _name: Option<&str>) -> Rc<dyn Statement> {
        Rc::new(Text)
    }

    fn settings(&self) -> &Settings {
        &self.0
    }
}

/// Runs `test` with a driver that knows one link and one pool, on a thread that can spawn.
fn with_driver<T>(test: impl FnOnce(&mut Driver, &LinkShared) -> T) -> T {
    with_options(Options::default(), test)
}

fn with_options<T>(options: Options, test: impl FnOnce(&mut Driver, &LinkShared) -> T) -> T {
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tokio::task::LocalSet::new().block_on(&tokio, async {
        let runtime = Runtime::new(0);
        let driver = Driver::new(runtime.clone());
        let mut driver = driver.borrow_mut();
        let link = LinkShared::new(LINK, 0, Box::new(|| {}));
        let owner = Attached { link: LINK, thread: 0, hooks: Hooks::default() };
        let clock = runtime.clock;
        let pool =
            PoolShared::new(POOL, owner, options, Arc::new(Nowhere::default()), clock, 7, None);
        driver.handle_messages(&mut vec![Message::OpenLink(link.clone()), Message::OpenPool(pool)]);
        test(&mut driver, &link)
    })
}

/// The op codes of all completion records so far that settle something or break the link.
fn told(driver: &mut Driver, link: &LinkShared) -> Vec<i32> {
    driver.end_turn();
    driver.flush_links();
    let mut words = Vec::new();
    let mut take = |chunk: &crate::wire::chunk::Chunk| {
        words.extend_from_slice(&chunk.ints);
        true
    };
    while let Drained::Chunk { .. } = link.drain(&mut take) {}
    words
}

/// What lib/submission.js would write for one query.
fn valid() -> Vec<i32> {
    use crate::wire::record::{CANCEL, CLOSE, CREDIT, FETCH, INTERRUPT, QUERY, RELEASE};
    use crate::wire::record::{COPY_DATA, COPY_END, STATEMENT, WARM, flag, tag};
    let text = i32::from_le_bytes(*b"sele");
    let mut words = vec![5, STATEMENT, 0, 4, text];
    let query = [QUERY, 5, POOL as i32, -1, 0, 0, 0, 50, 0, 2, tag::INT, 7, tag::TEXT, 2, 0x6261];
    words.push(query.len() as i32 + 1);
    words.extend(query);
    words.extend([4, WARM, 6, POOL as i32]);
    words.extend([7, RELEASE, 7, POOL as i32, 0, 1, 0]);
    words.extend([4, CREDIT, 5, 10]);
    words.extend([5, FETCH, 5, 10, 0]);
    words.extend([3, INTERRUPT, 5]);
    words.extend([3, CANCEL, 5]);
    words.extend([11, QUERY, 9, POOL as i32, -1, 0, 0, flag::COPY, 0, 0, 0]);
    words.extend([5, COPY_DATA, 9, 2, 0x6261]);
    words.extend([6, COPY_END, 9, 0, 1, 0x61]);
    words.extend([5, CLOSE, 8, POOL as i32, 0]);
    words
}

#[test]
fn a_valid_submission_is_taken_and_everything_in_it_answered() {
    with_driver(|driver, link| {
        driver.submit(LINK, &valid());
        let words = told(driver, link);
        for request in [5, 6, 7, 8, 9] {
            let settled = words.windows(2).any(|pair| {
                matches!(pair[0], record::FAIL | record::OK | record::DONE) && pair[1] == request
            });
            assert!(settled, "request {request} in {words:?}");
        }
        assert!(!words.contains(&record::BROKEN));
    });
}

#[test]
fn closing_a_pool_of_many_connecting_slots_does_not_recurse() {
    const MANY: u32 = 5000;
    with_options(
        Options { max: MANY, max_connecting: MANY, ..Options::default() },
        |driver, link| {
            for request in 0..MANY as i32 {
                let waiter = lease_waiter(LINK, request);
                let want = crate::core::message::Want::Lease;
                let (priority, deadline) = (0, None);
                driver.tell(POOL, Input::Acquire { waiter, want, priority, deadline });
            }
            driver.perform_all();
            driver.submit(LINK, &[5, record::CLOSE, MANY as i32, POOL as i32, 0]);
            let words = told(driver, link);
            assert!(words.ends_with(&[record::OK, MANY as i32]), "the pool has closed");
        },
    );
}

#[test]
fn malformed_transport_records_are_refused() {
    use crate::wire::record::{TRANSPORT_CREDIT, TRANSPORT_DATA, TRANSPORT_END};
    for words in [
        &[3, TRANSPORT_DATA, 0][..],
        &[4, TRANSPORT_DATA, 0, 0],
        &[5, TRANSPORT_DATA, 0, 0, -1],
        &[6, TRANSPORT_DATA, 0, 0, 5, 0],
        &[3, TRANSPORT_END, 0],
        &[4, TRANSPORT_END, 0, 9],
        &[4, TRANSPORT_CREDIT, 0, 0],
        &[6, TRANSPORT_CREDIT, 0, 0, -1, 0],
        &[6, TRANSPORT_CREDIT, 0, 0, 1, 1],
    ] {
        with_driver(|driver, link| {
            driver.submit(LINK, words);
            assert_eq!(told(driver, link).first(), Some(&record::BROKEN), "{words:?}");
        });
    }
}

#[test]
fn a_cut_submission_is_refused() {
    let words = valid();
    // The first record is five words long: no shorter beginning is whole.
    for end in 1..5 {
        with_driver(|driver, link| {
            driver.submit(LINK, &words[..end]);
            assert_eq!(told(driver, link).first(), Some(&record::BROKEN), "cut at {end}");
        });
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn noise_is_refused_without_a_panic(words in prop::collection::vec(any::<i32>(), 0..60)) {
        with_driver(|driver, link| {
            driver.submit(LINK, &words);
            told(driver, link);
        });
    }

    #[test]
    fn small_numbers_reach_every_record_without_a_panic(
        words in prop::collection::vec(-2i32..18, 0..80)
    ) {
        with_driver(|driver, link| {
            driver.submit(LINK, &words);
            told(driver, link);
        });
    }

    #[test]
    fn any_transport_record_leaves_the_driver_working(
        op in record::TRANSPORT_DATA..=record::TRANSPORT_CREDIT,
        mut fields in prop::collection::vec(prop_oneof![0i32..3, any::<i32>()], 1..8),
    ) {
        with_driver(|driver, link| {
            let bridges = Bridges::new(driver.port.clone(), LINK, POOL);
            let mut opening = Box::pin(bridges.open(json!({})));
            let cx = &mut Context::from_waker(Waker::noop());
            let _ = opening.as_mut().poll(cx);
            let mut words = vec![fields.len() as i32 + 2, op];
            words.append(&mut fields);
            driver.submit(LINK, &words);
            let _ = opening.as_mut().poll(cx);
            told(driver, link);
            driver.submit(LINK, &[5, record::CLOSE, 2, 99, 0]);
            assert!(told(driver, link).ends_with(&[record::OK, 2]));
        });
    }

    #[test]
    fn one_wrong_word_harms_nobody_else(at in 0usize..90, word in any::<i32>()) {
        with_driver(|driver, link| {
            let mut words = valid();
            let at = at % words.len();
            words[at] = word;
            driver.submit(LINK, &words);
            told(driver, link);
            // Another link is served as before.
            let other = LinkShared::new(LINK + 1, 0, Box::new(|| {}));
            driver.handle_messages(&mut vec![Message::OpenLink(other.clone())]);
            driver.submit(LINK + 1, &[5, record::CLOSE, 2, 99, 0]);
            assert_eq!(told(driver, &other), [record::OK, 2]);
        });
    }
}
