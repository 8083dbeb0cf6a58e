//! The report's own text: markup, style and scripts.

use std::sync::LazyLock;

use super::page::{COLORS, DOM, FORMAT, Page, SHAPES};

/// The modules that both pages share, each behind those it imports.
const MODULES: &[&str] = &[
    include_str!("page/data.js"),
    DOM,
    FORMAT,
    SHAPES,
    include_str!("page/state.js"),
    include_str!("page/causality.js"),
    include_str!("page/canvas.js"),
    include_str!("page/density.js"),
    include_str!("page/overview.js"),
    include_str!("page/lives.js"),
    include_str!("page/diagram.js"),
    include_str!("page/operations.js"),
    include_str!("page/charts.js"),
    include_str!("page/subhistory.js"),
    include_str!("page/paths.js"),
    include_str!("page/evidence.js"),
    include_str!("page/inspector.js"),
    include_str!("page/offsets.js"),
    include_str!("page/verdict.js"),
    include_str!("page/filters.js"),
    include_str!("page/logs.js"),
    include_str!("page/terms.js"),
    include_str!("page/disks.js"),
    include_str!("page/small.js"),
    include_str!("page/run.js"),
    include_str!("page/keyboard.js"),
    include_str!("page/panels.js"),
];

/// The page of a run, without its data.
pub static REPORT: LazyLock<Page> =
    LazyLock::new(|| page("kolk report", include_str!("page/main.js"), None));

/// The page of a run that goes on.
pub static LIVE: LazyLock<Page> =
    LazyLock::new(|| page("kolk", include_str!("page/live.js"), Some("'self'")));

fn page(title: &'static str, main: &str, connect: Option<&str>) -> Page {
    let styles = [COLORS, include_str!("page/page.css")];
    let modules = [MODULES, &[main]].concat();
    Page::new(title, &styles, include_str!("page/page.html"), &modules, connect)
}
