//! SVG as text: a few elements, attributes that are numbers of ours, and text that is escaped.

use std::fmt::Write;

use crate::sanitize::sanitize;

/// A picture while it is drawn.
#[derive(Clone, Debug, Default)]
pub struct Svg {
    out: String,
}

impl Svg {
    /// An empty picture of this size in pixels, with its style sheet and its title for those who
    /// cannot see it.
    pub fn new(width: f64, height: f64, title: &str, style: &str) -> Svg {
        let mut svg = Svg::begin(width, height);
        svg.raw("<title>");
        escape(&mut svg.out, title);
        let _ = write!(svg.out, "</title>\n<style>{style}</style>\n");
        svg.ground(width, height);
        svg
    }

    /// An empty picture that is part of a page, whose style it has.
    pub fn part(width: f64, height: f64) -> Svg {
        let mut svg = Svg::begin(width, height);
        svg.ground(width, height);
        svg
    }

    fn begin(width: f64, height: f64) -> Svg {
        let (width, height) = (Number(width), Number(height));
        let out = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" role=\"img\">\n"
        );
        Svg { out }
    }

    /// What all pictures stand on.
    fn ground(&mut self, width: f64, height: f64) {
        let (width, height) = (Number(width), Number(height));
        self.raw(
            "<defs><pattern id=\"hatch\" width=\"7\" height=\"7\" patternUnits=\"userSpaceOnUse\" \
             patternTransform=\"rotate(45)\"><path class=\"hatch\" d=\"M0 \
             0v7\"/></pattern></defs>\n",
        );
        let _ = writeln!(self.out, "<rect class=\"paper\" width=\"{width}\" height=\"{height}\"/>");
    }

    /// Adds markup of our own, as it is.
    pub fn raw(&mut self, markup: &str) {
        self.out.push_str(markup);
    }

    /// A rectangle, with what is said when the mouse rests on it.
    pub fn rect(&mut self, class: &str, [x, y, width, height]: [f64; 4], title: &str) {
        let (x, y, width, height) = (Number(x), Number(y), Number(width), Number(height));
        let _ = write!(
            self.out,
            "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\""
        );
        self.end("rect", title);
    }

    /// A path, with what is said when the mouse rests on it.
    pub fn path(&mut self, class: &str, data: &str, title: &str) {
        let _ = write!(self.out, "<path class=\"{class}\" d=\"{data}\"");
        self.end("path", title);
    }

    /// A straight line.
    pub fn line(&mut self, class: &str, from: (f64, f64), to: (f64, f64)) {
        let mut data = PathData::default();
        data.go(from.0, from.1);
        data.draw(to.0, to.1);
        self.path(class, data.as_str(), "");
    }

    /// A text; the class says where it is anchored.
    pub fn text(&mut self, class: &str, x: f64, y: f64, text: &str) {
        let (x, y) = (Number(x), Number(y));
        let _ = write!(self.out, "<text class=\"{class}\" x=\"{x}\" y=\"{y}\">");
        escape(&mut self.out, text);
        self.out.push_str("</text>\n");
    }

    fn end(&mut self, element: &str, title: &str) {
        if title.is_empty() {
            self.out.push_str("/>\n");
            return;
        }
        self.out.push_str("><title>");
        for (number, line) in title.lines().enumerate() {
            self.out.push_str(if number > 0 { "\n" } else { "" });
            escape(&mut self.out, line);
        }
        let _ = writeln!(self.out, "</title></{element}>");
    }

    /// The whole picture.
    pub fn finish(mut self) -> String {
        self.out.push_str("</svg>\n");
        self.out
    }
}

/// What a path draws.
#[derive(Clone, Debug, Default)]
pub struct PathData {
    data: String,
}

impl PathData {
    /// Moves to a place.
    pub fn go(&mut self, x: f64, y: f64) {
        let _ = write!(self.data, "M{} {}", Number(x), Number(y));
    }

    /// Draws a line to a place.
    pub fn draw(&mut self, x: f64, y: f64) {
        let _ = write!(self.data, "L{} {}", Number(x), Number(y));
    }

    /// Adds steps relative to where it is, as SVG writes them.
    pub fn steps(&mut self, steps: &str) {
        self.data.push_str(steps);
    }

    /// True if nothing was drawn.
    pub fn is_empty(&self) -> bool {
        self.data.is_empty()
    }

    /// As SVG writes it.
    pub fn as_str(&self) -> &str {
        &self.data
    }
}

/// A place or length, to the tenth of a pixel.
#[derive(Clone, Copy, Debug)]
pub struct Number(pub f64);

impl std::fmt::Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let tenths = (self.0 * 10.0).round() as i64;
        let (whole, rest) = (tenths / 10, (tenths % 10).abs());
        match rest {
            0 => write!(f, "{whole}"),
            _ if tenths < 0 && whole == 0 => write!(f, "-0.{rest}"),
            _ => write!(f, "{whole}.{rest}"),
        }
    }
}

/// Appends a text as XML's character data or attribute value: what would act or could not be seen
/// is written out, and so are the two characters that XML 1.0 does not know.
pub fn escape(out: &mut String, text: &str) {
    for c in sanitize(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\u{fffe}' | '\u{ffff}' => {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        for (number, text) in [
            (0.0, "0"),
            (12.0, "12"),
            (12.34, "12.3"),
            (-0.04, "0"),
            (-0.5, "-0.5"),
            (-3.25, "-3.3"),
            (99.99, "100"),
        ] {
            assert_eq!(Number(number).to_string(), text);
        }
    }

    #[test]
    fn texts_are_escaped() {
        for (text, escaped) in [
            ("</text><script>", "&lt;/text&gt;&lt;script&gt;"),
            ("a & \"b\" 'c'", "a &amp; &quot;b&quot; &#39;c&#39;"),
            ("\u{1b}[1m\u{202e}\0", "\\u{1b}[1m\\u{202e}\\u{0}"),
            ("\u{fffe}\u{ffff}", "\\u{fffe}\\u{ffff}"),
            ("日本 ü", "日本 ü"),
        ] {
            let mut out = String::new();
            escape(&mut out, text);
            assert_eq!(out, escaped);
        }
    }
}
