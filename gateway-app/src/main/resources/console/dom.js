/** Builds elements. All text goes in as text: nothing here, and nothing that uses it, reads markup. */

const SVG = 'http://www.w3.org/2000/svg';

/**
 * Makes an element.
 *
 * @param {string} tag its name
 * @param {Object<string, *>} [properties] attributes; `class`; `text`; `on…` for listeners; true for a bare attribute;
 *     null, undefined and false are left out
 * @param {...(Node|string|null|undefined)} children what it contains
 * @returns {HTMLElement} the element
 */
export function h(tag, properties = {}, ...children) {
  return fill(document.createElement(tag), properties, children);
}

/**
 * Makes an element of a drawing, as {@link h} does.
 *
 * @param {string} tag its name
 * @param {Object<string, *>} [properties] attributes
 * @param {...(Node|string|null|undefined)} children what it contains
 * @returns {SVGElement} the element
 */
export function s(tag, properties = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), properties, children);
}

/**
 * Replaces what an element contains.
 *
 * @param {Element} parent the element
 * @param {...(Node|string|null|undefined)} children what it is to contain
 */
export function replace(parent, ...children) {
  parent.replaceChildren(...children.flat().filter((child) => child !== null && child !== undefined));
}

/**
 * Sets an element's text if it is another: what has not changed is not announced again, nor laid out.
 *
 * @param {Element} element the element
 * @param {string} text the text
 */
export function setText(element, text) {
  if (element.textContent !== text) {
    element.textContent = text;
  }
}

function fill(element, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) {
      continue;
    }
    if (name.startsWith('on')) {
      element.addEventListener(name.slice(2), value);
    } else if (name === 'text') {
      element.textContent = value;
    } else {
      element.setAttribute(name, value === true ? '' : value);
    }
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}
