//! The store as a program of its own.

fn main() -> std::process::ExitCode {
    kolk_node::main(kolk_lin_kv::factory)
}
