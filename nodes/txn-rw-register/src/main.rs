//! The txn-rw-register node as a program.

fn main() -> std::process::ExitCode {
    kolk_node::main(kolk_txn_rw_register::factory)
}
