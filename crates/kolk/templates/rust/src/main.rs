//! The node as a program, for any clock.

use std::process::ExitCode;

fn main() -> ExitCode {
    kolk_node::run(|_| kolkproject::Echo)
}
