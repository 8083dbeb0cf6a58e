//! Nodes that write or send without end: kolk ends, and in little memory.

use crate::kinds;

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
    /// One that never reads, and one that sends it as much as it can.
    never_reads "--node-count 2 --time-limit 60" 1 r#"
        big=xxxxxxxxxxxxxxxx
        for _ in 1 2 3 4 5 6 7 8 9 10; do big=$big$big; done
        init
        case $me in n0) exec tail -f /dev/null;; esac
        exec yes '{"src":"n1","dest":"n0","body":{"type":"gossip","value":"'$big'"}}'"#
}
