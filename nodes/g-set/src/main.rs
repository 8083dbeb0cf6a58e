//! The grow-only set as a program of its own.

fn main() -> std::process::ExitCode {
    kolk_node::main(kolk_g_set::factory)
}
