// The page's scripts for tests in Node: classic scripts that put their parts on one global object.
import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { runInThisContext } from "node:vm";

const SCRIPTS = new URL("../../assets/js/", import.meta.url);
const CASES = new URL("../cases/", import.meta.url);

globalThis.window = globalThis;

// Runs scripts by their names, in this order, and returns the object that holds their parts.
export function load(...names) {
  for (const name of names) {
    const [file] = globSync(`*/${name}.js`, { cwd: SCRIPTS });
    runInThisContext(readFileSync(fileURLToPath(new URL(file, SCRIPTS)), "utf8"), { filename: file });
  }
  return globalThis.overread;
}

// A table of cases that Python's tests read too.
export const readCases = (name) => JSON.parse(readFileSync(new URL(`${name}.json`, CASES), "utf8"));

// A picture of "#" and other letters, rows apart by spaces, as {mask, width, height}.
export function readPicture(text) {
  const rows = text.trim().split(/\s+/);
  const mask = Uint8Array.from(rows.join(""), (letter) => Number(letter === "#"));
  return { mask, width: rows[0].length, height: rows.length };
}

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
  const isClose = a.length === b.length && a.every((value, i) => Math.abs(value - b[i]) <= within * Math.max(1, Math.abs(b[i])));
  if (!isClose) throw new Error(`${JSON.stringify(found)} is not close to ${JSON.stringify(expected)}`);
}
