/** What a linter can see of the browser's modules; types are tsc's (tsconfig.json). */

import js from "@eslint/js";
import globals from "globals";

const LONGEST = 100;
/** Of other scripts on the page; assets/js/globals.d.ts has their types. */
const others = {
  Plotly: "readonly",
  React: "readonly",
  dash_ag_grid: "readonly",
  tus: "readonly",
};

/** Words and comments, which the formatter leaves as they are. */
const lineLength = {
  create: (context) => ({
    Program() {
      context.sourceCode.lines.forEach((line, i) => {
        const loc = { line: i + 1, column: LONGEST };
        if (line.length > LONGEST)
          context.report({ loc, message: `Longer than ${LONGEST} columns` });
      });
    },
  }),
};

/** A field of the session written round its type, in which it is `readonly` (session.d.ts). */
const intoSession = (name) => ({
  selector: `CallExpression[callee.property.name="assign"][arguments.0.${name}="now"]`,
  message: "Fields of the session are written by their owner.",
});

export default [
  { ignores: [".venv/", "assets/vendor/", "**/*.d.ts"] },
  js.configs.recommended,
  {
    plugins: { own: { rules: { "line-length": lineLength } } },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      "own/line-length": "error",
      eqeqeq: "error",
      "no-eval": "error",
      "no-implied-eval": "error",
      "no-shadow": "error",
      "no-undef-init": "error",
      "no-unneeded-ternary": "error",
      "no-use-before-define": ["error", { functions: false, variables: false }],
      "no-var": "error",
      "object-shorthand": "error",
      "one-var": ["error", "never"],
      "prefer-const": ["error", { destructuring: "all" }],
      "prefer-template": "off",
    },
  },
  {
    files: ["assets/**/*.js"],
    languageOptions: { globals: { ...globals.browser, ...others } },
    rules: {
      "no-restricted-syntax": ["error", ...["name", "property.name"].map(intoSession)],
    },
  },
  { files: ["assets/boot/*.js"], languageOptions: { sourceType: "script" } },
  {
    // a function that page_modules.py gives the modules to
    files: ["tests/browser/*.js"],
    languageOptions: { globals: { ...globals.browser, modules: "readonly" } },
    rules: { "no-unused-expressions": "off" },
  },
  {
    files: ["tests/js/**/*.js", "*.config.js"],
    languageOptions: { globals: { ...globals.node, window: "readonly" } },
  },
];
