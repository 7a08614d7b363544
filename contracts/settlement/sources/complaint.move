/// Calls that an account says its leader leaves undone.
module settlement::complaint {
}
