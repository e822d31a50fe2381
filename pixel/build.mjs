// Builds src/main.ts into ../tracker/collector/pixel/p.js and prints its size against budget.json.
// With --check nothing is written: exit 1 when the committed files are not what this source builds, or too large.
import { build } from "esbuild";
import { readFileSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const here = new URL(".", import.meta.url);
const out = new URL("../tracker/collector/pixel/", here);
const check = process.argv.includes("--check");
const budget = JSON.parse(readFileSync(new URL("budget.json", here), "utf8"));

const { outputFiles } = await build({
  absWorkingDir: here.pathname,
  entryPoints: ["src/main.ts"],
  outfile: "p.js",
  bundle: true,
  minify: true,
  mangleProps: /^_/,
  format: "iife",
  target: "es2018",
  charset: "utf8",
  legalComments: "none",
  sourcemap: "linked",
  write: false,
});

let failed = false;
for (const file of outputFiles) {
  const name = file.path.split(/[\\/]/).pop();
  const target = new URL(name, out);
  if (budget[name]) {
    const size = gzipSync(file.contents, { level: 9 }).length;
    const limit = budget[name].gzip;
    console.log(`${name}: ${file.contents.length} bytes, gzip ${size} of ${limit}`);
    failed ||= size > limit;
  }
  if (!check) {
    writeFileSync(target, file.contents);
  } else if (!readFileSync(target).equals(Buffer.from(file.contents))) {
    console.error(`${name} is not what pixel/src builds: run npm run build`);
    failed = true;
  }
}
process.exit(failed ? 1 : 0);
