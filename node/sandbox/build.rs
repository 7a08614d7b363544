//! Embeds the Move sources of the standard library and of this project's own contracts, so that the
//! node needs no files at run time and the standard library's crate stays out of it.

use std::{
    env,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

fn main() {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let contracts = root.join("../../contracts");
    let mut code = String::new();
    let std_files = move_stdlib::move_stdlib_files().into_iter().map(PathBuf::from).collect();
    embed(&mut code, "STD", std_files);
    embed(&mut code, "RUNTIME", move_files(&contracts.join("runtime/sources")));
    embed(&mut code, "SETTLEMENT", move_files(&contracts.join("settlement/sources")));
    println!("cargo::rerun-if-changed=build.rs");
    for package in ["runtime", "settlement"] {
        println!("cargo::rerun-if-changed={}", contracts.join(package).join("sources").display());
    }
    let out = PathBuf::from(env::var("OUT_DIR").expect("cargo sets it"));
    fs::write(out.join("library.rs"), code).expect("OUT_DIR is writable");
}

fn embed(code: &mut String, name: &str, mut files: Vec<PathBuf>) {
    files.sort();
    let _ = writeln!(code, "pub(crate) const {name}: &[(&str, &str)] = &[");
    for file in files {
        let text = fs::read_to_string(&file).expect("a source file is readable");
        let short = file.file_name().and_then(|name| name.to_str()).expect("a UTF-8 name");
        let _ = writeln!(code, "    ({short:?}, {text:?}),");
    }
    let _ = writeln!(code, "];");
}

fn move_files(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder)
        .expect("the contracts are in the repository")
        .map(|entry| entry.expect("a readable folder").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "move"))
        .collect()
}
