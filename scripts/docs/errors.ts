import { ERRORS, errorRow, type OperationErrorKind } from "../../src/application/errors.ts";
import { code, type Page, table } from "./page.ts";

function codes(): string {
  const rows = (Object.keys(ERRORS) as OperationErrorKind[]).map((kind) => {
    const { code: status, reason, details = "", meaning, action } = errorRow(kind);
    return [code(status), reason === undefined ? "" : code(reason), details, meaning, action];
  });
  const internal = [
    code("INTERNAL"),
    "",
    "",
    "a bug in the service; the message has the call id",
    "report the call id",
  ];
  return table(["code", "reason", "details", "meaning", "what to do"], [...rows, internal]);
}

/** The error codes, from the table of operation errors. */
export const errors: Page = { file: "docs/errors.md", blocks: { codes } };
