//! The compiler's child process by itself: what tests run.

fn main() -> std::process::ExitCode {
    fairway_sandbox::compiler::child_main()
}
