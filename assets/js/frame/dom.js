// @ts-check
/** Elements of the page: found by their ids, or made. */

/**
 * The element with an id. Fails where it is missing or of another kind: then page and modules do
 * not fit.
 *
 * @template {typeof HTMLElement} [Kind=typeof HTMLElement]
 * @param {string} id
 * @param {Kind} [kind] What it is, HTMLButtonElement.
 * @returns {InstanceType<Kind>}
 */
export function byId(id, kind) {
  const element = find(id, kind);
  if (!element) throw new Error(`The page has no #${id}.`);
  return element;
}

/**
 * The element with an id; null where the page in view has none.
 *
 * @template {typeof HTMLElement} [Kind=typeof HTMLElement]
 * @param {string} id
 * @param {Kind} [kind] What it is, HTMLButtonElement.
 * @returns {InstanceType<Kind> | null}
 */
export function find(id, kind) {
  const element = document.getElementById(id);
  if (element && !(element instanceof (kind ?? HTMLElement)))
    throw new Error(`#${id} is no ${kind?.name}.`);
  return /** @type {InstanceType<Kind> | null} */ (element);
}

/**
 * The first element that a selector finds in another one. Fails where it finds none.
 *
 * @param {string} selector
 * @param {ParentNode} [parent] The document where it is left out.
 * @returns {HTMLElement}
 */
export function query(selector, parent = document) {
  const element = parent.querySelector(selector);
  if (!(element instanceof HTMLElement)) throw new Error(`The page has no ${selector}.`);
  return element;
}

/**
 * A new element.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Partial<HTMLElementTagNameMap[Tag]>} [properties] As in script: `className`,
 *   `textContent`.
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  Object.assign(element, properties);
  element.append(...children);
  return element;
}

/**
 * A new element of SVG.
 *
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string | number>} [attributes]
 * @returns {SVGElementTagNameMap[Tag]}
 */
export function makeSvg(tag, attributes = {}) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  setAttributes(element, attributes);
  return element;
}

/**
 * @param {Element} element
 * @param {Record<string, string | number>} attributes
 */
export function setAttributes(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
}

/**
 * Writes words into the element with an id, where the page has it and they have changed.
 *
 * @param {string} id
 * @param {string} words
 */
export function write(id, words) {
  const element = find(id);
  if (element && element.textContent !== words) element.textContent = words;
}

/**
 * What an event happened to, as an element.
 *
 * @param {Event} event
 */
export const targetOf = (event) =>
  event.target instanceof Element ? event.target : document.documentElement;

/**
 * The element whose listener an event has reached.
 *
 * @param {Event} event
 */
export const listenerOf = (event) => /** @type {HTMLElement} */ (event.currentTarget);

/**
 * The keys belong to the image again after a click by mouse: Space and Enter would press the
 * button once more. A click by a key leaves the focus where it is.
 *
 * @param {MouseEvent} event
 */
export function letGoOfClick(event) {
  const pressed = targetOf(event).closest("button, summary");
  if (event.detail && pressed instanceof HTMLElement) pressed.blur();
}

/**
 * A slider. It is made here, because `dcc.Input` would send every step of it through Dash.
 *
 * @param {Record<string, string | number>} attributes
 * @param {(value: number) => void} onInput
 */
export function makeRange(attributes, onInput) {
  const slider = make("input");
  setAttributes(slider, { type: "range", ...attributes });
  slider.addEventListener("input", () => onInput(slider.valueAsNumber));
  return slider;
}
