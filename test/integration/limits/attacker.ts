/** An attacker, as a process of its own: takes an attack's name, a port and its content type, and its own address; ends with its input, and says what it came to. */
import { ATTACKS, type AttackName, type AttackResult } from "./attacks.ts";

const [name, port, type = "", address = ""] = process.argv.slice(2);
const damage: AttackResult = { sent: 0, connections: 0, ends: {}, resets: {}, said: {} };
const over = new AbortController();
// Whoever started it may forget to end it.
const tooLong = setTimeout(() => over.abort(), 20_000);
process.stdin.once("end", () => over.abort()).resume();
await ATTACKS[name as AttackName]({ port: Number(port), type, address, signal: over.signal }, damage);
clearTimeout(tooLong);
process.stdout.write(`${JSON.stringify(damage)}\n`, () => process.exit());
