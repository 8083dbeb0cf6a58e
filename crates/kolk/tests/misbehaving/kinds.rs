//! Nodes that start, and then break the protocol: the run is invalid, and says why. On the real
//! clock, as for any program.

use crate::kinds;
use crate::node::{Home, Kind};

kinds! {
    behaves "" 0 "init; serve"

    // Lines that are no message.
    prints_text "" 1 "init; hear; say 'got a message!'; echo_back; serve"
    prints_two_messages_on_a_line "" 0
        r#"init; say '{"src":"n0","dest":"n0","body":{"type":"a"}}{"src":"n0","dest":"n0","body":{}}'; serve"#
    prints_json_that_is_no_object "" 1 "init; say '[\"n0\",\"c1\"]'; serve"
    prints_half_an_object "" 1 r#"init; say '{"src":"n0","dest":"c1","body":{"type":"echo_ok"'; serve"#
    prints_python "" 1
        r#"init; say "{'src': 'n0', 'dest': 'c1', 'body': {'type': 'echo_ok'}}"; serve"#
    prints_blank_lines "" 0 "init; say; say '  '; serve"
    prints_an_extra_key "" 1
        r#"init; say '{"src":"n0","dest":"c1","body":{"type":"gossip"},"time":12}'; serve"#
    prints_no_body "" 1 r#"init; say '{"src":"n0","dest":"c1","type":"echo_ok"}'; serve"#
    prints_no_src "" 1 r#"init; say '{"dest":"c1","body":{"type":"echo_ok"}}'; serve"#
    replies_to_a_string "" 1
        r#"init; hear; send $from '"type":"echo_ok","in_reply_to":"'$id'"'; echo_back; serve"#
    prints_latin_1 "" 0
        r#"init; hear; printf '{"src":"n0","dest":"c1","body":{"type":"caf\351"}}\n'; echo_back; serve"#
    prints_escapes "" 1
        r#"init; hear; printf '\033[2J\033]0;gone\007</script><b>\342\200\256\n'; echo_back; serve"#
    prints_many_kinds_of_noise "" 1
        r#"init; say one; say two; say '{"src":"n7","dest":"c0","body":{}}'; send n9 '"type":"x"'; serve"#

    // Messages that may not be.
    sends_to_nobody "" 1 r#"init; hear; send n7 '"type":"gossip","values":[1,2]'; echo_back; serve"#
    sends_in_the_name_of_another "--node-count 2" 0
        r#"init; case $me in n1) me=n0; send n1 '"type":"gossip"'; me=n1;; esac; serve"#
    answers_twice "" 0 "init; while hear; do echo_back; echo_back; done"
    answers_what_nobody_asked "" 0 "init; hear; echo_back; id=77; echo_back; serve"
    answers_another_client "" 0 "init; hear; echo_back; from=c0; echo_back; serve"

    // Bodies that do not fit.
    answers_with_a_missing_field "" 1 r#"init; hear; answer '"type":"echo_ok"'; serve"#
    answers_with_another_type "" 1 r#"init; hear; answer '"type":"echo","echo":'"$echo"; serve"#
    answers_with_a_field_too_many "" 1
        r#"init; hear; answer '"type":"echo_ok","took":3,"echo":'"$echo"; serve"#
    answers_with_a_wrong_field "-w broadcast --clock virtual" 1 r#"
        init_lockstep
        while hear; do
            case $kind in
                read) answer '"type":"read_ok","messages":{"0":true}';;
                *) answer '"type":"'$kind'_ok"';;
            esac
            idle
        done"#
    answers_with_a_wrong_value "" 1 r#"init; hear; answer '"type":"echo_ok","echo":"<b>no</b>\u001b[31m"'; serve"#
    answers_with_a_number_beyond_all "" 1 r#"init; hear; answer '"type":"echo_ok","echo":1e999'; serve"#
    answers_with_an_error_without_code "" 0
        r#"init; hear; answer '"type":"error","text":"</script>\u001b[31m"'; serve"#
    answers_with_errors "" 1
        r#"init; while hear; do answer '"type":"error","code":10,"text":"echo? \u001b[31m"'; done"#

    /// Its clients wait, and there is nothing else to see.
    hangs_after_a_while "--rate 10 --time-limit 1 --concurrency 1" 0
        "init; hear; echo_back; while hear; do :; done"

    // Ends.
    exits_in_mid_run "" 1 "init; hear; echo_back; hear; printf 'KeyError: 7\\n' >&2; exit 3"
    exits_without_a_word "--node-count 2" 1 "init; hear; case $me in n1) exit 0;; esac; echo_back; serve"
    is_killed_in_mid_run "" 1 "init; hear; echo_back; hear; kill -KILL $$"
    aborts_in_mid_run "" 1 "init; hear; printf 'assertion failed: quorum > 0\\n' >&2; kill -ABRT $$"
    closes_stdout "" 1 "init; hear; exec >&-; while hear; do :; done"
    closes_stdin "" 1 "init; hear; echo_back; exec tail -f /dev/null <&-"
    ends_and_leaves_its_pipes_to_a_child "" 1
        "init; hear; echo_back; tail -f /dev/null & note_pid $!; exit 5"
    /// It does not end with its stdin either.
    leaves_its_process_group "--node-count 2" 0 r#"exec python3 -c '
import json, os, signal, sys
os.setpgid(0, os.getpgid(os.getppid()))
for line in sys.stdin:
    message = json.loads(line)
    body = message["body"]
    reply = {"type": body["type"] + "_ok", "in_reply_to": body["msg_id"]}
    if "echo" in body:
        reply["echo"] = body["echo"]
    print(json.dumps({"src": message["dest"], "dest": message["src"], "body": reply}), flush=True)
signal.pause()'"#
}

/// A node that leaves two processes behind: a child that ignores what can be ignored, and one that
/// has left the node's process group and session.
#[test]
fn leaves_children_behind() {
    let script = r#"
        init
        sh -c 'trap "" HUP INT TERM; printf "%s\n" $$ >>"$0.pids"; while :; do tail -f /dev/null; done' "$0" &
        setsid sh -c 'printf "%s\n" $$ >>"$0.pids"; exec tail -f /dev/null' "$0" &
        serve"#;
    // Only Linux tells a process what its children leave behind.
    let script = if cfg!(target_os = "linux") { script } else { &script.replace("setsid", "") };
    let home = Home::new(script);
    Kind { name: "leaves_children_behind", script: "…", flags: "", status: 0 }.check_in(&home);
    assert_eq!(home.pids().len(), 3, "the node and two more");
}
