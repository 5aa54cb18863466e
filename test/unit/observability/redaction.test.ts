import { expect, test } from "vitest";
import { createLogger } from "../../../src/observability/log.ts";
import { redactDatabaseValues, redactPersonalValues } from "../../../src/observability/redaction.ts";

test.each([
  [
    "Incorrect integer value: '王 o'neill' for column `oms_db`.`t`.`c` at row 1",
    "Incorrect integer value: '***' for column `oms_db`.`t`.`c` at row 1",
  ],
  ["Truncated incorrect DOUBLE value: 'li@x.cn'", "Truncated incorrect DOUBLE value: '***'"],
  ["Duplicate entry 'li@x.cn-7' for key 'uq'", "Duplicate entry '***' for key 'uq'"],
  ["Unknown column 'x' in 'field list'", "Unknown column 'x' in 'field list'"],
])("%s", (message, masked) => {
  expect(redactDatabaseValues(message)).toBe(masked);
});

test("personal data of a request is masked in the answer to it", () => {
  const request = { messageId: "7-1", orderId: "7", invoiceEmail: "li@x.cn", invoiceTitle: "李", taxCode: "" };
  expect(redactPersonalValues("7-1: no mailbox li@x.cn of 李", request)).toBe("7-1: no mailbox *** of ***");
});

test("the log has neither the statement of a database error nor the values in it", () => {
  const lines: string[] = [];
  const log = createLogger("info", { write: (line: string) => void lines.push(line) });
  const message = "Duplicate entry 'li@x.cn' for key 'uq'";
  const error = Object.assign(new Error(message), { sql: "insert into t values ('li@x.cn')", sqlMessage: message });
  log.warn({ err: error }, "pass interrupted");
  expect(lines.join()).not.toContain("li@x.cn");
  expect(JSON.parse(lines[0] as string).err).toMatchObject({
    message: "Duplicate entry '***' for key 'uq'",
    stack: expect.stringContaining("redaction.test.ts"),
  });
});
