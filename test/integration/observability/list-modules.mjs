/** Loaded before a program of a test: at its end, writes the addresses of all modules that it had loaded to the file TEST_MODULES. */
import { writeFileSync } from "node:fs";
import { registerHooks } from "node:module";

const loaded = [];

registerHooks({
  load(url, context, next) {
    loaded.push(url);
    return next(url, context);
  },
});

process.on("exit", () => writeFileSync(process.env.TEST_MODULES, loaded.join("\n")));
