//! The page of all runs: static text and scripts, which fetch the rest.

use std::sync::{Arc, LazyLock};

use kolk_report::html::{self, COLORS, DOM, FORMAT, Page, SHAPES};

use crate::http::Response;

/// The modules, each behind those it imports.
const MODULES: &[&str] = &[
    DOM,
    FORMAT,
    SHAPES,
    include_str!("page/api.js"),
    include_str!("page/row.js"),
    include_str!("page/spark.js"),
    include_str!("page/table.js"),
    include_str!("page/run.js"),
    include_str!("page/compare.js"),
    include_str!("page/main.js"),
];

static INDEX: LazyLock<Page> = LazyLock::new(|| {
    let styles = [COLORS, include_str!("page/page.css")];
    Page::new("kolk", &styles, include_str!("page/page.html"), MODULES, Some("'self'"))
});

static INDEX_TEXT: LazyLock<Arc<[u8]>> = LazyLock::new(|| text(&INDEX));
static LIVE_TEXT: LazyLock<Arc<[u8]>> = LazyLock::new(|| text(html::live_page()));

/// The page of all runs, of one, and of two.
pub fn index() -> Response {
    whole(&INDEX, &INDEX_TEXT)
}

/// The page of a run that goes on.
pub fn live() -> Response {
    whole(html::live_page(), &LIVE_TEXT)
}

fn whole(page: &Page, text: &Arc<[u8]>) -> Response {
    with_policy(Response::new(200, "text/html; charset=utf-8", Arc::clone(text)), page)
}

fn text(page: &Page) -> Arc<[u8]> {
    let mut text = Vec::new();
    // Writing to memory does not fail.
    let _ = page.write_head(&mut text).and_then(|()| page.write_tail(&mut text));
    text.into()
}

/// A response with a page's policy as a header. A page says as much of itself, but a header comes
/// first, and forbids being framed.
pub fn with_policy(response: Response, page: &Page) -> Response {
    let policy = format!("{}; frame-ancestors 'none'", page.policy());
    response.with("content-security-policy", policy)
}
