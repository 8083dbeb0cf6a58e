//! The counter that goes up and down as a program of its own.

fn main() -> std::process::ExitCode {
    kolk_node::main(kolk_pn_counter::factory)
}
