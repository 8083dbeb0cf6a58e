//! Nodes that write or send without end: kolk ends, and in little memory.

use crate::kinds;
use crate::node::{Home, end_of, screen};

kinds! {
    /// A long line is as good as any.
    answers_with_a_megabyte "--rate 10" 1 r#"
        big=xxxxxxxxxxxxxxxx
        for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do big=$big$big; done
        init; hear; answer '"type":"echo_ok","echo":"'$big'"'; serve"#
    prints_a_megabyte_of_noise "--rate 10" 1 r#"
        big=xxxxxxxxxxxxxxxx
        for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do big=$big$big; done
        init; hear; say "$big"; echo_back; serve"#
    writes_a_line_without_end "" 1
        "init; tr '\\0' 'x' </dev/zero & note_pid $!; while hear; do :; done"
    floods_with_noise "" 1 "init; hear; yes 'still alive' | head -n 200000; echo_back; serve"
    floods_for_ever "" 1 "init; while :; do say 'still alive'; done & note_pid $!; serve"
    floods_with_messages "" 0 r#"
        init
        while :; do send c0 '"type":"ping"'; done & note_pid $!
        serve"#
    /// Nodes that answer answers.
    answers_answers_in_lockstep
        "--clock virtual --node-count 2 --latency 1 --max-messages 2000 --time-limit 60" 1 r#"
        init_lockstep
        while hear; do
            case $kind in
                echo)
                    echo_back
                    case $me in n0) send n1 '"type":"gossip"';; *) send n0 '"type":"gossip"';; esac;;
                *) send $from '"type":"gossip_ok"';;
            esac
            idle
        done"#
    /// Ten seconds of silence are enough.
    never_answers_an_operation "--clock virtual --time-limit 600" 1 r#"
        init_lockstep
        printf 'config.yml:3: no such key: peers
' >&2
        while hear; do idle; done"#
    never_answers_an_operation_and_goes_on "--clock virtual --time-limit 30 --no-fail-fast" 1 r#"
        init_lockstep
        while hear; do idle; done"#
    /// One that never reads, and one that sends it as much as it can.
    never_reads "--node-count 2 --time-limit 60 --rate 0" 1 r#"
        big=xxxxxxxxxxxxxxxx
        for _ in 1 2 3 4 5 6 7 8 9 10; do big=$big$big; done
        init
        case $me in n0) exec tail -f /dev/null;; esac
        exec yes '{"src":"n1","dest":"n0","body":{"type":"gossip","value":"'$big'"}}'"#
}

/// The same on the machine's clock, where nobody can say how many come of how many operations.
#[test]
fn answers_answers() {
    let home = Home::new(
        r#"
        init
        while hear; do
            case $kind in
                echo)
                    echo_back
                    case $me in n0) send n1 '"type":"gossip"';; *) send n0 '"type":"gossip"';; esac;;
                *) send $from '"type":"gossip_ok"';;
            esac
        done"#,
    );
    let words = "test -w echo --bin ./node.sh --node-count 2 --rate 30 --time-limit 60 --seed 7 \
                 --max-messages 2000";
    let output = end_of(&mut home.kolk(words));
    let screen = screen(&output, &home, true);
    assert_eq!(output.status.code(), Some(1), "{screen}");
    assert!(screen.contains("floods the network: 2001 messages between servers"), "{screen}");
    assert!(screen.contains("most of it `gossip_ok` from"), "{screen}");
    home.assert_no_process_left();
}
