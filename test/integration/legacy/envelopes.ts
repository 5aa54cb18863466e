/** Envelopes written by hand, as what is to be tested is often what no client would write. */

export const SOAP_11 = "http://schemas.xmlsoap.org/soap/envelope/";
export const SOAP_12 = "http://www.w3.org/2003/05/soap-envelope";

/** The namespace that the service has where nobody sets one. */
export const NAMESPACE = "http://orderstatus.oms/";

interface EnvelopeOptions {
  readonly soap?: string;
  readonly header?: string;
}

/** An envelope around what a Body holds. */
export function envelope(body: string, { soap = SOAP_11, header = "" }: EnvelopeOptions = {}): string {
  return `<s:Envelope xmlns:s="${soap}">${header}<s:Body>${body}</s:Body></s:Envelope>`;
}

/** A call's element, with its parameters as XML. */
export function wrapper(method: string, parameters: string, namespace: string = NAMESPACE): string {
  return `<o:${method} xmlns:o="${namespace}">${parameters}</o:${method}>`;
}

/** A text as it stands in XML. */
export const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

/** What a text in XML stands for. */
export const unescaped = (xml: string): string =>
  xml.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&quot;", '"').replaceAll("&amp;", "&");
