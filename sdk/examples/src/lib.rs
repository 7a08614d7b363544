//! The clients of `contracts/examples`, and of a package that has everything a client is made for
//! (`sdk/codegen/shapes`), as `fairway client generate --lang rust` writes them; those in TypeScript lie
//! beside, in `typescript`. `make clients` makes all of them anew.

#[rustfmt::skip]
pub mod arena;
#[rustfmt::skip]
pub mod payments;
#[rustfmt::skip]
pub mod shapes;
#[rustfmt::skip]
pub mod tic_tac_toe;
