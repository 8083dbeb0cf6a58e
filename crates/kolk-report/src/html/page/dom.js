// Elements. Data comes in as text nodes and never as markup.

/// An element with attributes, listeners (`onclick`) and children: elements or texts.
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === false || value === undefined || value === null) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value === true ? "" : String(value));
  }
  made.append(
    ...children
      .flat(Infinity)
      .filter((child) => child !== null && child !== undefined && child !== false),
  );
  return made;
}

/** The element with an id of the page's. It is whatever the page has there: a field, a dialogue, a canvas.
 * @param {string} id
 * @returns {any}
 */
export function byId(id) {
  return document.getElementById(id);
}

/// Puts other children in place of those there are.
export function fill(parent, ...children) {
  parent.replaceChildren(
    ...children
      .flat(Infinity)
      .filter((child) => child !== null && child !== undefined && child !== false),
  );
}

/// A link to something that can be selected.
export function pick(text, onclick, title) {
  return element("button", { type: "button", class: "pick", title, onclick }, text);
}

/// The head of a table.
export function tableHead(names) {
  return element(
    "thead",
    {},
    element(
      "tr",
      {},
      names.map((name) => element("th", {}, name)),
    ),
  );
}

/** A button that puts what else there is behind what `list` has, and goes. There is none if that is nothing.
 * @param {Element} list
 * @param {any[]} rest
 * @param {(one: any) => Element} draw
 * @param {string} text
 */
export function restButton(list, rest, draw, text) {
  if (rest.length === 0) return false;
  const more = element(
    "button",
    {
      type: "button",
      class: "more",
      onclick: () => {
        list.append(...rest.map(draw));
        more.remove();
      },
    },
    text,
  );
  return more;
}

// What acts on text around it without being seen: controls, direction marks, zero-width characters.
const UNSEEN =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;

/// Text that a node printed, with whatever cannot be seen written out.
export function plain(text) {
  return String(text).replace(
    UNSEEN,
    (character) => `\\u{${character.codePointAt(0).toString(16)}}`,
  );
}
