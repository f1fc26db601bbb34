// @ts-check
/** Events of a module, by name, and their listeners. */

/**
 * An event emitter.
 *
 * @template {string} Name Names of its events.
 * @template [Given=void] What listeners receive.
 */
export class Events {
  /** @type {Map<Name, Set<(given: Given) => void>>} */
  #listeners = new Map();

  /**
   * Listens until the returned function is called.
   *
   * @param {Name | readonly Name[]} names
   * @param {(given: Given) => void} run
   */
  on = (names, run) => {
    const list = typeof names === "string" ? [names] : names;
    const places = list.map((name) => {
      const listeners = this.#listeners.get(name) ?? new Set();
      this.#listeners.set(name, listeners.add(run));
      return listeners;
    });
    return () => places.forEach((listeners) => listeners.delete(run));
  };

  /**
   * @param {Name} name
   * @param {Given} given
   */
  emit = (name, given) => {
    for (const run of this.#listeners.get(name) ?? []) run(given);
  };
}

/**
 * Combines several removers into one.
 *
 * @param {readonly (() => void)[]} removers
 */
export const all = (removers) => () => removers.forEach((remove) => remove());
