//! Gives the shared library of the C interface its name for the loader. Writes nothing outside the target folder.

#[cfg(unix)]
use std::os::unix::fs::symlink;
#[cfg(windows)]
use std::os::windows::fs::symlink_file as symlink;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // without the C interface there is nothing in it that anybody could load
    if env::var_os("CARGO_FEATURE_CAPI").is_none() {
        return;
    }
    // a DLL has the name of its file, and stays by itself
    if env::var_os("CARGO_CFG_WINDOWS").is_some() {
        return;
    }
    let (file, name) = match env::var("CARGO_CFG_TARGET_VENDOR").as_deref() {
        Ok("apple") => ("libpop3connect.dylib", "libpop3connect.1.dylib"),
        _ => ("libpop3connect.so", "libpop3connect.so.1"),
    };
    if name.ends_with("dylib") {
        println!("cargo:rustc-cdylib-link-arg=-Wl,-install_name,@rpath/{name}");
    } else {
        println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,{name}");
        // a host that unloads the library while one of its threads ends would return into nothing
        println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
    }
    if let Err(error) = link_name(file, name) {
        println!("cargo:warning={name} was not made beside the library: {error}");
    }
}

/// Makes the name that the loader will look for, beside the library, so that what is linked to it there also runs.
fn link_name(file: &str, name: &str) -> io::Result<()> {
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or(io::ErrorKind::NotFound)?);
    // target/<profile>/build/<package>/out
    let profile = out.ancestors().nth(3).ok_or(io::ErrorKind::NotFound)?;
    let link = profile.join(name);
    match fs::symlink_metadata(&link) {
        Ok(_) => Ok(()),
        Err(_) => symlink(Path::new(file), link),
    }
}
