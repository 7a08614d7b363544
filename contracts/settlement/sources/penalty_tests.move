#[test_only]
module settlement::penalty_tests {
}
