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
    // The cause is said at once, as it is during the load.
    prints_no_newline_before_the_load "" 254
        r#"hear; printf '{"src":"n0","dest":"c0","body":{"type":"init_ok","in_reply_to":1}}'; hear"#
    prints_no_newline_in_lockstep "--clock virtual --host lockstep" 254
        r#"hear; printf '{"src":"n0","dest":"c0","body":{"type":"init_ok","in_reply_to":1,"lockstep":{"version":1}}}'; hear"#
    prints_no_newline_at_topology "-w broadcast" 254
        r#"init; hear; printf '{"src":"n0","dest":"c1","body":{"type":"topology_ok","in_reply_to":1}}'; hear"#
    prints_no_newline_at_topology_traced "-w broadcast --clock virtual" 254
        r#"init; hear; printf '{"src":"n0","dest":"c1","body":{"type":"topology_ok","in_reply_to":1}}'; hear"#
    prints_pretty_json_before_the_load "" 254
        r#"hear; say '{'; say '  "src": "n0",'; say '  "dest": "c0"'; say '}'; hear"#
    prints_an_extra_key_before_the_load "" 254
        r#"hear; say '{"src":"n0","dest":"c0","body":{"type":"init_ok","in_reply_to":1},"time":1}'; hear"#
    answers_init_in_reply_to_null "" 254
        r#"hear; send $from '"type":"init_ok","in_reply_to":null'; hear"#
    answers_topology_in_reply_to_null "-w broadcast" 254
        r#"init; hear; send $from '"type":"topology_ok","in_reply_to":null'; hear"#
    prints_text_at_topology "-w broadcast" 254 r#"init; hear; say "neighbours: n1 n2"; hear"#
    says_first_what_is_wrong "" 254 r#"
        hear
        printf 'node.rb:3: undefined method `topology` (NoMethodError)\n' >&2
        for line in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
            printf '\tfrom node.rb:%s\n' $line >&2
        done
        exit 1"#
    exits_at_topology "-w broadcast" 254 "init; hear; printf 'NameError: graph\\n' >&2; exit 1"
}

/// The limit that a shell gives is raised as far as it may be, and what is missing is named.
#[test]
fn needs_descriptors() {
    for (limit, status, problem) in
        [("-Sn 40", 0, "✓ valid"), ("-n 40", 254, "kolk may open no more files")]
    {
        let home = Home::new("init; serve");
        let words = "test -w echo --bin ./node.sh --node-count 20 --rate 30 --time-limit 0.3";
        let output = end_of(&mut home.kolk_after(&format!("ulimit {limit}"), words));
        let screen = screen(&output, &home, true);
        assert_eq!(output.status.code(), Some(status), "{limit}: {screen}");
        assert!(screen.contains(problem), "{limit}: {screen}");
        home.assert_no_process_left();
    }
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
