//! Echo on `kolk-node`.

fn main() -> std::process::ExitCode {
    kolk_node::main(kolk_echo::factory)
}
