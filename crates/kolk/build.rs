//! Tells the tests which interpreters and browsers are there, so that those which need one are listed
//! as ignored where it is not.

use std::process::{Command, Stdio};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=PATH");
    let probes: [(&str, &[&str]); 9] = [
        ("python3", &["-c", "import json"]),
        ("node", &["-e", ""]),
        ("go", &["version"]),
        ("ruby", &["-e", "require 'json'"]),
        ("sh", &["-c", "tsc --version && test -d \"$(npm root -g)/@types/node\""]),
        ("javac", &["--version"]),
        ("elixir", &["--version"]),
        ("perl", &["-e", "use JSON::PP;"]),
        ("chromium", &["--version"]),
    ];
    for (name, arguments) in probes {
        let what = if name == "sh" { "tsc" } else { name };
        println!("cargo::rustc-check-cfg=cfg(has_{what})");
        let found = Command::new(name)
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success());
        if found {
            println!("cargo::rustc-cfg=has_{what}");
        }
    }
}
