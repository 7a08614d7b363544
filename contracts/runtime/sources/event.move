/// What subscribers hear.
module runtime::event {
    /// Publishes `event` under its type, if the transaction succeeds.
    native public fun emit<T: copy + drop + store>(event: T);
}
