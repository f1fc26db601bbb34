// How the modules hang together: directions of imports, and who writes the session.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, posix } from "node:path";
import { test } from "node:test";

const TREE = new URL("../../assets/js/", import.meta.url);
// What a folder may import besides itself.
const BELOW = {
  frame: [],
  worklist: ["frame"],
  comparisons: ["frame"],
  charts: ["frame"],
  viewer: ["frame"],
  correct: ["viewer", "frame"],
  measure: ["correct", "viewer", "frame"],
  volume: ["correct", "viewer", "frame"],
  review: ["volume", "measure", "correct", "viewer", "worklist", "frame"],
};

const modules = readdirSync(TREE, { recursive: true })
  .filter((path) => path.endsWith(".js"))
  .map((path) => ({ path, text: readFileSync(new URL(path, TREE), "utf8") }));
const folderOf = (path) => (path.includes("/") ? path.split("/")[0] : "");

// Modules whose code a module needs; what it needs of their types only is a comment.
function importsOf({ path, text }) {
  const code = text.replaceAll(/\/\*[^]*?\*\//g, "");
  const found = [...code.matchAll(/^(?:import|export)\b[^;]*?\bfrom "([^"]+)";/gm)];
  return found.map(([, address]) => posix.join(dirname(path), address));
}

const imports = new Map(modules.map((module) => [module.path, importsOf(module)]));

test("every module is checked, and is in a folder but for the entry", () => {
  for (const { path, text } of modules) assert.ok(text.startsWith("// @ts-check\n"), path);
  const folders = new Set(modules.map(({ path }) => folderOf(path)));
  assert.deepEqual([...folders].sort(), ["", ...Object.keys(BELOW)].sort());
  assert.deepEqual(
    modules.map(({ path }) => path).filter((path) => !folderOf(path)),
    ["main.js"],
  );
});

test("what is imported exists, and folders import those below them only", () => {
  const upward = [...imports].flatMap(([path, targets]) =>
    targets
      .filter((target) => {
        const [from, to] = [path, target].map(folderOf);
        assert.ok(imports.has(target), `${path} imports ${target}`);
        return from && from !== to && !BELOW[from].includes(to);
      })
      .map((target) => `${path} imports ${target}`),
  );
  assert.deepEqual(upward, []);
});

test("no module needs itself, by whatever way round", () => {
  const done = new Set();
  function visit(path, way) {
    assert.ok(!way.includes(path), `a circle: ${[...way, path].join(" > ")}`);
    if (done.has(path)) return;
    for (const target of imports.get(path)) visit(target, [...way, path]);
    done.add(path);
  }
  for (const path of imports.keys()) visit(path, []);
});

test("every module is reached from the entry", () => {
  const reached = new Set(["main.js"]);
  for (const path of reached) for (const target of imports.get(path)) reached.add(target);
  assert.deepEqual(
    [...imports.keys()].filter((path) => !reached.has(path)),
    [],
  );
});

// The owner of each field, from its words: "Owner: viewer, when it opens".
function ownersInWords() {
  const text = readFileSync(new URL("viewer/session.d.ts", TREE), "utf8");
  const [, body] = /export interface Session \{\n([^]*?)\n\}/.exec(text);
  const fields = body.matchAll(/\/\*\*([^]*?)\*\/\n {2}readonly (\w+):/g);
  return new Map([...fields].map(([, words, field]) => [field, /Owner: (\w+)/.exec(words)?.[1]]));
}

test("every field of the session is written by the one module that its type names", () => {
  const claims = modules.flatMap(({ path, text }) =>
    [...text.matchAll(/@typedef \{Owned<([^]*?)>\}/g)].flatMap(([, names]) =>
      [...names.matchAll(/"(\w+)"/g)].map(([, field]) => [field, posix.basename(path, ".js")]),
    ),
  );
  const owned = claims.map(([field]) => field);
  assert.deepEqual(owned, [...new Set(owned)], "one owner each");
  const words = ownersInWords();
  for (const [field, owner] of claims) assert.equal(words.get(field), owner, field);
  const never = [...words.keys()].filter((field) => !owned.includes(field));
  assert.deepEqual(never, ["study", "view", "loader"]); // set once, when it opens
});
