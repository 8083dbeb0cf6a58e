//! `kolk new`.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use anyhow::Context;
use kolk_report::failure::{Failure, Trouble};

use crate::args::NewArgs;
use crate::status::{Status, Stop};
use crate::terminal;

/// Writes a project.
pub fn run(args: &NewArgs) -> Result<Status, Stop> {
    let folder = &args.name;
    let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    if !is_name(name) {
        let failure = Failure::new(
            Trouble::Project,
            format!("`{}` is no name for a project", folder.display()),
        )
        .advice(
            "a name begins with a lower-case letter, and goes on with these, digits, `-` and \
                 `_`: it is the name of a package and of a program too",
        );
        return Err(Stop::user(failure));
    }
    if fs::symlink_metadata(folder).is_ok() && !is_empty_folder(folder) {
        let failure =
            Failure::new(Trouble::Project, format!("there is a `{}` already", folder.display()))
                .advice("choose another name, or remove it first");
        return Err(Stop::user(failure));
    }
    let project = args.lang.project();
    for (path, text, is_program) in project.files(name) {
        let path = folder.join(path);
        let cannot = || format!("cannot write {}", path.display());
        fs::create_dir_all(path.parent().unwrap_or(folder)).with_context(cannot)?;
        fs::write(&path, text).with_context(cannot)?;
        if is_program {
            let mode = fs::Permissions::from_mode(0o755);
            fs::set_permissions(&path, mode).with_context(cannot)?;
        }
    }
    terminal::print(&format!(
        "wrote {folder}: an echo node, its library, tests and a README\n\n  cd {folder}\n  \
         ./test.sh\n\nThis builds the node, checks it alone, and runs it in a cluster. `{kolk}` \
         must be on your path;\notherwise name it: KOLK=/path/to/kolk ./test.sh\n",
        folder = folder.display(),
        kolk = "kolk",
    ));
    Ok(Status::Valid)
}

fn is_empty_folder(folder: &std::path::Path) -> bool {
    fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none())
}

/// True for what package managers and operating systems take as a name.
fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'))
        && name.len() <= 60
}

#[cfg(test)]
mod tests {
    use super::is_name;

    #[test]
    fn names() {
        for (name, good) in [
            ("echo", true),
            ("my-node_2", true),
            ("", false),
            ("2fast", false),
            ("-x", false),
            ("Echo", false),
            ("a b", false),
            ("ä", false),
            ("..", false),
        ] {
            assert_eq!(is_name(name), good, "{name}");
        }
    }
}
