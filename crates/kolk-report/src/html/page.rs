//! Pages whose text is ours and whose scripts are known by their digest.
//!
//! The scripts are plain modules, so that editors and other tools understand them. In a page they
//! stand in one element, one after another, without their imports and exports: nothing is fetched,
//! and one digest in the content security policy covers them all.

use std::io::{self, Write};

use sha2::{Digest, Sha256};

use super::pack::base64;

/// The module that makes elements: data comes in as text nodes and never as markup.
pub const DOM: &str = include_str!("page/dom.js");

/// The module that writes numbers and times for people.
pub const FORMAT: &str = include_str!("page/format.js");

/// The module that makes shapes of small pictures.
pub const SHAPES: &str = include_str!("page/svg.js");

/// The colours, light and dark, that all pages share.
pub const COLORS: &str = include_str!("page/colors.css");

/// A page's own text.
#[derive(Clone, Debug)]
pub struct Page {
    title: &'static str,
    style: String,
    body: &'static str,
    script: String,
    policy: String,
}

impl Page {
    /// A page of style sheets, the beginning of a body, and modules, each behind those it imports.
    /// It may fetch what `connect` says (a source list of the policy's `connect-src`), or nothing.
    pub fn new(
        title: &'static str,
        styles: &[&str],
        body: &'static str,
        modules: &[&str],
        connect: Option<&str>,
    ) -> Page {
        let (style, script) = (styles.concat(), join(modules));
        let mut policy = format!(
            "default-src 'none'; script-src '{}'; style-src '{}'; img-src data:; base-uri 'none'; \
             form-action 'none'",
            digest(&script),
            digest(&style)
        );
        if let Some(sources) = connect {
            policy.push_str("; connect-src ");
            policy.push_str(sources);
        }
        Page { title, style, body, script, policy }
    }

    /// The content security policy: no script and no style runs but this page's own.
    pub fn policy(&self) -> &str {
        &self.policy
    }

    /// Writes everything before the data: a browser shows it while the rest is on its way.
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    pub fn write_head(&self, out: &mut dyn Write) -> io::Result<()> {
        write!(
            out,
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"{}\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n\
             <meta name=\"referrer\" content=\"no-referrer\">\n\
             <link rel=\"icon\" href=\"data:,\">\n\
             <title>{}</title>\n<style>{}</style>\n</head>\n{}",
            self.policy, self.title, self.style, self.body
        )
    }

    /// Writes everything behind the data.
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    pub fn write_tail(&self, out: &mut dyn Write) -> io::Result<()> {
        write!(out, "<script type=\"module\">{}</script>\n</body>\n</html>\n", self.script)
    }
}

/// All modules as one.
fn join(modules: &[&str]) -> String {
    let mut script = String::from("\n");
    let mut is_import = false;
    for line in modules.iter().flat_map(|module| module.lines()) {
        // An import may go over several lines.
        is_import |= line.starts_with("import ");
        if is_import {
            is_import = !line.ends_with(';');
            continue;
        }
        script.push_str(line.strip_prefix("export ").unwrap_or(line));
        script.push('\n');
    }
    script
}

/// The digest as a content security policy names it.
pub fn digest(text: &str) -> String {
    let mut out = Vec::new();
    base64(&mut out, &Sha256::digest(text.as_bytes()));
    format!("sha256-{}", String::from_utf8_lossy(&out))
}
