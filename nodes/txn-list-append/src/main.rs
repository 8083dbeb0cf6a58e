//! The txn-list-append node as a program.

fn main() -> std::process::ExitCode {
    kolk_node::main(kolk_txn_list_append::factory)
}
