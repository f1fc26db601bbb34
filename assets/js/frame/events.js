// @ts-check
/** What happens in one module, by name, and who listens to it. */

/**
 * A place where others may listen.
 *
 * @template {string} Name What may happen.
 * @template [Given=void] What listeners are given.
 */
export class Events {
  /** @type {Map<Name, Set<(given: Given) => void>>} */
  #listeners = new Map();

  /**
   * Listens until the function that is returned is called.
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
 * One remover of many.
 *
 * @param {readonly (() => void)[]} removers
 */
export const all = (removers) => () => removers.forEach((remove) => remove());
