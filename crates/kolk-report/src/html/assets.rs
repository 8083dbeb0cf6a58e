//! The report's own text: markup, style and scripts.

use std::sync::LazyLock;

use super::page::{COLORS, DOM, FORMAT, Page};

/// The modules, each behind those it imports.
const MODULES: &[&str] = &[
    include_str!("page/data.js"),
    DOM,
    FORMAT,
    include_str!("page/svg.js"),
    include_str!("page/state.js"),
    include_str!("page/causality.js"),
    include_str!("page/canvas.js"),
    include_str!("page/density.js"),
    include_str!("page/overview.js"),
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
    include_str!("page/run.js"),
    include_str!("page/keyboard.js"),
    include_str!("page/main.js"),
];

/// The page of a run, without its data.
pub static REPORT: LazyLock<Page> = LazyLock::new(|| {
    let styles = [COLORS, include_str!("page/page.css")];
    Page::new("kolk report", &styles, include_str!("page/page.html"), MODULES, None)
});
