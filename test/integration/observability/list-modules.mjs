/** Preloaded into a program under test: writes the URLs of its loaded modules to TEST_MODULES. */
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
