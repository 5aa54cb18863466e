import { LEGACY_METHODS, type LegacyMethod, pathOf } from "../../src/transport/legacy/methods.ts";
import type { ParameterKind } from "../../src/transport/legacy/parameters.ts";
import { code, type Page, table } from "./page.ts";

const KINDS: Readonly<Record<ParameterKind, string>> = {
  id: "number",
  ids: "numbers, comma-separated",
  status: "status code",
  flag: "1 or 0",
  text: "text",
  time: "ISO 8601 time",
  lines: "list",
};

const fieldOf = ({ rpc }: LegacyMethod, localName: string) =>
  rpc.input.fields.find((field) => field.localName === localName)?.name ?? localName;

function methods(): string {
  const rows = LEGACY_METHODS.map((method) => [
    code(pathOf(method)),
    code(`${method.rpc.parent.name}/${method.rpc.name}`),
    method.fields.length === 0 ? "text" : `JSON: ${method.fields.map(code).join(", ")}`,
  ]);
  return table(["legacy endpoint", "RPC", "answer"], rows);
}

function parameters(): string {
  const rows = LEGACY_METHODS.flatMap((method) =>
    method.parameters.map(({ name, aliases = [], kind, required, field, description }) => [
      method.name,
      [name, ...aliases].map(code).join(", "),
      KINDS[kind],
      required ? "yes" : "",
      code(fieldOf(method, field)),
      description,
    ]),
  );
  return table(["method", "parameter", "type", "required", "RPC field", "meaning"], rows);
}

/** The legacy methods and their parameters, from the table that serves them. */
export const migration: Page = {
  file: "docs/migration.md",
  blocks: { "legacy methods": methods, "legacy parameters": parameters },
};
