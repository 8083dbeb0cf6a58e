//! Programs on the virtual clock that know nothing of it: traced.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use crate::kinds;

kinds! {
    behaves_traced "--clock virtual" 0 "init; serve"
    sleeps_before_it_answers "--clock virtual" 0
        "init; while hear; do sleep 0.5; echo_back; done"

    // At the start.
    never_answers_init_traced "--clock virtual" 254 "hear; hear"
    exits_at_init "--clock virtual" 254 "hear; printf 'no such key\n' >&2; exit 1"
    loops_at_init "--clock virtual --init-timeout 0.5" 254 "hear; while :; do :; done"

    // In mid-run.
    exits_traced "--clock virtual" 1 "init; hear; echo_back; hear; exit 3"
    is_killed_traced "--clock virtual" 1 "init; hear; echo_back; hear; kill -9 $$"
    leaves_its_stdout_to_a_child "--clock virtual" 1
        "init; hear; echo_back; hear; sleep 1000 & exit 3"
    stops_itself "--clock virtual --time-limit 1" 0 "init; hear; echo_back; kill -STOP $$; serve"
    loops_traced "--clock virtual --step-timeout 0.5" 1 "init; hear; echo_back; hear; while :; do :; done"
    closes_stdin_traced "--clock virtual" 1 "init; hear; echo_back; exec sleep 1000 <&-"
    closes_stdout_traced "--clock virtual" 1 "init; hear; echo_back; exec >&-; hear; hear"
    prints_text_traced "--clock virtual" 1 "init; hear; say 'got it'; echo_back; serve"
    forks_without_end "--clock virtual --step-timeout 60" 1
        "init; hear; while :; do sleep 1000 & done"
    writes_without_end "--clock virtual --step-timeout 60" 1 "init; hear; exec yes"
}
