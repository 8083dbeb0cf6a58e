//! Every link in Markdown leads somewhere: files, headings, pages of the book; and the book's pages
//! are all in its table of contents. This is what building the book would warn of.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the repository")
}

/// All Markdown files but those that are templates.
fn documents() -> Vec<PathBuf> {
    let mut folders = vec![root()];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if path.is_dir() {
                let is_ours = !name.starts_with('.') || name == ".github";
                if is_ours && !matches!(name, "target" | "node_modules" | "store" | "templates") {
                    folders.push(path);
                }
            // A part of the book's page on the protocol, which is drawn from it.
            } else if name.ends_with(".md") && !path.ends_with("reference/protocol.md") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The text without blocks of code, and without what stands in backticks.
fn prose(text: &str) -> String {
    let mut is_fenced = false;
    let mut out = String::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            is_fenced = !is_fenced;
        } else if !is_fenced {
            out.push_str(line);
            out.push('\n');
        }
    }
    // A link may have code for its text: `[`x`](y)`; then only what is inside goes.
    out.split('`').enumerate().filter(|(at, _)| at % 2 == 0).map(|(_, part)| part).collect()
}

/// The targets of links and pictures.
fn targets(text: &str) -> Vec<String> {
    let prose = prose(text);
    let inline = prose.split("](").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0));
    let referenced = prose.lines().filter_map(|line| {
        let (name, target) = line.strip_prefix('[')?.split_once("]: ")?;
        (!name.contains(']')).then_some(target)
    });
    inline.chain(referenced).map(|target| target.trim().to_owned()).collect()
}

/// The names of headings, as the forge and the book make them.
fn anchors(text: &str) -> Vec<String> {
    let mut is_fenced = false;
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    let mut found = Vec::new();
    for line in text.lines() {
        is_fenced ^= line.trim_start().starts_with("```");
        let heading = line.trim_start_matches('#');
        if is_fenced || !line.starts_with('#') || !heading.starts_with(' ') {
            continue;
        }
        let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
        let name: String = heading.trim().to_lowercase().chars().filter(kept).collect();
        let name = name.replace(' ', "-");
        let count = seen.entry(name.clone()).or_default();
        found.push(if *count == 0 { name.clone() } else { format!("{name}-{count}") });
        *count += 1;
    }
    found
}

#[test]
fn links_and_anchors_resolve() {
    let own = concat!(env!("CARGO_PKG_REPOSITORY"), "/blob/main/");
    let mut count = 0;
    for document in documents() {
        let text = fs::read_to_string(&document).expect("a document");
        for target in targets(&text) {
            let (path, anchor) = match target.split_once('#') {
                Some((path, anchor)) => (path, Some(anchor)),
                None => (&*target, None),
            };
            let place = format!("{}: {target}", document.display());
            let file = match path {
                "" => document.clone(),
                path if path.starts_with(own) => root().join(&path[own.len()..]),
                path if path.contains("://") || path.starts_with("mailto:") => continue,
                path => document.parent().expect("a folder").join(path),
            };
            count += 1;
            assert!(file.exists(), "{place}: there is no such file");
            if let Some(anchor) = anchor {
                let text = fs::read_to_string(&file).expect("a document");
                assert!(
                    anchors(&text).iter().any(|name| name == anchor),
                    "{place}: no such heading"
                );
            }
        }
    }
    assert!(count > 100, "{count} links");
}

/// A page outside the table of contents is not built, and a link out of the book leads nowhere
/// there.
#[test]
fn the_book_is_whole() {
    let book = root().join("book/src");
    let summary = fs::read_to_string(book.join("SUMMARY.md")).expect("a summary");
    let settings = fs::read_to_string(root().join("book/book.toml")).expect("settings");
    let listed = targets(&summary);
    for (place, page) in listed.iter().enumerate() {
        assert!(!listed[..place].contains(page), "{page} is listed twice");
    }
    let pages = ["", "course/"].into_iter().flat_map(|folder| {
        let entries = fs::read_dir(book.join(folder)).expect("the book");
        let names = entries.map(|entry| entry.expect("an entry").file_name().into_string());
        names.map(move |name| format!("{folder}{}", name.expect("UTF-8")))
    });
    for name in pages {
        if !name.ends_with(".md") || name == "SUMMARY.md" {
            continue;
        }
        assert!(listed.contains(&name), "{name} is not in SUMMARY.md");
        let text = fs::read_to_string(book.join(&name)).expect("a page");
        let title = text.lines().find(|line| !line.starts_with("<!--") && !line.is_empty());
        assert!(title.is_some_and(|line| line.starts_with("# ")), "{name} has no title");
        for target in targets(&text) {
            let is_within = match target.strip_prefix("../") {
                Some(rest) => name.contains('/') && !rest.starts_with(".."),
                None => true,
            };
            assert!(is_within, "{name}: {target} leads out of the book");
            // A folder's README.md is built as its index, and a link to it must lead there.
            let path = target.split('#').next().unwrap_or_default();
            if path.ends_with("README.md") && !path.contains("://") {
                let page = book.join(&name).with_file_name(path).canonicalize().expect("a page");
                let page = page.strip_prefix(&book).expect("a page of the book");
                let built = format!("\"/{}\"", page.with_extension("html").display());
                assert!(settings.contains(&built), "{name}: {target}: book.toml leads it nowhere");
            }
        }
        // Each fence is closed, and no raw tag is left open.
        assert_eq!(text.matches("\n```").count() % 2, 0, "{name}: a block is open");
    }
}

#[test]
fn headings_have_names() {
    let text = "# A project's defaults\n## G1c\n```\n# no\n```\n## G1c\n### `kolk new`, and more\n";
    assert_eq!(anchors(text), ["a-projects-defaults", "g1c", "g1c-1", "kolk-new-and-more"]);
}
