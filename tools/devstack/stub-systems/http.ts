import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { SYSTEM_PATHS, type SystemPath } from "../../../src/integrations/systems.ts";
import { type AppliedRule, createBehaviour, type Rule, validateRule } from "./behaviour.ts";
import { renderPage } from "./page.ts";
import { openReceived } from "./received.ts";

const MAX_BODY = 1024 * 1024;
const LATEST_ON_PAGE = 50;
const LIST_LIMIT = 100;

/** What is played, by the address as it comes in. */
const PLAYED: ReadonlyMap<string, SystemPath> = new Map(SYSTEM_PATHS.map((path) => [`/${path}`, path]));

/** What a neighbour says when it does what is asked, or when it has its reasons not to. `done` false: nothing happened. */
interface Answer {
  readonly status: number;
  readonly body: string;
  readonly done: boolean;
}

function json(value: unknown): string {
  return JSON.stringify(value);
}

function answerOf(path: SystemPath, met: AppliedRule): Answer {
  const reason = met.reason ?? "told to refuse";
  if (met.mode === "fail") {
    return { status: met.status ?? 500, body: json({ reason: met.reason ?? "told to fail" }), done: false };
  }
  if (path === "wms/cancel") {
    if (met.mode === "refuse") {
      return { status: met.status ?? 200, body: json({ answer: "refused", reason }), done: met.status === undefined };
    }
    const answer = met.mode === "later" ? "later" : "agreed";
    return { status: 200, body: json({ answer }), done: answer === "agreed" };
  }
  if (met.mode === "refuse") {
    return { status: met.status ?? (path === "erp/allocate" ? 409 : 422), body: json({ reason }), done: false };
  }
  return { status: 200, body: "{}", done: true };
}

/** By its events, as an async iterator over it would be a tenth of a request's cost. */
function readBody(request: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    request.on("data", (chunk: Buffer) => {
      length += chunk.length;
      if (length > MAX_BODY) {
        reject(new RangeError(`a body has at most ${MAX_BODY} bytes`));
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

/** The neighbours' HTTP server, not yet listening; what comes in is kept in the file. */
export function createStubSystemsServer(file: string): Server {
  const behaviour = createBehaviour();
  const book = openReceived(file);

  async function work(path: SystemPath, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const key = request.headers["idempotency-key"];
    const body = parseObject(await readBody(request));
    if (typeof key !== "string" || key === "" || body === undefined) {
      send(response, 400, json({ reason: "needs an idempotency-key header and a JSON object as body" }));
      return;
    }
    const orderId = String(body.orderId ?? "");
    const met = behaviour.apply(path, orderId);
    const note = (status: number, answer: string | null) => book.add(path, key, orderId, status, answer, body);
    if (met.mode === "hang") {
      note(0, null);
      return;
    }
    if (met.mode === "slow") {
      await sleep(met.delayMs ?? 1_000);
    }
    const before = met.mode === "fail" ? undefined : book.find(path, key)?.answer;
    const answer = before === undefined ? answerOf(path, met) : { status: 200, body: before, done: true };
    note(met.mode === "lose" ? 0 : answer.status, answer.done ? answer.body : null);
    await book.written();
    if (met.mode === "lose") {
      response.destroy();
      return;
    }
    send(response, answer.status, answer.body);
  }

  async function control(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const rule = parseObject(await readBody(request));
    const fault = rule === undefined ? "the body must be a JSON object" : validateRule(rule);
    if (fault !== undefined) {
      send(response, 400, json({ reason: fault }));
      return;
    }
    behaviour.set(rule as unknown as Rule);
    send(response, 200, json({ rules: behaviour.inForce() }));
  }

  function list(query: URLSearchParams, response: ServerResponse): void {
    const system = query.get("system");
    const limit = Number(query.get("limit") ?? LIST_LIMIT);
    if (!Number.isInteger(limit) || limit < 0) {
      send(response, 400, json({ reason: "limit must be a whole number, 0 or more" }));
      return;
    }
    const fits = (path: string) => system === null || path === system || path.startsWith(`${system}/`);
    const key = query.get("key");
    const orderId = query.get("orderId");
    const received = book.list(
      (entry) => fits(entry.path) && (key ?? entry.key) === entry.key && (orderId ?? entry.orderId) === entry.orderId,
      limit,
    );
    const totals = Object.fromEntries(Object.entries(book.totals()).filter(([path]) => fits(path)));
    send(response, 200, json({ totals, received }));
  }

  async function route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.method === "POST" ? PLAYED.get(request.url ?? "/") : undefined;
    if (path !== undefined) {
      await work(path, request, response);
      return;
    }
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://neighbours");
    const asked = `${request.method} ${pathname}`;
    if (asked === "GET /received") {
      list(searchParams, response);
    } else if (asked === "GET /stock") {
      send(response, 200, json(book.stock()));
    } else if (asked === "DELETE /received") {
      book.clear();
      send(response, 200, "{}");
    } else if (asked === "POST /control") {
      await control(request, response);
    } else if (asked === "GET /control") {
      send(response, 200, json({ rules: behaviour.inForce() }));
    } else if (asked === "GET /") {
      const latest = book.list(() => true, LATEST_ON_PAGE);
      send(
        response,
        200,
        renderPage(book.totals(), book.stock(), behaviour.inForce(), latest),
        "text/html; charset=utf-8",
      );
    } else {
      send(response, 404, json({ reason: `nothing is played at ${asked}` }));
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
  // Longer than any client keeps an idle connection: else a request may meet a connection that is just being closed.
  server.keepAliveTimeout = 120_000;
  server.on("close", book.close);
  return server;
}
