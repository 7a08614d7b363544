//! The committed corpus: `corpus/<target>/<name>`. Files named `valid-*` come from real values and
//! are accepted; the others were crafted or found, and need not be.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// One input of the corpus.
#[derive(Debug)]
pub struct Input {
    pub name: String,
    pub bytes: Vec<u8>,
}

impl Input {
    /// Whether the target must accept it.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.name.starts_with("valid-")
    }
}

/// The folder of a target's inputs.
#[must_use]
pub fn folder(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target)
}

/// A target's inputs, by name.
pub fn inputs(target: &str) -> io::Result<Vec<Input>> {
    let mut inputs = Vec::new();
    for entry in fs::read_dir(folder(target))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        inputs.push(Input { name, bytes: fs::read(entry.path())? });
    }
    inputs.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(inputs)
}

/// Puts a target's seeds in the place of those written before.
pub fn write(target: &str, seeds: &[(String, Vec<u8>)]) -> io::Result<()> {
    let folder = folder(target);
    fs::create_dir_all(&folder)?;
    for input in inputs(target)?.iter().filter(|input| input.is_valid()) {
        fs::remove_file(folder.join(&input.name))?;
    }
    for (name, bytes) in seeds {
        fs::write(folder.join(format!("valid-{name}")), bytes)?;
    }
    Ok(())
}
