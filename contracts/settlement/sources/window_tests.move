#[test_only]
module settlement::window_tests {
}
