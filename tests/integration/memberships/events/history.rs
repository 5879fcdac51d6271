//! Any history of a membership matches a model: the newest event before a token's time of issue counts.

use clerk_auth_tests::database::TestDatabase;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::{AS_CLAIMED, admin, apply, around, holds, member};
use crate::denials::events::start;

/// An event of the model: its kind, the version and its time in milliseconds after the start.
#[derive(Clone, Debug)]
struct Happened {
    ends: bool,
    version: i64,
    lag: i64,
}

fn happened() -> impl Strategy<Value = Happened> {
    (any::<bool>(), 0_i64..6_000, 0_i64..1_500).prop_map(|(ends, version, lag)| Happened {
        ends,
        version,
        lag,
    })
}

/// The reference model: the newest event by version, then by time, and an end before a change. The event counts for
/// tokens that were read in its second or earlier. Of several ends, any later one may count too.
fn expected(events: &[Happened], read_at: i64) -> Vec<String> {
    let time = |it: &Happened| it.version + it.lag;
    let newest = events.iter().max_by_key(|it| (it.version, time(it), it.ends));
    let newest = newest.expect("there is an event");
    let counts = |it: &Happened| read_at * 1_000 <= time(it);
    let mut expected = Vec::new();
    if !counts(newest) {
        expected.push(AS_CLAIMED.to_owned());
    }
    if newest.ends && events.iter().any(|it| it.ends && counts(it)) {
        expected.push(String::new());
    } else if counts(newest) {
        expected.push(format!("org:role_{}", newest.version));
    }
    expected
}

#[test]
fn any_history_of_a_membership_matches_the_model() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime starts");
    let database = TestDatabase::sqlite();
    let (one, other) = runtime.block_on(async { (start(&database).await, start(&database).await) });
    let at = around(&one);
    let at = move |milliseconds: i64| at(milliseconds - 20_000);
    let user = std::cell::Cell::new(0);
    let history = (vec((happened(), any::<bool>()), 1..6), vec(0_i64..9, 1..4));
    let mut runner = TestRunner::new(Config::with_cases(150));
    let checked = runner.run(&history, |(deliveries, reads)| {
        user.set(user.get() + 1);
        let user_id = format!("user_{}", user.get());
        runtime.block_on(async {
            for (event, to_other) in &deliveries {
                let process = if *to_other { &other } else { &one };
                let kind = if event.ends { "deleted" } else { "updated" };
                let role = format!("org:role_{}", event.version);
                let data = member(&user_id, &role, &[], at(event.version));
                apply(process, kind, data, at(event.version + event.lag)).await;
            }
            let events: Vec<Happened> = deliveries.iter().map(|(event, _)| event.clone()).collect();
            let restarted = start(&database).await;
            for read_at in &reads {
                let held = holds(&restarted, admin(&user_id, at(read_at * 1_000))).await;
                let expected = expected(&events, *read_at);
                prop_assert!(
                    expected.contains(&held),
                    "{} instead of {:?}, read at {}",
                    held,
                    expected,
                    read_at
                );
            }
            Ok(())
        })
    });
    checked.expect("each history ends as expected");
}
