// What tests of the browser's modules share.
import { readFileSync } from "node:fs";

const CASES = new URL("../cases/", import.meta.url);

// A table of cases that Python's tests read too.
export const readCases = (name) => JSON.parse(readFileSync(new URL(`${name}.json`, CASES), "utf8"));

// A picture of "#" and other letters, rows apart by spaces, as {mask, width, height}.
export function readPicture(text) {
  const rows = text.trim().split(/\s+/);
  const mask = Uint8Array.from(rows.join(""), (letter) => Number(letter === "#"));
  return { mask, width: rows[0].length, height: rows.length };
}

// Points as [x, y], written as "1 2, 3.5 4".
export const readPoints = (text) =>
  text.split(",").map((point) => point.trim().split(" ").map(Number));

export function showPicture(mask, width) {
  const letters = Array.from(mask, (pixel) => (pixel ? "#" : ".")).join("");
  return letters.match(new RegExp(`.{${width}}`, "g")).join(" ");
}

// Numbers from 0 to 1, always the same ones.
export function createRandom(seed = 7) {
  let state = seed;
  return () => (state = (state * 16807) % 2147483647) / 2147483647;
}

export function assertClose(found, expected, within = 1e-9) {
  const [a, b] = [found, expected].map((values) => [values].flat(Infinity));
  const isClose =
    a.length === b.length &&
    a.every((value, i) => Math.abs(value - b[i]) <= within * Math.max(1, Math.abs(b[i])));
  if (!isClose)
    throw new Error(`${JSON.stringify(found)} is not close to ${JSON.stringify(expected)}`);
}

// An empty storage of a browser's tab, in the place of that which a script asks for by name.
export function stubStorage(name) {
  const values = new Map();
  const value = {
    getItem: (key) => values.get(key) ?? null,
    setItem: (key, text) => values.set(key, text),
  };
  Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
}
