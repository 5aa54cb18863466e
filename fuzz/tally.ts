import { formatTable } from "../tools/demo/format.ts";
import type { FuzzCase } from "./cases/case.ts";
import type { CallResult } from "./clients/result.ts";

export interface Finding {
  /** Number of the request. */
  readonly index: number;
  readonly text: string;
}

/** Codes that no request may cause. */
const BUGS: ReadonlySet<string> = new Set([
  "INTERNAL",
  "UNKNOWN",
  "DATA_LOSS",
  "UNAVAILABLE",
  "UNAUTHENTICATED",
  "PERMISSION_DENIED",
]);

/** Rejections of requests that look like those of another site's page, by their text. */
const BROWSER_GUARD = /pages of other sites|OMS_ALLOWED_HOSTS/;

/** Codes of calls that were executed. */
const EXECUTED: ReadonlySet<string> = new Set(["OK", "CANCELLED BY CLIENT"]);

/** Why a result is not permitted; undefined for a permitted one. */
function violationOf({ transport, mutation, hasDeadline }: FuzzCase, { code, text }: CallResult): string | undefined {
  if (code === "PERMISSION_DENIED" && BROWSER_GUARD.test(text)) {
    return undefined;
  }
  if (BUGS.has(code) || /^HTTP 5(?!0[145])/.test(code) || /^grpc-status/.test(code)) {
    return code;
  }
  if (code === "DEADLINE_EXCEEDED" && !hasDeadline) {
    return `${code}, without a deadline`;
  }
  // A connection may be closed without a response only on a protocol error.
  const followsProtocol = transport !== "raw bytes" && mutation !== "protocol" && mutation !== "header";
  return followsProtocol && /^(RESET|CLOSED)/.test(code) ? code : undefined;
}

/** Results of the requests so far. */
export interface Tally {
  readonly sent: number;
  /** Number of requests by transport and code. */
  readonly codes: ReadonlyMap<string, ReadonlyMap<string, number>>;
  /** Requests sent and executed, by RPC. */
  readonly rpcs: ReadonlyMap<string, { readonly sent: number; readonly ok: number }>;
  readonly findings: readonly Finding[];
}

/** Maximum number of findings kept. */
const MAX_FINDINGS = 200;

export function createTally() {
  const codes = new Map<string, Map<string, number>>();
  const rpcs = new Map<string, { sent: number; ok: number }>();
  const findings: Finding[] = [];
  let sent = 0;
  return {
    codes,
    rpcs,
    findings,
    get sent() {
      return sent;
    },
    add(fuzzCase: FuzzCase, result: CallResult, index: number): void {
      const { transport, rpc, mutation } = fuzzCase;
      sent += 1;
      const byCode = codes.get(transport) ?? new Map<string, number>();
      codes.set(transport, byCode.set(result.code, (byCode.get(result.code) ?? 0) + 1));
      const calls = rpcs.get(rpc) ?? { sent: 0, ok: 0 };
      rpcs.set(rpc, { sent: calls.sent + 1, ok: calls.ok + (EXECUTED.has(result.code) ? 1 : 0) });
      const violation = violationOf(fuzzCase, result);
      if (violation !== undefined && findings.length < MAX_FINDINGS) {
        findings.push({
          index,
          text: `${rpc} over ${transport} (${mutation}): ${violation}: ${result.text.slice(0, 300)}`,
        });
      }
    },
  };
}

/** Tables of the results by transport and code, and by RPC. */
export function formatTally({ codes, rpcs }: Tally): string {
  const names = [...new Set([...codes.values()].flatMap((byCode) => [...byCode.keys()]))];
  const total = (name: string) => [...codes.values()].reduce((sum, byCode) => sum + (byCode.get(name) ?? 0), 0);
  const transports = [...codes.keys()].toSorted();
  const byCode = formatTable([
    ["code", ...transports, "all"],
    ...names
      .toSorted((a, b) => total(b) - total(a))
      .map((name) => [name, ...transports.map((transport) => codes.get(transport)?.get(name) ?? 0), total(name)]),
  ]);
  const byRpc = formatTable([
    ["RPC or legacy method", "sent", "executed"],
    ...[...rpcs].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([name, { sent, ok }]) => [name, sent, ok] as const),
  ]);
  return `${byCode}\n\n${byRpc}`;
}
