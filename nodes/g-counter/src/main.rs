//! The grow-only counter as a program of its own.

fn main() -> std::process::ExitCode {
    kolk_node::main(kolk_g_counter::factory)
}
