// Shapes of small pictures that stand in the page as SVG: text in them is text.

const SVG = "http://www.w3.org/2000/svg";

/// A shape with attributes, listeners (`onclick`) and children.
export function shape(name, attributes = {}, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === false || value === undefined || value === null) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value);
  }
  made.append(
    ...children
      .flat(Infinity)
      .filter((child) => child !== null && child !== undefined && child !== false),
  );
  return made;
}

/// A group that is a button: it can be clicked, reached with Tab and pressed with Enter.
export function shapeButton(attributes, onpress, ...children) {
  return shape(
    "g",
    {
      tabindex: 0,
      role: "button",
      onclick: onpress,
      onkeydown: (event) => event.key === "Enter" && onpress(event),
      ...attributes,
    },
    ...children,
  );
}

/// The beginning of a text that is about as wide as `width` pixels, in the page's small font.
export function textFitting(text, width) {
  const most = Math.max(1, Math.floor(width / 6.2));
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}
