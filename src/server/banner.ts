import type { Config } from "../config/load.ts";
import { redactUrls } from "../observability/redaction.ts";
import type { Ports } from "./listeners.ts";

/** The commands work without an address for these. */
const DEFAULT_PORTS = { grpc: 50_051, http: 8_080 } as const;

/** The startup message on the terminal: the endpoints, commands to try, how to stop. */
export function banner({
  config,
  ports,
  natsUrl,
  stubSystemsUrl,
  sampleOrderId,
}: {
  readonly config: Config;
  readonly ports: Ports;
  readonly natsUrl: string;
  /** Undefined: no stub system is embedded. */
  readonly stubSystemsUrl: string | undefined;
  readonly sampleOrderId: bigint;
}): string {
  const host = config.listen.host === "0.0.0.0" ? "localhost" : config.listen.host;
  const tls = config.tls.certFile !== undefined;
  const scheme = tls ? "https" : "http";
  const http = `${scheme}://${host}:${ports.http}`;
  if (ports.grpc === undefined) {
    return `\nThe Action runner is running. Health and metrics: ${http}/readyz, ${http}/metrics. Press Ctrl-C to stop.\n`;
  }
  const endpoints = [
    ["gRPC", `${host}:${ports.grpc}`, "reflection, health"],
    ["HTTP", http, "Connect, gRPC-Web, /readyz, /metrics"],
    config.legacy.enabled && ["legacy", `${http}/services`, "legacy endpoints over HTTP and SOAP"],
    ["events", redactUrls(natsUrl), "stream OMS_EVENTS, subjects oms.v1.>"],
    stubSystemsUrl !== undefined && ["stub systems", stubSystemsUrl, "requests received by the stub systems"],
  ].filter((row) => row !== false);
  const service = "oms.orderstatus.v1.OrderStatusService";
  const authenticated = config.auth.methods.length > 0;
  const token = config.auth.methods.includes("jwt") ? ` -H "authorization: Bearer $OMS_TOKEN"` : "";
  const isDefault = ports.grpc === DEFAULT_PORTS.grpc && ports.http === DEFAULT_PORTS.http;
  const server = ports.grpc === DEFAULT_PORTS.grpc ? "" : ` --server ${host}:${ports.grpc}`;
  const oms = `npx oms${server}${tls ? " --tls-ca ca.pem" : ""}`;
  const demoPorts = isDefault ? "" : `OMS_GRPC_PORT=${ports.grpc} OMS_HTTP_PORT=${ports.http} `;
  const body = (fields: string) => `'{"order_id": "${sampleOrderId}"${fields}}'`;
  return `
The order-status service is running.

${endpoints.map(([name = "", url, content]) => `  ${name.padEnd(12)} ${url}   (${content})`).join("\n")}

Try, in a second shell:

  npx buf curl --protocol grpc ${tls ? "--cacert ca.pem" : "--http2-prior-knowledge"}${token} \\
    -d ${body("")} ${scheme}://${host}:${ports.grpc}/${service}/GetOrderStatus

  curl -H 'content-type: application/json' -H 'oms-caller: pay'${tls ? " --cacert ca.pem" : ""}${token} \\
    -d ${body(', "status": "ORDER_STATUS_PAID", "operator": "me"')} ${http}/${service}/UpdateOrderStatus

  ${oms} order explain ${sampleOrderId}          explain the order's status; npx oms --help lists all commands

  npx oms events tail          print events as they are published
${tls || authenticated ? "" : `\n  ${demoPorts}npm run demo          run 1,000 orders through their lifecycle and verify every effect\n`}
Press Ctrl-C to stop.
`;
}
