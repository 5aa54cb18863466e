import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { SYSTEM_PATHS, type SystemPath } from "../../../src/integrations/systems.ts";
import { type AppliedRule, createBehaviour, type Rule, validateRule } from "./behaviour.ts";
import { renderPage } from "./page.ts";
import { openReceived } from "./received.ts";

const MAX_BODY = 1024 * 1024;
const LATEST_ON_PAGE = 50;
const LIST_LIMIT = 100;

/** The paths of the stub systems, by URL path. */
const PATHS: ReadonlyMap<string, SystemPath> = new Map(SYSTEM_PATHS.map((path) => [`/${path}`, path]));

/** A response. `done`: whether the request was executed. */
interface Answer {
  readonly status: number;
  readonly body: string;
  readonly done: boolean;
}

function json(value: unknown): string {
  return JSON.stringify(value);
}

function answerOf(path: SystemPath, rule: AppliedRule): Answer {
  const reason = rule.reason ?? "refused by a rule";
  if (rule.mode === "fail") {
    return { status: rule.status ?? 500, body: json({ reason: rule.reason ?? "failed by a rule" }), done: false };
  }
  if (path === "wms/cancel") {
    if (rule.mode === "refuse") {
      return { status: rule.status ?? 200, body: json({ answer: "refused", reason }), done: rule.status === undefined };
    }
    const answer = rule.mode === "later" ? "later" : "agreed";
    return { status: 200, body: json({ answer }), done: answer === "agreed" };
  }
  if (rule.mode === "refuse") {
    return { status: rule.status ?? (path === "erp/allocate" ? 409 : 422), body: json({ reason }), done: false };
  }
  return { status: 200, body: "{}", done: true };
}

/** Uses events: an async iterator would cost a tenth of a request. */
function readBody(request: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    request.on("data", (chunk: Buffer) => {
      length += chunk.length;
      if (length > MAX_BODY) {
        reject(new RangeError(`the body must have at most ${MAX_BODY} bytes`));
      } else {
        chunks.push(chunk);
      }
    });
    request.once("end", () => resolve(Buffer.concat(chunks).toString()));
    request.once("error", reject);
  });
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

function send(response: ServerResponse, status: number, body: string, type = "application/json"): void {
  response.writeHead(status, { "content-type": type, "content-length": Buffer.byteLength(body) });
  response.end(body);
}

/**
 * Creates the HTTP server of the stub systems, which records requests in a file. It does not listen
 * yet.
 */
export function createStubSystemsServer(file: string): Server {
  const behaviour = createBehaviour();
  const requests = openReceived(file);

  async function execute(path: SystemPath, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const key = request.headers["idempotency-key"];
    const body = parseObject(await readBody(request));
    if (typeof key !== "string" || key === "" || body === undefined) {
      send(response, 400, json({ reason: "requires an idempotency-key header and a JSON object as body" }));
      return;
    }
    const orderId = String(body.orderId ?? "");
    const rule = behaviour.apply(path, orderId);
    const record = (status: number, answer: string | null) => requests.add(path, key, orderId, status, answer, body);
    if (rule.mode === "hang") {
      record(0, null);
      return;
    }
    if (rule.mode === "slow") {
      await sleep(rule.delayMs ?? 1_000);
    }
    const previous = rule.mode === "fail" ? undefined : requests.find(path, key)?.answer;
    const answer = previous === undefined ? answerOf(path, rule) : { status: 200, body: previous, done: true };
    record(rule.mode === "lose" ? 0 : answer.status, answer.done ? answer.body : null);
    await requests.written();
    if (rule.mode === "lose") {
      response.destroy();
      return;
    }
    send(response, answer.status, answer.body);
  }

  async function control(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const rule = parseObject(await readBody(request));
    const error = rule === undefined ? "the body must be a JSON object" : validateRule(rule);
    if (error !== undefined) {
      send(response, 400, json({ reason: error }));
      return;
    }
    behaviour.set(rule as unknown as Rule);
    send(response, 200, json({ rules: behaviour.active() }));
  }

  function list(query: URLSearchParams, response: ServerResponse): void {
    const system = query.get("system");
    const limit = Number(query.get("limit") ?? LIST_LIMIT);
    if (!Number.isInteger(limit) || limit < 0) {
      send(response, 400, json({ reason: "limit must be a whole number, 0 or more" }));
      return;
    }
    const matches = (path: string) => system === null || path === system || path.startsWith(`${system}/`);
    const key = query.get("key");
    const orderId = query.get("orderId");
    const received = requests.list(
      (entry) =>
        matches(entry.path) && (key ?? entry.key) === entry.key && (orderId ?? entry.orderId) === entry.orderId,
      limit,
    );
    const totals = Object.fromEntries(Object.entries(requests.totals()).filter(([path]) => matches(path)));
    send(response, 200, json({ totals, received }));
  }

  async function route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.method === "POST" ? PATHS.get(request.url ?? "/") : undefined;
    if (path !== undefined) {
      await execute(path, request, response);
      return;
    }
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://stub-systems");
    const endpoint = `${request.method} ${pathname}`;
    if (endpoint === "GET /received") {
      list(searchParams, response);
    } else if (endpoint === "GET /stock") {
      send(response, 200, json(requests.stock()));
    } else if (endpoint === "DELETE /received") {
      requests.clear();
      send(response, 200, "{}");
    } else if (endpoint === "POST /control") {
      await control(request, response);
    } else if (endpoint === "GET /control") {
      send(response, 200, json({ rules: behaviour.active() }));
    } else if (endpoint === "GET /") {
      const latest = requests.list(() => true, LATEST_ON_PAGE);
      send(
        response,
        200,
        renderPage(requests.totals(), requests.stock(), behaviour.active(), latest),
        "text/html; charset=utf-8",
      );
    } else {
      send(response, 404, json({ reason: `unknown endpoint ${endpoint}` }));
    }
  }

  const server = createServer((request, response) => {
    route(request, response).catch((error: unknown) => {
      if (!response.headersSent) {
        send(response, error instanceof RangeError ? 413 : 500, json({ reason: String(error) }));
      }
      request.destroy();
    });
  });
  // Longer than clients keep idle connections; otherwise a request may use a connection being
  // closed.
  server.keepAliveTimeout = 120_000;
  server.on("close", requests.close);
  return server;
}
