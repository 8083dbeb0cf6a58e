//! Programs in lockstep.

use crate::kinds;

kinds! {
    behaves_in_lockstep "--clock virtual --host lockstep" 0 "init_lockstep; serve_lockstep"

    // At the start.
    knows_no_lockstep "--clock virtual --host lockstep" 254 "init; serve"
    knows_another_lockstep "--clock virtual --host lockstep" 254
        r#"hear; answer '"type":"init_ok","lockstep":{"version":2}'; idle; serve_lockstep"#
    accepts_lockstep_in_other_words "--clock virtual --host lockstep" 254
        r#"hear; answer '"type":"init_ok","lockstep":true'; idle; serve_lockstep"#
    is_idle_and_never_answers_init "--clock virtual --host lockstep" 254 "hear; idle; hear"
    never_answers_init_in_lockstep "--clock virtual --host lockstep --step-timeout 0.1" 254 "hear; hear"
    exits_before_idle "--clock virtual --host lockstep" 254
        "hear; printf 'no such key: lockstep\n' >&2; exit 1"

    // In mid-run.
    never_becomes_idle "--clock virtual --host lockstep --step-timeout 0.1" 1
        "init_lockstep; hear; echo_back; idle; hear; printf 'waiting for n1\n' >&2; hear"
    writes_after_idle "--clock virtual --host lockstep" 1
        "init_lockstep; hear; echo_back; idle; echo_back; serve_lockstep"
    exits_in_lockstep "--clock virtual --host lockstep" 1 "init_lockstep; hear; echo_back; idle; hear; exit 3"
    closes_stdin_in_lockstep "--clock virtual --host lockstep" 1
        "init_lockstep; hear; echo_back; idle; exec tail -f /dev/null <&-"
    closes_stdout_in_lockstep "--clock virtual --host lockstep" 1
        "init_lockstep; hear; echo_back; exec >&-; hear; hear"
    says_nonsense_to_the_clock "--clock virtual --host lockstep" 1
        r#"init_lockstep; hear; echo_back; send clock '"type":"idle","wake_at":"soon"'; hear"#
    forgets_when_to_wake "--clock virtual --host lockstep" 1
        r#"init_lockstep; hear; echo_back; send clock '"type":"idle"'; serve_lockstep"#
    wakes_in_the_past "--clock virtual --host lockstep" 1
        r#"init_lockstep; while hear; do send clock '"type":"idle","wake_at":1'; done"#
    /// Nanoseconds, taken for something longer.
    wakes_all_the_time "--clock virtual --host lockstep" 1 r#"
        init_lockstep
        while hear; do
            case $kind in echo) echo_back;; esac
            at=${line#*'"at":'} at=${at%%[!0-9]*}
            send clock '"type":"idle","wake_at":'$((at + 100))
        done"#
    prints_text_in_lockstep "--clock virtual --host lockstep" 1
        "init_lockstep; hear; say 'got it'; echo_back; idle; serve_lockstep"
    /// Two nodes that answer each other at once, for ever.
    plays_ping_pong "--clock virtual --host lockstep --step-timeout 0.05 --node-count 2" 1 r#"
        init_lockstep
        while hear; do
            case $kind in echo) echo_back; send n0 '"type":"ping"';; ping) send n1 '"type":"ping"';; esac
            idle
        done"#
    never_answers "--clock virtual --host lockstep" 1 "init_lockstep; while hear; do idle; done"
    floods_with_noise_in_a_step "--clock virtual --host lockstep" 1 "init_lockstep; hear; exec yes 'still alive'"
    floods_with_messages_in_a_step "--clock virtual --host lockstep" 1 r#"
        big=xxxxxxxxxxxxxxxx
        for _ in 1 2 3 4 5 6 7 8 9 10 11 12; do big=$big$big; done
        init_lockstep
        hear
        exec yes '{"src":"n0","dest":"c0","body":{"type":"gossip","value":"'$big'"}}'"#
}
