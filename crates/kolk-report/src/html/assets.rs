//! The page's own text: markup, style and scripts, put together when it is written.
//!
//! The scripts are plain modules, so that editors and other tools understand them. In the page they
//! stand in one element, one after another in the order of [`MODULES`], without their imports and
//! exports: nothing is fetched, and one digest in the content security policy covers them all.

use std::io::{self, Write};

use sha2::{Digest, Sha256};

use super::pack::base64;

const STYLE: &str = include_str!("page/page.css");
const BODY: &str = include_str!("page/page.html");

/// The modules, each behind those it imports.
const MODULES: &[&str] = &[
    include_str!("page/data.js"),
    include_str!("page/dom.js"),
    include_str!("page/format.js"),
    include_str!("page/state.js"),
    include_str!("page/causality.js"),
    include_str!("page/canvas.js"),
    include_str!("page/overview.js"),
    include_str!("page/diagram.js"),
    include_str!("page/operations.js"),
    include_str!("page/charts.js"),
    include_str!("page/inspector.js"),
    include_str!("page/verdict.js"),
    include_str!("page/filters.js"),
    include_str!("page/logs.js"),
    include_str!("page/run.js"),
    include_str!("page/keyboard.js"),
    include_str!("page/main.js"),
];

/// Writes everything before the data: a browser shows it while the rest is on its way.
pub fn write_head(out: &mut dyn Write) -> io::Result<()> {
    let policy = format!(
        "default-src 'none'; script-src '{}'; style-src '{}'; img-src data:; base-uri 'none'; \
         form-action 'none'",
        digest(&script()),
        digest(STYLE)
    );
    write!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n\
         <link rel=\"icon\" href=\"data:,\">\n\
         <title>kolk report</title>\n<style>{STYLE}</style>\n</head>\n{BODY}"
    )
}

/// Writes everything behind the data.
pub fn write_tail(out: &mut dyn Write) -> io::Result<()> {
    write!(out, "<script type=\"module\">{}</script>\n</body>\n</html>\n", script())
}

/// All modules as one.
fn script() -> String {
    let mut script = String::from("\n");
    for line in MODULES.iter().flat_map(|module| module.lines()) {
        if line.starts_with("import ") {
            continue;
        }
        script.push_str(line.strip_prefix("export ").unwrap_or(line));
        script.push('\n');
    }
    script
}

/// The digest as a content security policy names it.
fn digest(text: &str) -> String {
    let mut out = Vec::new();
    base64(&mut out, &Sha256::digest(text.as_bytes()));
    format!("sha256-{}", String::from_utf8_lossy(&out))
}
