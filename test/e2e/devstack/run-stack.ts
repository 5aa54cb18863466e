/** Runs embedded servers until SIGTERM, like the service; for tests that stop and kill it. */
import { startStack } from "../../../tools/devstack/index.ts";

const [dataDir = "", ...names] = process.argv.slice(2);
const need = { mysql: names.includes("mysql"), redis: names.includes("redis"), nats: names.includes("nats") };
try {
  const { stop, ...urls } = await startStack({ dataDir, need, onProgress: (line) => console.error(line) });
  process.once("SIGTERM", stop);
  console.log(JSON.stringify(urls));
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
