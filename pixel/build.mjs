// Builds src/main.ts, src/modules/*.ts, src/widgets/*.ts and a file for each of the widgets' languages into ../tracker/pixel/built,
// and prints their sizes against budget.json.
// With --check nothing is written: exit 1 when the committed files are not what this source builds, or too large.
import { build } from "esbuild";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync, mkdirSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { minify } from "terser";

const here = new URL(".", import.meta.url);
const out = new URL("../tracker/pixel/built/", here);
const check = process.argv.includes("--check");
const budget = JSON.parse(readFileSync(new URL("budget.json", here), "utf8"));

/** Names of properties that only files of the core say to each other: neither the page, nor a module, nor the wire knows them. */
const INSIDE = /^(own|drop|put|allow|prefix|pages|wake|leave|start|remove|clear|names|waiting)$/;

/** Whose texts share a file: what is opened later, and what must be there at once. English is part of each widget. */
const SPOKEN = { words: "callback, feedback, survey", banner: "banner" };

/** esbuild bundles; terser then finds another twentieth. `entry` is a path, or the code itself: { contents }. */
async function pack(entry, name) {
  const { outputFiles } = await build({
    absWorkingDir: here.pathname,
    ...(entry.contents ? { stdin: { ...entry, resolveDir: here.pathname, sourcefile: name.replace(/js$/, "ts") } } : { entryPoints: [entry] }),
    outfile: name,
    bundle: true,
    minifySyntax: true,
    minifyWhitespace: true, // the names are terser's
    format: "iife",
    target: "es2018",
    charset: "utf8",
    legalComments: "none",
    mangleProps: entry == "src/main.ts" ? INSIDE : undefined,
    sourcemap: "external",
    write: false,
    preserveSymlinks: true, // paths in source maps are the same wherever the tools are
    tsconfigRaw: { compilerOptions: { target: "ES2018", alwaysStrict: false } },
  });
  const [map, code] = outputFiles.map((file) => file.text);
  const packed = await minify(
    { [name]: code },
    {
      ecma: 2018,
      compress: { passes: 3, inline: 1, sequences: false, pure_getters: true, keep_fargs: false, unsafe_arrows: true, hoist_funs: true, lhs_constants: false },
      mangle: true,
      sourceMap: { content: map, filename: name },
    },
  );
  const mapped = JSON.parse(packed.map);
  // The collector puts two lines before the core: a hint for the browser's compiler, and the site's settings.
  if (entry == "src/main.ts") mapped.mappings = ";;" + mapped.mappings;
  return [
    [name, packed.code + "\n"],
    [name + ".map", JSON.stringify(mapped) + "\n"],
  ];
}

const namesIn = (folder) =>
  readdirSync(new URL(`src/${folder}/`, here))
    .filter((file) => file.endsWith(".ts"))
    .map((file) => file.replace(/\.ts$/, ""));
const languages = namesIn("widgets/words").filter((language) => language != "en");
/** name -> [group of the budget, entry] */
const entries = new Map([
  ["p", ["core", "src/main.ts"]],
  ...namesIn("modules").map((name) => [name, ["modules", `src/modules/${name}.ts`]]),
  ...namesIn("widgets").map((name) => [name, ["widgets", `src/widgets/${name}.ts`]]),
  ...Object.entries(SPOKEN).flatMap(([group, texts]) =>
    languages.map((language) => {
      const name = `${group}-${language}`;
      const contents = `import { ${texts} } from "./src/widgets/words/${language}"; import { speak } from "./src/widgets/kit/speak"; speak("${name}", { ${texts} });`;
      return [name, ["widgets", { contents, loader: "ts" }]];
    }),
  ),
]);
const files = new Map((await Promise.all([...entries].map(([name, [, entry]]) => pack(entry, name + ".js")))).flat());

let failed = false;
mkdirSync(out, { recursive: true });
const sums = {};
for (const [name, text] of files) {
  const target = new URL(name, out);
  if (name.endsWith(".js")) {
    const [group] = entries.get(name.slice(0, -3));
    const most = budget.files[name] || budget.each[group];
    const size = gzipSync(text, { level: 9 }).length;
    sums[group] = (sums[group] || 0) + size;
    console.log(`${name}: ${Buffer.byteLength(text)} bytes, gzip ${size} of ${most}`);
    failed ||= size > most;
  }
  if (!check) {
    writeFileSync(target, text);
  } else if (!existsSync(target) || readFileSync(target, "utf8") != text) {
    console.error(`${name} is not what pixel/src builds: run npm run build`);
    failed = true;
  }
}
for (const [group, limit] of Object.entries(budget.all)) {
  console.log(`${group}: gzip ${sums[group]} of ${limit}`);
  failed ||= sums[group] > limit;
}
for (const name of readdirSync(out).filter((name) => !files.has(name))) {
  if (!check) rmSync(new URL(name, out));
  else failed = console.error(`${name} is built from nothing`) === undefined;
}
process.exit(failed ? 1 : 0);
