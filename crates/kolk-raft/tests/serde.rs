//! What travels and what is stored comes back from JSON as it was.
//!
//! ```text
//! cargo test -p kolk-raft --features serde --test serde
//! ```

use std::time::Duration;

use kolk_raft::{Config, Input, Members, Message, Raft, Stored, Write};

#[test]
fn json_and_back() {
    let members = Members::voters([1, 2]);
    let mut disks = [Stored::founding(members.clone()), Stored::founding(members)];
    let mut nodes: Vec<Raft<String, String>> = (1..=2)
        .zip(&disks)
        .map(|(id, disk)| Raft::new(Config { keep_behind: 0, ..Config::new(id, id) }, disk.clone()))
        .collect();
    let mut queue = vec![(0, Duration::ZERO, Input::Tick), (1, Duration::ZERO, Input::Tick)];
    let (mut messages, mut writes) = (0, 0);
    for turn in 0..100 {
        while let Some((node, now, input)) = queue.pop() {
            let outputs = nodes[node].step(now, input);
            for message in outputs.messages {
                let json = serde_json::to_string(&message).expect("it can be written");
                let back: Message<String, String> =
                    serde_json::from_str(&json).expect("it is JSON");
                assert_eq!(back, message);
                messages += 1;
                queue.insert(0, (back.to as usize - 1, now, Input::Message(back)));
            }
            if let Some(write) = outputs.write {
                let json = serde_json::to_string(&write).expect("it can be written");
                let back: Write<String, String> = serde_json::from_str(&json).expect("it is JSON");
                assert_eq!(back, write);
                writes += 1;
                disks[node].perform(&back);
                queue.push((node, now, Input::Synced(write.number)));
            }
        }
        let now = Duration::from_millis(20 * turn);
        queue.push((0, now, Input::Tick));
        match turn {
            50 => queue.push((0, now, Input::Propose { token: 1, command: "x".to_owned() })),
            60 => {
                let index = nodes[0].applied();
                queue.push((0, now, Input::Compact { index, state: "x".to_owned() }));
            }
            _ => {}
        }
    }
    assert!(messages > 50 && writes > 5, "{messages} messages, {writes} writes");
    let json = serde_json::to_string(&disks[0]).expect("it can be written");
    assert_eq!(
        serde_json::from_str::<Stored<String, String>>(&json).expect("it is JSON"),
        disks[0]
    );
    assert!(disks[0].snapshot.is_some());
    // A new file begins with all of the old one.
    let mut copy = Stored::joining();
    copy.perform(&disks[0].as_write());
    assert_eq!(copy, disks[0]);
}
