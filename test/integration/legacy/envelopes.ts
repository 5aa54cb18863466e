/** Hand-written envelopes: many tests need what no client library would send. */

export const SOAP_11 = "http://schemas.xmlsoap.org/soap/envelope/";
export const SOAP_12 = "http://www.w3.org/2003/05/soap-envelope";

/** The default namespace of the service. */
export const NAMESPACE = "http://orderstatus.oms/";

interface EnvelopeOptions {
  readonly soap?: string;
  readonly header?: string;
}

/** An envelope with this body. */
export function envelope(body: string, { soap = SOAP_11, header = "" }: EnvelopeOptions = {}): string {
  return `<s:Envelope xmlns:s="${soap}">${header}<s:Body>${body}</s:Body></s:Envelope>`;
}

/** A call's element with its parameters as XML. */
export function wrapper(method: string, parameters: string, namespace: string = NAMESPACE): string {
  return `<o:${method} xmlns:o="${namespace}">${parameters}</o:${method}>`;
}

/** A text escaped for XML. */
export const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

/** The text of escaped XML. */
export const unescaped = (xml: string): string =>
  xml.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&quot;", '"').replaceAll("&amp;", "&");
