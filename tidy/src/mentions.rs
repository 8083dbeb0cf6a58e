//! Which files of a package mention which: the arrows between its modules.
//!
//! A path such as `crate::a::b::C`, `super::C` or `child::C` is followed to the file of the longest
//! module it names. A name that a module only passes on (`pub use inner::Thing`) counts as a
//! mention of the file that it comes from. Modules for tests are left out: they may mention all.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use syn::visit::{self, Visit};
use syn::{Attribute, Item, UseTree};

use crate::files;

/// The name of a module: the names from the crate's root down to it.
type Module = Vec<String>;

/// The files of a package and which of them mention which.
#[derive(Debug, Default)]
pub struct Mentions {
    arrows: BTreeMap<String, BTreeSet<String>>,
}

/// What one file says.
#[derive(Default)]
struct File {
    name: String,
    /// Names it brings in with `use`, with the path that each stands for.
    imports: BTreeMap<String, Vec<String>>,
    /// Paths it writes, `use` included.
    paths: Vec<Vec<String>>,
}

impl Mentions {
    /// Those of the package whose sources are under `folder`.
    ///
    /// # Panics
    ///
    /// If a file cannot be read or is no Rust.
    pub fn of(folder: &Path) -> Mentions {
        let mut modules: BTreeMap<Module, File> = BTreeMap::new();
        for path in files(folder, &[".rs"]) {
            let inner = path.strip_prefix(folder).expect("it is below");
            let mut module: Module = inner
                .with_extension("")
                .components()
                .map(|part| part.as_os_str().to_string_lossy().into_owned())
                .collect();
            if module.iter().any(|name| name == "tests" || name == "bin") {
                continue;
            }
            if matches!(module.last().map(String::as_str), Some("lib" | "main" | "mod")) {
                module.pop();
            }
            let text = fs::read_to_string(&path).expect("a file");
            let tree = syn::parse_file(&text)
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let mut file = File { name: inner.to_string_lossy().into_owned(), ..File::default() };
            Reader { file: &mut file }.visit_file(&tree);
            modules.insert(module, file);
        }
        let mut mentions = Mentions::default();
        for (module, file) in &modules {
            let arrows = mentions.arrows.entry(file.name.clone()).or_default();
            for path in &file.paths {
                if let Some(target) = follow(&modules, module, path, 0)
                    && target != module
                {
                    arrows.insert(modules[target].name.clone());
                }
            }
        }
        mentions
    }

    /// Takes an arrow away; says whether it was there.
    pub fn remove(&mut self, from: &str, to: &str) -> bool {
        self.arrows.get_mut(from).is_some_and(|targets| targets.remove(to))
    }

    /// The arrows among these files.
    pub fn arrows_among(&self, files: &BTreeSet<String>) -> Vec<(&str, &str)> {
        let arrows = self.arrows.iter().filter(|(from, _)| files.contains(*from));
        arrows
            .flat_map(|(from, targets)| targets.iter().map(|to| (from.as_str(), to.as_str())))
            .filter(|(_, to)| files.contains(*to))
            .collect()
    }

    /// The circles: sets of files each of which leads back to itself through the others.
    pub fn circles(&self) -> Vec<BTreeSet<String>> {
        let reached: BTreeMap<&String, BTreeSet<&String>> =
            self.arrows.keys().map(|name| (name, self.reached_from(name))).collect();
        let mut circles = BTreeSet::new();
        for (name, from_here) in &reached {
            let circle: BTreeSet<String> = from_here
                .iter()
                .filter(|other| reached[**other].contains(*name))
                .map(|other| (*other).clone())
                .collect();
            if circle.len() > 1 {
                circles.insert(circle);
            }
        }
        circles.into_iter().collect()
    }

    fn reached_from(&self, start: &String) -> BTreeSet<&String> {
        let (mut reached, mut open) = (BTreeSet::new(), vec![start]);
        while let Some(name) = open.pop() {
            for next in &self.arrows[name] {
                let (next, _) = self.arrows.get_key_value(next).expect("a file");
                if reached.insert(next) {
                    open.push(next);
                }
            }
        }
        reached
    }
}

/// The module whose file defines what `path`, written in `module`, names; `None` if that is of
/// another crate or defined in this file.
fn follow<'a>(
    modules: &'a BTreeMap<Module, File>,
    module: &Module,
    path: &[String],
    depth: usize,
) -> Option<&'a Module> {
    // Names that are passed on in a circle do not compile, so this only bounds mistakes of ours.
    if depth > 8 {
        return None;
    }
    let first = path.first()?;
    let mut rest = &path[1..];
    let mut place: Module = match first.as_str() {
        "crate" => Vec::new(),
        "self" => module.clone(),
        "super" => {
            let mut place = module.clone();
            place.pop()?;
            while rest.first().is_some_and(|name| name == "super") {
                place.pop()?;
                rest = &rest[1..];
            }
            place
        }
        name => {
            let mut child = module.clone();
            child.push(name.to_owned());
            if !modules.contains_key(&child) {
                return None;
            }
            child
        }
    };
    while let Some(name) = rest.first() {
        place.push(name.clone());
        if !modules.contains_key(&place) {
            place.pop();
            break;
        }
        rest = &rest[1..];
    }
    let (found, file) = modules.get_key_value(&place)?;
    // A module inside a file has no file of its own: its names are those of the file.
    if let Some(import) = rest.first().and_then(|name| file.imports.get(name)) {
        let mut import = import.clone();
        import.extend(rest[1..].iter().cloned());
        if let Some(origin) = follow(modules, found, &import, depth + 1) {
            return Some(origin);
        }
    }
    Some(found)
}

struct Reader<'a> {
    file: &'a mut File,
}

/// Whether it is compiled for tests alone.
fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<syn::Ident>().is_ok_and(|word| word == "test")
    })
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

impl Reader<'_> {
    fn import(&mut self, before: &[String], tree: &UseTree) {
        let mut path = before.to_vec();
        match tree {
            UseTree::Path(tree) => {
                path.push(tree.ident.to_string());
                self.import(&path, &tree.tree);
            }
            UseTree::Name(tree) => {
                // `use a::b::{self}` brings in `b`.
                if tree.ident != "self" || path.is_empty() {
                    path.push(tree.ident.to_string());
                }
                self.file.imports.insert(path[path.len() - 1].clone(), path.clone());
                self.file.paths.push(path);
            }
            UseTree::Rename(tree) => {
                if tree.ident != "self" {
                    path.push(tree.ident.to_string());
                }
                self.file.imports.insert(tree.rename.to_string(), path.clone());
                self.file.paths.push(path);
            }
            UseTree::Glob(_) => self.file.paths.push(path),
            UseTree::Group(tree) => {
                for tree in &tree.items {
                    self.import(&path, tree);
                }
            }
        }
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        if !is_for_tests(attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.import(&[], &item.tree);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.leading_colon.is_none() && path.segments.len() > 1 {
            let names: Vec<String> =
                path.segments.iter().map(|segment| segment.ident.to_string()).collect();
            self.file.paths.push(names);
        }
        visit::visit_path(self, path);
    }
}
