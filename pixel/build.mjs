// Builds src/main.ts, src/modules/*.ts and src/widgets/*.ts into ../tracker/pixel/built and prints their sizes against budget.json.
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
const INSIDE = /^(own|drop|put|allow|prefix|pages|wake|leave)$/;

/** esbuild bundles; terser then finds another twentieth. */
async function pack(entry, name) {
  const { outputFiles } = await build({
    absWorkingDir: here.pathname,
    entryPoints: [entry],
    outfile: name,
    bundle: true,
    minify: true,
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
      compress: { passes: 3, inline: 1, sequences: false, pure_getters: true, keep_fargs: false, unsafe: true, unsafe_arrows: true, unsafe_methods: true },
      mangle: true,
      sourceMap: { content: map, filename: name },
    },
  );
  const mapped = JSON.parse(packed.map);
  // The collector puts one line before the core, the site's settings.
  if (entry == "src/main.ts") mapped.mappings = ";" + mapped.mappings;
  return [
    [name, packed.code + "\n"],
    [name + ".map", JSON.stringify(mapped) + "\n"],
  ];
}

const entries = ["modules", "widgets"].flatMap((folder) =>
  readdirSync(new URL(`src/${folder}/`, here))
    .filter((file) => file.endsWith(".ts"))
    .map((file) => [`src/${folder}/${file}`, file.replace(/ts$/, "js")]),
);
const files = new Map([
  ...(await pack("src/main.ts", "p.js")),
  ...(await Promise.all(entries.map((entry) => pack(...entry)))).flat(),
]);

let failed = false;
mkdirSync(out, { recursive: true });
const sums = {};
for (const [name, text] of files) {
  const target = new URL(name, out);
  if (name.endsWith(".js")) {
    const rule = budget.files[name] || {};
    const size = gzipSync(text, { level: 9 }).length;
    sums[rule.group] = (sums[rule.group] || 0) + size;
    console.log(`${name}: ${Buffer.byteLength(text)} bytes, gzip ${size} of ${rule.gzip}`);
    failed ||= !(size <= rule.gzip);
  }
  if (!check) {
    writeFileSync(target, text);
  } else if (!existsSync(target) || readFileSync(target, "utf8") != text) {
    console.error(`${name} is not what pixel/src builds: run npm run build`);
    failed = true;
  }
}
for (const [group, limit] of Object.entries(budget.groups)) {
  console.log(`${group}: gzip ${sums[group] || 0} of ${limit}`);
  failed ||= (sums[group] || 0) > limit;
}
for (const name of readdirSync(out).filter((name) => !files.has(name))) {
  if (!check) rmSync(new URL(name, out));
  else failed = console.error(`${name} is built from nothing`) === undefined;
}
process.exit(failed ? 1 : 0);
