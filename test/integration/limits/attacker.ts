/**
 * An attacker in a process of its own. Arguments: name of the attack, port, content type, own
 * address. Ends with its standard input, and prints its result as JSON.
 */
import { ATTACKS, type AttackName, type AttackResult } from "./attacks.ts";

const [name, port, type = "", address = ""] = process.argv.slice(2);
const result: AttackResult = { sent: 0, connections: 0, ends: {}, resets: {}, statusLines: {} };
const stop = new AbortController();
// In case its parent does not end it.
const timeout = setTimeout(() => stop.abort(), 20_000);
process.stdin.once("end", () => stop.abort()).resume();
await ATTACKS[name as AttackName]({ port: Number(port), type, address, signal: stop.signal }, result);
clearTimeout(timeout);
process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit());
