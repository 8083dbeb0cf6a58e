//! The kafka node as a program.

fn main() -> std::process::ExitCode {
    kolk_node::main(kolk_kafka::factory)
}
