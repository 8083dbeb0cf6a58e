//! Nodes that cannot be started: an error before any load, status 254.

use std::fs;

use crate::kinds;
use crate::node::{Home, Kind, end_of, screen};

/// Programs that are none: what lies at `node.sh`.
#[test]
fn no_programs() {
    let cases: &[(&'static str, &'static str, fn(&Home))] = &[
        ("missing", "--bin ./other.sh", |_| {}),
        ("folder", "--bin .", |_| {}),
        ("not_executable", "", |home| home.write("node.sh", "#!/bin/sh\n", 0o644)),
        ("interpreter_missing", "", |home| home.write("node.sh", "#!/usr/bin/node-5\n", 0o755)),
        ("first_line_missing", "", |home| home.write("node.sh", "print('hello')\n", 0o755)),
        ("binary_of_another_machine", "", |home| {
            fs::write(home.path().join("node.sh"), b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0")
                .unwrap();
        }),
    ];
    for (name, flags, prepare) in cases {
        let home = Home::new("");
        prepare(&home);
        Kind { name, script: "", flags, status: 254 }.check_in(&home);
    }
}

kinds! {
    exits_at_once "" 254 ":"
    exits_before_init_ok "" 254 "printf 'usage: node --port N\\nport is missing\\n' >&2; exit 2"
    killed_before_init_ok "" 254 "hear; kill -SEGV $$"
    never_answers_init "--init-timeout 0.2" 254 "echo 'waiting for peers' >&2; hear; hear"
    prints_in_place_of_init_ok "--init-timeout 0.2" 254 "say 'Listening on port 8080'; hear; hear"
    answers_init_with_error "" 254
        "hear; answer '\"type\":\"error\",\"code\":13,\"text\":\"no disk\"'; hear"
    answers_init_with_other_type "" 254 "hear; answer '\"type\":\"ok\"'; hear"
    answers_init_without_in_reply_to "--init-timeout 0.2" 254
        "hear; send $from '\"type\":\"init_ok\"'; hear"
    second_node_exits "--node-count 2" 254 "hear; case $line in *'\"dest\":\"n1\"'*) exit 4;; esac; hear"
    refuses_topology "-w broadcast" 254
        "init; hear; answer '\"type\":\"error\",\"code\":10,\"text\":\"what topology?\"'; hear"
    exits_at_topology "-w broadcast" 254 "init; hear; printf 'NameError: graph\\n' >&2; exit 1"
}

/// Of several seeds at once it is said which one could not be carried out, and its folder is kept.
#[test]
fn a_sweep_names_the_seed() {
    let home = Home::new("printf 'no module named numpy\n' >&2; exit 1");
    let words = "challenge 1 --bin ./node.sh --clock virtual --seeds 3";
    let output = end_of(&mut home.kolk(words));
    let screen = screen(&output, &home, true);
    assert_eq!(output.status.code(), Some(254), "{screen}");
    assert!(screen.contains("error: 1 echo, seed 0x"), "{screen}");
    assert!(screen.contains("no module named numpy"), "{screen}");
    assert!(screen.contains("its run folder is DIR/store/echo/TIME"), "{screen}");
    let run = home.run_folder().expect("a run folder");
    assert!(run.join("plan.json").exists());
    home.assert_no_process_left();
}
