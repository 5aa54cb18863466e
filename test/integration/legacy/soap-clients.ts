import { spawn } from "node:child_process";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { stringifyLosslessJson } from "../../../src/transport/wire/lossless-json.ts";
import { PERL, PHP, PYTHON } from "../../support/foreign-clients.ts";
import { escaped, SOAP_11, SOAP_12, unescaped } from "./envelopes.ts";
import type { LegacyRequest } from "./sample-calls.ts";

/** A call's result as the client parsed it. */
export interface ClientResult {
  readonly method: string;
  readonly answer?: string;
  readonly fault?: { readonly code: string; readonly text: string; readonly detail: Readonly<Record<string, string>> };
}

/** The types of each method's parameters. */
export type Types = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** A SOAP client that works from the WSDL at an origin. */
export interface SoapClient {
  /** Its code for a fault caused by the caller. */
  readonly callerFault: string;
  run(
    origin: string,
    calls: readonly LegacyRequest[],
  ): Promise<{ readonly types?: Types; readonly results: readonly ClientResult[] }>;
}

type Version = "1.1" | "1.2";

/** Third-party clients by name. */
export const SOAP_CLIENTS: Readonly<Record<string, SoapClient>> = {
  "zeep, SOAP 1.1": scripted(PYTHON, "call_all.py", "1.1", "soap:Client"),
  "zeep, SOAP 1.2": scripted(PYTHON, "call_all.py", "1.2", "soap:Sender"),
  "PHP, SOAP 1.1": scripted(PHP, "call-all.php", "1.1", "soap:Client"),
  "PHP, SOAP 1.2": scripted(PHP, "call-all.php", "1.2", "soap:Sender"),
  "Perl's SOAP::Lite": scripted(PERL, "call-all.pl", "1.1", "soap:Client"),
  "curl, SOAP 1.1": curl("1.1"),
  "curl, SOAP 1.2": curl("1.2"),
};

/** Runs a program; throws its error output. */
async function run(program: string, args: readonly string[], input: string): Promise<string> {
  const child = spawn(program, args, { stdio: "pipe" });
  child.stdin.end(input);
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  const [code, out, errors] = await Promise.all([ended, text(child.stdout), text(child.stderr)]);
  if (code !== 0 || errors !== "") {
    throw new Error(`${program} ${args.join(" ")} ended with ${code}: ${errors || out}`);
  }
  return out;
}

/** A client driven by a script in clients/. */
function scripted(program: string, script: string, version: Version, callerFault: string): SoapClient {
  return {
    callerFault,
    async run(origin, calls) {
      const wsdl = {
        orderStatus: `${origin}/services/orderStatus?wsdl`,
        detail: `${origin}/services/detail?wsdl`,
      };
      const input = stringifyLosslessJson({ wsdl, version, calls });
      const out = await run(program, [join(import.meta.dirname, "clients", script)], input);
      const lines = out
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line));
      const [{ types }] = lines;
      return types === undefined ? { results: lines } : { types, results: lines.slice(1) };
    },
  };
}

/** Hand-written envelopes sent with curl. */
function curl(version: Version): SoapClient {
  const is11 = version === "1.1";
  const envelope = is11 ? SOAP_11 : SOAP_12;
  const type = is11 ? "text/xml" : "application/soap+xml";
  return {
    callerFault: is11 ? "soap:Client" : "soap:Sender",
    async run(origin, calls) {
      const results: ClientResult[] = [];
      for (const { service, method, parameters } of calls) {
        const wsdl = await run("curl", ["-sS", `${origin}/services/${service}?WSDL`], "");
        const endpoint = inAttribute(wsdl, is11 ? "soap:address" : "soap12:address", "location");
        const namespace = inAttribute(wsdl, "wsdl:definitions", "targetNamespace");
        const elements = Object.entries(parameters).map(
          ([name, value]) => `<${name}>${escaped(String(value))}</${name}>`,
        );
        const body = `<e:Envelope xmlns:e="${envelope}"><e:Body>
          <o:${method} xmlns:o="${namespace}">${elements.join("")}</o:${method}></e:Body></e:Envelope>`;
        const headers = ["-H", `content-type: ${type}; charset=utf-8`];
        results.push(read(method, await run("curl", ["-sS", ...headers, "--data-binary", "@-", endpoint], body)));
      }
      return { results };
    },
  };
}

function read(method: string, answer: string): ClientResult {
  if (!answer.includes("<soap:Fault>")) {
    return { method, answer: inElement(answer, "return") };
  }
  const is11 = answer.includes("<faultcode>");
  const code = inElement(answer, is11 ? "faultcode" : "soap:Value");
  const message = inElement(answer, is11 ? "faultstring" : "soap:Text");
  const detail = Object.fromEntries(
    ["code", "callId", "reason"].map((name) => [name, inElement(answer, `ns2:${name}`)]),
  );
  return { method, fault: { code, text: message, detail } };
}

function inAttribute(xml: string, element: string, name: string): string {
  return unescaped(new RegExp(`<${element} [^>]*?${name}="([^"]*)"`).exec(xml)?.[1] ?? "");
}

function inElement(xml: string, element: string): string {
  return unescaped(new RegExp(`<${element}(?: [^>]*)?>([^<]*)</${element}>`).exec(xml)?.[1] ?? "");
}
