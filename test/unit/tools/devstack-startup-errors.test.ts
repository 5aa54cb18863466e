import { describe, expect, it } from "vitest";
import { mariadb } from "../../../tools/devstack/mariadb.ts";
import { nats } from "../../../tools/devstack/nats.ts";
import { redis } from "../../../tools/devstack/redis.ts";
import type { ServerKind } from "../../../tools/devstack/server.ts";
import { describeFailedStart, describeFileError } from "../../../tools/devstack/startup-errors.ts";

function describeLog(kind: ServerKind, log: string): string {
  const { title, damage, loss } = kind;
  const how = "exited during startup with code 1";
  return describeFailedStart({ title, dir: "/d/server", port: 23456, logFile: "/d/log", log, how, damage, loss })
    .message;
}

const EVIDENCE = (line: string) => `End of its log /d/log:\n    ${line}`;

describe("describeFailedStart", () => {
  it.each([
    [mariadb, "[ERROR] Can't start server: Bind on TCP/IP port. Got error: 98: Address already in use"],
    [redis, "# Warning: Could not create server TCP listening socket 127.0.0.1:6379: bind: Address already in use"],
    [nats, '[FTL] Error listening on port: 127.0.0.1:4222, "listen tcp 127.0.0.1:4222: bind: address already in use"'],
  ])("$title: port in use", (kind, line) => {
    expect(describeLog(kind, line)).toBe(
      `${kind.title} exited during startup with code 1: its port 23456 was taken by another program.\nStart again: another free port will be chosen.\n${EVIDENCE(line)}`,
    );
  });

  it.each([
    [mariadb, "[ERROR] InnoDB: Error number 28 means 'No space left on device'"],
    [redis, "# Fatal error: can't open the append log file appendonly.aof for writing: No space left on device"],
    [nats, "[FTL] Can't start JetStream: could not create storage directory - mkdir x: no space left on device"],
  ])("$title: disk full, with other errors", (kind, line) => {
    const log = `${line}\n[ERROR] Plugin 'InnoDB' registration as a STORAGE ENGINE failed.`;
    expect(describeLog(kind, log)).toContain(
      "the disk that holds /d/server is full.\nFree disk space, or set OMS_DATA_DIR",
    );
  });

  it.each([
    [mariadb, "[ERROR] InnoDB: The data file './ibdata1' must be writable"],
    [mariadb, "[ERROR] mariadbd: File './aria_log_control' not found (Errcode: 13 \"Permission denied\")"],
    [redis, "# Can't open the append-only file appendonly.aof.1.incr.aof: Permission denied"],
    [nats, "[FTL] Can't start JetStream: storage directory is not writable: open x: permission denied"],
  ])("$title: missing permission", (kind, line) => {
    expect(describeLog(kind, line)).toContain(
      '(sudo chown -R "$(id -un)" /d/server), or set OMS_DATA_DIR to another folder',
    );
  });

  it.each([
    [
      mariadb,
      "[ERROR] Could not open mysql.plugin table: \"Unknown storage engine 'Aria'\". Some plugins may be not loaded",
    ],
    [mariadb, "[ERROR] InnoDB: Plugin initialization aborted with error Data structure corruption"],
    [redis, "# Bad file format reading the append only file appendonly.aof.1.incr.aof: make a backup of your AOF file"],
  ])("$title: damaged data", (kind, line) => {
    expect(describeLog(kind, line)).toContain(
      `is damaged.\nRestore that folder from a backup, or remove it (${kind.loss})`,
    );
  });

  it("other errors: the end of the log, and removing the data directory", () => {
    const line = "an unknown error";
    expect(describeLog(nats, line)).toBe(
      `NATS exited during startup with code 1.\nSee its log. If that does not help, remove /d/server (${nats.loss}) and start again.\n${EVIDENCE(line)}`,
    );
  });
});

describe("describeFileError", () => {
  it.each([
    ["ENOSPC", "The disk that holds /d/x is full."],
    ["EROFS", "No permission to write to /d/x."],
    ["ENOTDIR", "/d/x is not a folder, or is below a file."],
    ["EIO", "/d/x cannot be used: input/output error"],
  ])("%s", (code, words) => {
    const error = Object.assign(new Error("input/output error"), { code });
    expect(describeFileError("/d/x", error).message).toMatch(new RegExp(`^${words}\n.*OMS_DATA_DIR`));
  });
});
