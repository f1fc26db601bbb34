// @ts-check
/** Finding and creating elements of the page. */

/**
 * The element with an id.
 *
 * @template {typeof HTMLElement} [Kind=typeof HTMLElement]
 * @param {string} id
 * @param {Kind} [kind] Its class, such as HTMLButtonElement.
 * @returns {InstanceType<Kind>}
 * @throws {Error} If it is missing or of another class: page and modules do not match.
 */
export function byId(id, kind) {
  const element = find(id, kind);
  if (!element) throw new Error(`The page has no #${id}.`);
  return element;
}

/**
 * The element with an id; null if the current page has none.
 *
 * @template {typeof HTMLElement} [Kind=typeof HTMLElement]
 * @param {string} id
 * @param {Kind} [kind] Its class, such as HTMLButtonElement.
 * @returns {InstanceType<Kind> | null}
 */
export function find(id, kind) {
  const element = document.getElementById(id);
  if (element && !(element instanceof (kind ?? HTMLElement)))
    throw new Error(`#${id} is no ${kind?.name}.`);
  return /** @type {InstanceType<Kind> | null} */ (element);
}

/**
 * The first element that matches a selector.
 *
 * @param {string} selector
 * @param {ParentNode} [parent] By default the document.
 * @returns {HTMLElement}
 * @throws {Error} If nothing matches.
 */
export function query(selector, parent = document) {
  const element = parent.querySelector(selector);
  if (!(element instanceof HTMLElement)) throw new Error(`The page has no ${selector}.`);
  return element;
}

/**
 * Creates an element.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Partial<HTMLElementTagNameMap[Tag]>} [properties] DOM properties: `className`,
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
 * Creates an SVG element.
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
 * Sets the text of the element with an id if the page has it and the text has changed.
 *
 * @param {string} id
 * @param {string} words
 */
export function write(id, words) {
  const element = find(id);
  if (element && element.textContent !== words) element.textContent = words;
}

/**
 * The target of an event as an element.
 *
 * @param {Event} event
 */
export const targetOf = (event) =>
  event.target instanceof Element ? event.target : document.documentElement;

/**
 * The element whose listener is handling an event.
 *
 * @param {Event} event
 */
export const listenerOf = (event) => /** @type {HTMLElement} */ (event.currentTarget);

/**
 * Gives the keyboard back to the image after a mouse click on a button, which Space and Enter would
 * press again. After a click by keyboard the focus stays.
 *
 * @param {MouseEvent} event
 */
export function letGoOfClick(event) {
  const pressed = targetOf(event).closest("button, summary");
  if (event.detail && pressed instanceof HTMLElement) pressed.blur();
}

/**
 * Creates a slider. It is not a `dcc.Input`, which would send every step through Dash.
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
