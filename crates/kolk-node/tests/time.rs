//! Timers, tasks, calls and retries, in virtual time.

mod common;

use std::cell::RefCell;
use std::rc::Rc;

use common::{Stepper, ms};
use kolk_node::sync::{Notify, channel};
use kolk_node::{Context, Elapsed, ErrorCode, Node, Retry, RpcError, Task};
use serde::{Deserialize, Serialize};

/// A node that does what a closure says when it is told to `go`.
struct Scripted<A>(A);

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Go {
    Go,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Said {
    Said { text: String },
}

impl<A: AsyncFn(&Context) -> Result<String, RpcError> + 'static> Node for Scripted<A> {
    type Request = Go;
    type Reply = Said;

    async fn handle(&self, cx: &Context, Go::Go: Go) -> Result<Said, RpcError> {
        (self.0)(cx).await.map(|text| Said::Said { text })
    }
}

fn scripted(script: impl AsyncFn(&Context) -> Result<String, RpcError> + 'static) -> Stepper {
    Stepper::new(|_| Scripted(script)).0
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Ask {
    Ask { number: u32 },
}

const GO: &str = r#"{"type":"go","msg_id":1}"#;

fn said(text: &str) -> String {
    format!(r#"c1 {{"type":"said","in_reply_to":1,"text":"{text}"}}"#)
}

fn failed(code: u32, text: &str) -> String {
    format!(r#"c1 {{"type":"error","in_reply_to":1,"code":{code},"text":"{text}"}}"#)
}

async fn ask(cx: &Context, number: u32) -> Result<String, RpcError> {
    let Said::Said { text } = cx.rpc("n2", &Ask::Ask { number }).await?;
    Ok(text)
}

#[test]
fn a_call_and_its_outcomes() {
    let answered = r#"{"type":"said","in_reply_to":1,"text":"hi"}"#;
    for (answer, expected) in [
        (answered, said("hi")),
        (r#"{"type":"error","in_reply_to":1,"code":20,"text":"none"}"#, failed(20, "none")),
        (r#"{"type":"error","in_reply_to":1,"code":1234}"#, failed(1234, "")),
        (
            r#"{"type":"sang","in_reply_to":1}"#,
            failed(13, "the answer `sang` cannot be read: unknown type `sang`"),
        ),
        (
            r#"{"type":"said","in_reply_to":1}"#,
            failed(13, "the answer `said` cannot be read: missing field `text`"),
        ),
        (
            r#"{"type":"error","in_reply_to":1}"#,
            failed(13, "the answer `error` cannot be read: missing field `code`"),
        ),
    ] {
        let mut node = scripted(async |cx| ask(cx, 7).await);
        assert_eq!(node.get("c1", GO), [r#"n2 {"type":"ask","msg_id":1,"number":7}"#]);
        assert_eq!(node.deadline, Some(node.now + ms(1000)));
        node.pass(ms(999));
        assert_eq!(node.get("n2", answer), [expected], "{answer}");
        assert_eq!(node.deadline, None, "an answered call leaves no timer behind");
        assert_eq!(node.get("n2", answered), [""; 0], "repeated answers are ignored");
    }
}

#[test]
fn a_call_without_an_answer() {
    let mut node = scripted(async |cx| ask(cx, 7).await);
    node.get("c1", GO);
    assert_eq!(node.pass(ms(5000)), [format!("1000 {}", failed(0, "no answer within 1 s"))]);
    let late = r#"{"type":"said","in_reply_to":1,"text":"hi"}"#;
    assert_eq!(node.get("n2", late), [""; 0], "late answers are ignored");
}

#[test]
fn a_dropped_call_is_forgotten() {
    let mut node = scripted(async |cx| {
        let call = cx.rpc::<Said>("n2", &Ask::Ask { number: 1 });
        let raced = cx.timeout(ms(10), call).await;
        Ok(format!("{}", raced.err().expect("nobody answers in time")))
    });
    assert_eq!(node.get("c1", GO).len(), 1);
    assert_eq!(node.wake(), [said("not done within 0.01 s")]);
    assert_eq!((node.now.as_millis(), node.deadline), (10, None));
    assert_eq!(node.get("n2", r#"{"type":"said","in_reply_to":1,"text":"hi"}"#), [""; 0]);
}

#[test]
fn handlers_run_concurrently() {
    let mut node = scripted(async |cx| ask(cx, 0).await);
    for number in 1..=3 {
        let go = GO.replace(":1", &format!(":{number}"));
        node.get(&format!("c{number}"), &go);
    }
    for number in [2, 3, 1] {
        let answer = format!(r#"{{"type":"said","in_reply_to":{number},"text":"to {number}"}}"#);
        let expected =
            format!(r#"c{number} {{"type":"said","in_reply_to":{number},"text":"to {number}"}}"#);
        assert_eq!(node.get("n2", &answer), [expected]);
    }
}

/// What a retry is answered with, attempt by attempt (0 means not at all), and what comes of it.
#[test]
fn retries() {
    const SILENCE: u32 = 0;
    for (read_only, answers, outcome) in [
        (false, &[SILENCE, SILENCE, 200][..], said("done")),
        (false, &[11, 11, 200], said("done")),
        (false, &[22], failed(22, "e")),
        (false, &[SILENCE, 22], failed(0, "no answer within 0.05 s")),
        (true, &[SILENCE, 22], failed(22, "e")),
        (false, &[13, 11, 11, 11], failed(13, "e")),
        (false, &[11, 11, 11, 11], failed(11, "e")),
        (false, &[11, 11, 11, 13], failed(13, "e")),
    ] {
        let retry = Retry {
            patience: ms(50),
            first: ms(100),
            attempts_max: Some(4),
            read_only,
            ..Retry::default()
        };
        let mut node = scripted(async move |cx| {
            let Said::Said { text } = cx.rpc_retry(&retry, "n2", &Ask::Ask { number: 0 }).await?;
            Ok(text)
        });
        let mut sent = node.get("c1", GO);
        for (attempt, code) in answers.iter().enumerate() {
            let request = format!(r#"n2 {{"type":"ask","msg_id":{},"number":0}}"#, attempt + 1);
            assert_eq!(sent, [request], "{answers:?}");
            let id = attempt + 1;
            let failed_at = match code {
                0 => node.now + ms(50),
                _ => node.now,
            };
            sent = match code {
                0 => node.wake(),
                200 => node
                    .get("n2", &format!(r#"{{"type":"said","in_reply_to":{id},"text":"done"}}"#)),
                _ => node.get(
                    "n2",
                    &format!(r#"{{"type":"error","in_reply_to":{id},"code":{code},"text":"e"}}"#),
                ),
            };
            if sent.is_empty() {
                let pause = ms(100) * 2u32.pow(u32::try_from(attempt).expect("few attempts"));
                let due = node.deadline.expect("a pause");
                assert!((failed_at + pause / 2..=failed_at + pause).contains(&due), "{due}");
                sent = node.wake();
            }
        }
        assert_eq!(sent, [outcome], "{answers:?}");
    }
}

#[test]
fn beats_and_their_end() {
    let task: Rc<RefCell<Option<Task<()>>>> = Rc::default();
    let kept = Rc::clone(&task);
    let (mut node, _) = Stepper::new(move |cx| {
        let beats = cx.clone();
        kept.replace(Some(cx.every(ms(30), move || {
            beats.send("n0", &Ask::Ask { number: 0 });
        })));
        Scripted(async |_: &Context| Ok(String::new()))
    });
    let beat = r#"n0 {"type":"ask","number":0}"#;
    assert_eq!(
        node.pass(ms(100)),
        [format!("30 {beat}"), format!("60 {beat}"), format!("90 {beat}")]
    );
    // A late wake-up makes up for nothing.
    node.now = node.now + ms(200);
    assert_eq!(node.get("c1", r#"{"type":"unknown"}"#), [beat]);
    let task = task.take().expect("started");
    assert!(!task.is_finished());
    task.abort();
    assert_eq!(node.get("c1", r#"{"type":"unknown"}"#), [""; 0]);
    assert_eq!(node.deadline, None);
    assert!(task.is_finished());
}

#[test]
fn timers_that_are_moved_or_dropped() {
    let mut node = scripted(async |cx| {
        let mut sleep = cx.sleep(ms(10));
        drop(cx.sleep(ms(1)));
        assert_eq!(cx.timeout(ms(5), &mut sleep).await, Err(Elapsed(ms(5))));
        sleep.reset(cx.now() + ms(100));
        (&mut sleep).await;
        sleep.reset(cx.now() + ms(1));
        sleep.await;
        cx.sleep(ms(0)).await;
        Ok(cx.now().as_millis().to_string())
    });
    node.get("c1", GO);
    assert_eq!(node.pass(ms(1000)), [format!("106 {}", said("106"))]);
}

#[test]
fn timers_due_together_fire_in_the_order_in_which_they_were_armed() {
    let mut node = scripted(async |cx| {
        let (sender, mut receiver) = channel();
        for number in 0..5u64 {
            let (cx, sender) = (cx.clone(), sender.clone());
            cx.clone().spawn(async move {
                cx.sleep(ms(20 - 10 * (number % 2))).await;
                sender.send(number);
            });
        }
        drop(sender);
        let mut order = String::new();
        while let Some(number) = receiver.recv().await {
            order.push_str(&number.to_string());
        }
        Ok(order)
    });
    node.get("c1", GO);
    assert_eq!(node.pass(ms(1000)), [format!("20 {}", said("13024"))]);
}

#[test]
fn tasks_return_and_are_aborted() {
    let mut node = scripted(async |cx| {
        let slow = cx.clone();
        let slow = cx.spawn(async move { slow.sleep(ms(50)).await });
        let quick = cx.spawn(async { 5 });
        let five = quick.await;
        slow.abort();
        Ok(format!("{five:?} {:?}", slow.await))
    });
    assert_eq!(node.get("c1", GO), [said("Some(5) None")]);
    assert_eq!(node.deadline, None);
}

#[test]
fn signals() {
    let mut node = scripted(async |cx| {
        let notify = Rc::new(Notify::new());
        let order = Rc::new(RefCell::new(String::new()));
        for name in ["a", "b", "c"] {
            let (notify, order) = (Rc::clone(&notify), Rc::clone(&order));
            cx.spawn(async move {
                notify.notified().await;
                order.borrow_mut().push_str(name);
                notify.notified().await;
                order.borrow_mut().push_str(name);
            });
        }
        cx.sleep(ms(1)).await;
        notify.notify_one();
        notify.notify_one();
        cx.sleep(ms(1)).await;
        order.borrow_mut().push('|');
        notify.notify_all();
        cx.sleep(ms(1)).await;
        order.borrow_mut().push('|');
        notify.notify_one();
        notify.notify_one();
        notify.notify_one();
        cx.sleep(ms(1)).await;
        assert_eq!(cx.timeout(ms(1), notify.notified()).await, Ok(()), "one signal was kept");
        assert!(cx.timeout(ms(1), notify.notified()).await.is_err(), "and only one");
        Ok(order.take())
    });
    node.get("c1", GO);
    let sent = node.pass(ms(100));
    assert_eq!(sent, [format!("5 {}", said("ab|cab|c"))]);
}

#[test]
fn a_signal_to_one_that_is_gone_passes_on() {
    let mut node = scripted(async |cx| {
        let notify = Notify::new();
        let mut gone = Box::pin(notify.notified());
        let mut next = Box::pin(notify.notified());
        assert!(cx.timeout(ms(1), &mut gone).await.is_err());
        assert!(cx.timeout(ms(1), &mut next).await.is_err());
        notify.notify_one();
        drop(gone);
        Ok(format!("{:?}", cx.timeout(ms(1), next).await))
    });
    node.get("c1", GO);
    assert_eq!(node.pass(ms(100)), [format!("2 {}", said("Ok(())"))]);
}

#[test]
fn a_call_that_cannot_be_written_was_not_sent() {
    let mut node = scripted(async |cx| {
        let result: Result<Said, RpcError> = cx.rpc("n2", &5).await;
        let error = result.err().expect("5 is no body");
        assert!(error.is_definite());
        assert_eq!(error.code, ErrorCode::MALFORMED_REQUEST);
        Ok(String::new())
    });
    assert_eq!(node.get("c1", GO), [said("")]);
}

/// Receivers and tasks hold contexts, and contexts hold what knows them.
#[test]
fn nothing_outlives_the_machine() {
    let marker = Rc::new(());
    let alive = Rc::downgrade(&marker);
    let (mut node, _) = Stepper::new(move |cx| {
        let (in_receiver, in_task, in_beat) = (marker.clone(), marker.clone(), marker.clone());
        let (cx_receiver, cx_task) = (cx.clone(), cx.clone());
        cx.receive(move |_, _: Said| drop((in_receiver.clone(), cx_receiver.clone())));
        cx.spawn(async move {
            let _ = ask(&cx_task, 0).await;
            drop(in_task);
        });
        cx.every(ms(5), move || drop(in_beat.clone()));
        Scripted(async move |cx: &Context| {
            cx.sleep(ms(1_000_000)).await;
            Ok(format!("{marker:?}"))
        })
    });
    node.get("c1", GO);
    assert!(alive.upgrade().is_some());
    drop(node);
    assert!(alive.upgrade().is_none());
}
