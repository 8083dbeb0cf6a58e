//! Tells the tests which interpreters are there, so that those which need one are listed as ignored
//! where it is not.

use std::process::{Command, Stdio};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=PATH");
    for (name, probe) in [("python3", "import json"), ("perl", "use JSON::PP;")] {
        println!("cargo::rustc-check-cfg=cfg(has_{name})");
        let flag = if name == "perl" { "-e" } else { "-c" };
        let found = Command::new(name)
            .args([flag, probe])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success());
        if found {
            println!("cargo::rustc-cfg=has_{name}");
        }
    }
}
