//! The pictures' style sheet, for light and dark.
//!
//! Colours are those of `report.html`. They are written out for each rule instead of kept in
//! variables: not every program that shows SVG knows those.

use std::fmt::Write;

/// Selector, property, and its value in light and dark.
const COLORS: &[(&str, &str, &str, &str)] = &[
    (".paper", "fill", "#ffffff", "#12161c"),
    ("text", "fill", "#1b2430", "#e6ebf1"),
    (".soft", "fill", "#56616f", "#9fabb9"),
    (".halo", "stroke", "#ffffff", "#12161c"),
    (".grid,.lane", "stroke", "#e3e7ec", "#2a323c"),
    (".lane", "stroke", "#c9d0d8", "#3a4450"),
    (".axis,.mark", "stroke", "#94a0ae", "#66727f"),
    (".tick", "fill", "#94a0ae", "#66727f"),
    (".hatch", "stroke", "#d98f2b", "#a87425"),
    (".band", "fill", "#fdf3e4", "#241d12"),
    (".edge", "stroke", "#d9a866", "#7a5a26"),
    (".window", "stroke", "#1f5fd0", "#6ea2ff"),
    (".ok", "stroke", "#17804e", "#4cc38a"),
    (".info", "stroke", "#a86400", "#eaa43a"),
    (".fail", "stroke", "#c8252f", "#ff6b70"),
    (".box.ok", "fill", "#e5f4ec", "#14301f"),
    (".box.info", "fill", "#fdf3e0", "#33270f"),
    (".box.fail", "fill", "#fdeaea", "#391a1c"),
    (".k0", "stroke", "#1f5fd0", "#6ea2ff"),
    (".k1", "stroke", "#c05a00", "#ff9d57"),
    (".k2", "stroke", "#0c7f6c", "#3fcbb2"),
    (".k3", "stroke", "#a1308c", "#e983d6"),
    (".k4", "stroke", "#6a6a00", "#cfcb55"),
    (".k5", "stroke", "#6446c9", "#ac97ff"),
    (".k6", "stroke", "#08788f", "#4cc3dd"),
    (".k7", "stroke", "#8d4a2f", "#d69a80"),
    (".label", "stroke", "#ffffff", "#12161c"),
    (".t0", "fill", "#1f5fd0", "#6ea2ff"),
    (".t1", "fill", "#c05a00", "#ff9d57"),
    (".t2", "fill", "#0c7f6c", "#3fcbb2"),
    (".t3", "fill", "#a1308c", "#e983d6"),
    (".t4", "fill", "#6a6a00", "#cfcb55"),
    (".t5", "fill", "#6446c9", "#ac97ff"),
    (".t6", "fill", "#08788f", "#4cc3dd"),
    (".t7", "fill", "#8d4a2f", "#d69a80"),
];

/// What is the same in both.
const COMMON: &str = "svg{color-scheme:light dark}\
    text{font:11px system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans',sans-serif;stroke:none}\
    .head{font-size:14px;font-weight:600}.name{font-weight:600}.small{font-size:10px}\
    .end{text-anchor:end}.middle{text-anchor:middle}\
    path{fill:none;stroke-linejoin:round}\
    .hatch{stroke-width:1.5;opacity:.35}.hatched{fill:url(#hatch)}\
    .edge{stroke-dasharray:3 3}.mark{stroke-dasharray:2 3}\
    .dots{stroke-width:3.4;stroke-linecap:round;opacity:.85}.crosses{stroke-width:1.3}\
    .lines{stroke-width:1.6}.dashed{stroke-dasharray:6 3}.dotted{stroke-dasharray:1.5 3}\
    .dashdot{stroke-dasharray:8 3 2 3}\
    .halo{stroke-width:3px;paint-order:stroke;stroke-linejoin:round}\
    .label{font-size:9px;pointer-events:none;text-anchor:middle;stroke-width:4px;\
    paint-order:stroke;stroke-linejoin:round}\
    .m path{stroke-width:1.2}.dense .m path{stroke-width:.8;opacity:.75}\
    .m:hover path,.dense .m:hover path{stroke-width:2.6;opacity:1}\
    .m .near,.dense .m .near,.m:hover .near,.dense .m:hover .near\
    {stroke:#000;stroke-width:8;opacity:0;pointer-events:stroke}\
    .m .cross{stroke-width:1.8}\
    .m .tip{stroke-width:1.4;stroke-dasharray:none}.bars{stroke-width:2}\
    .box{stroke-width:1}.box.info{stroke-dasharray:5 3}.box.fail{stroke-dasharray:1.5 2}\
    .window{fill:none;stroke-width:1.5}";

/// The style sheet. It holds nothing that would have to be escaped.
pub fn sheet() -> String {
    let mut sheet = String::from(COMMON);
    for (selector, property, light, _) in COLORS {
        let _ = write!(sheet, "{selector}{{{property}:{light}}}");
    }
    sheet.push_str("@media (prefers-color-scheme:dark){");
    for (selector, property, _, dark) in COLORS {
        let _ = write!(sheet, "{selector}{{{property}:{dark}}}");
    }
    sheet.push('}');
    sheet
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn needs_no_escaping() {
        assert!(!sheet().contains(['<', '&', '>']));
    }
}
