import type { Config } from "../config/load.ts";
import { redactUrls } from "../observability/redaction.ts";
import type { Ports } from "./listeners.ts";

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
  const http = `${config.tls.certFile === undefined ? "http" : "https"}://${host}:${ports.http}`;
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
  const body = (fields: string) => `'{"order_id": "${sampleOrderId}"${fields}}'`;
  return `
The order-status service is running.

${endpoints.map(([name = "", url, content]) => `  ${name.padEnd(12)} ${url}   (${content})`).join("\n")}

Try, in a second shell:

  npx buf curl --protocol grpc --http2-prior-knowledge \\
    -d ${body("")} http://${host}:${ports.grpc}/${service}/GetOrderStatus

  curl -H 'content-type: application/json' -H 'oms-caller: pay' \\
    -d ${body(', "status": "ORDER_STATUS_PAID", "operator": "me"')} ${http}/${service}/UpdateOrderStatus

  npx oms order explain ${sampleOrderId}          explain the order's status; npx oms --help lists all commands

  npx oms events tail          print events as they are published

  npm run demo          run 1,000 orders through their lifecycle and verify every effect

Press Ctrl-C to stop.
`;
}
