import type { Config } from "../config/load.ts";
import { redactUrls } from "../observability/redact-url.ts";
import type { Embedded } from "./endpoints.ts";
import type { Ports } from "./listeners.ts";

/** What a person at a terminal sees when the service is up: where it is, what to try, how to stop. */
export function banner(
  config: Config,
  ports: Ports,
  { stubSystemsUrl }: Embedded,
  natsUrl: string,
  sampleOrderId: bigint,
): string {
  const host = config.listen.host === "0.0.0.0" ? "localhost" : config.listen.host;
  const http = `${config.tls.certFile === undefined ? "http" : "https"}://${host}:${ports.http}`;
  if (ports.grpc === undefined) {
    return `\nThe Actions run. Health and metrics: ${http}/readyz, ${http}/metrics. Ctrl-C stops.\n`;
  }
  const service = "oms.orderstatus.v1.OrderStatusService";
  const body = (fields: string) => `'{"order_id": "${sampleOrderId}"${fields}}'`;
  return `
The order-status service is up.

  gRPC         ${host}:${ports.grpc}   (reflection, health)
  HTTP         ${http}   (Connect, gRPC-Web, /readyz, /metrics)${
    config.legacy.enabled ? `\n  old          ${http}/services   (the old system's addresses, over HTTP and SOAP)` : ""
  }
  events       ${redactUrls(natsUrl)}   (stream OMS_EVENTS, subjects oms.v1.>)${
    stubSystemsUrl === undefined
      ? ""
      : `\n  neighbours   ${stubSystemsUrl}   (what e-invoice mail, finance and messages got)`
  }

Try, in a second shell:

  npx buf curl --protocol grpc --http2-prior-knowledge \\
    -d ${body("")} http://${host}:${ports.grpc}/${service}/GetOrderStatus

  curl -H 'content-type: application/json' -H 'oms-caller: pay' \\
    -d ${body(', "status": "ORDER_STATUS_PAID", "operator": "me"')} ${http}/${service}/UpdateOrderStatus

  npx oms order explain ${sampleOrderId}          what it waits for; npx oms --help lists the rest

  npx oms events tail          each event as it comes

  npm run demo          takes 1,000 orders through their lives and counts every effect

Stop with Ctrl-C.
`;
}
