/** The tables of the migration guide, made from the old methods' own table: `--write` puts them there. */
import { LEGACY_METHODS, type LegacyMethod, pathOf } from "../src/transport/legacy/methods.ts";
import type { ParameterKind } from "../src/transport/legacy/parameters.ts";
import { keepDocBlock, markdownTable } from "./doc-block.ts";

const SCRIPT = "migration-tables.ts";
const FILE = "docs/migration.md";

const KINDS: Readonly<Record<ParameterKind, string>> = {
  id: "number",
  ids: "numbers, commas between",
  status: "status code",
  flag: "1 or 0",
  text: "text",
  time: "ISO 8601 time",
  lines: "list",
};

const code = (text: string) => `\`${text}\``;

const fieldOf = ({ rpc }: LegacyMethod, localName: string) =>
  rpc.input.fields.find((field) => field.localName === localName)?.name ?? localName;

const rpcOf = ({ rpc }: LegacyMethod) => `${rpc.parent.name}/${rpc.name}`;

const methods = LEGACY_METHODS.map((method) => [
  code(pathOf(method)),
  code(rpcOf(method)),
  method.fields.length === 0 ? "text" : `JSON: ${method.fields.map(code).join(", ")}`,
]);

const parameters = LEGACY_METHODS.flatMap((method) =>
  method.parameters.map(({ name, aliases = [], kind, required, field, description }) => [
    method.name,
    [name, ...aliases].map(code).join(", "),
    KINDS[kind],
    required ? "yes" : "",
    code(fieldOf(method, field)),
    description,
  ]),
);

keepDocBlock(FILE, "old methods", markdownTable(["old address", "RPC", "answer"], methods), SCRIPT);
keepDocBlock(
  FILE,
  "old parameters",
  markdownTable(["method", "parameter", "is", "required", "RPC's field", "meaning"], parameters),
  SCRIPT,
);
