import { type LegacyMethod, type LegacyService, pathOf } from "../methods.ts";
import { schemaOf } from "./schema.ts";
import { declare, type ElementPart, printXml, type Vocabulary, vocabulary } from "./xml.ts";

const wsdl = vocabulary("wsdl", "http://schemas.xmlsoap.org/wsdl/");

/** How each version of SOAP says in a WSDL where and how it is spoken. */
const BINDINGS: readonly { readonly soap: Vocabulary; readonly binding: string; readonly port: string }[] = [
  { soap: vocabulary("soap", "http://schemas.xmlsoap.org/wsdl/soap/"), binding: "SoapBinding", port: "Port" },
  { soap: vocabulary("soap12", "http://schemas.xmlsoap.org/wsdl/soap12/"), binding: "Soap12Binding", port: "Port12" },
];

export interface WsdlOptions {
  readonly service: LegacyService;
  readonly methods: readonly LegacyMethod[];
  readonly namespace: string;
}

/**
 * A service's WSDL: one port for each version of SOAP, document/literal wrapped.
 *
 * @param address where the caller reaches the service
 */
export function printWsdl({ service, methods, namespace }: WsdlOptions, address: string): string {
  const tns = vocabulary("tns", namespace);
  const portType = service.charAt(0).toUpperCase() + service.slice(1);
  const name = `${portType}Service`;
  return printXml(
    wsdl.element(
      "definitions",
      { ...declare([wsdl, tns, ...BINDINGS.map(({ soap }) => soap)]), name, targetNamespace: namespace },
      [
        wsdl.element("types", {}, [schemaOf(methods, tns)]),
        ...methods.flatMap((method) => [messageOf(method.name), messageOf(`${method.name}Response`)]),
        wsdl.element("portType", { name: portType }, methods.map(operationOf)),
        ...BINDINGS.map(({ soap, binding }) =>
          wsdl.element("binding", { name: name + binding, type: `tns:${portType}` }, [
            soap.element("binding", { style: "document", transport: "http://schemas.xmlsoap.org/soap/http" }),
            ...methods.map((method) => boundOperation(method, soap)),
          ]),
        ),
        wsdl.element(
          "service",
          { name },
          BINDINGS.map(({ soap, binding, port }) =>
            wsdl.element("port", { binding: `tns:${name}${binding}`, name: portType + port }, [
              soap.element("address", { location: address }),
            ]),
          ),
        ),
      ],
    ),
  );
}

/** A service's schema alone. */
export function printSchema({ methods, namespace }: WsdlOptions): string {
  return printXml(schemaOf(methods, vocabulary("tns", namespace)));
}

function messageOf(name: string): ElementPart {
  return wsdl.element("message", { name }, [wsdl.element("part", { element: `tns:${name}`, name: "parameters" })]);
}

function operationOf(method: LegacyMethod): ElementPart {
  const { name, rpc } = method;
  const says = `Also at ${pathOf(method)} over HTTP. Now ${rpc.parent.typeName}/${rpc.name}.`;
  return wsdl.element("operation", { name }, [
    wsdl.element("documentation", {}, [says]),
    wsdl.element("input", { message: `tns:${name}`, name }),
    wsdl.element("output", { message: `tns:${name}Response`, name: `${name}Response` }),
  ]);
}

function boundOperation({ name }: LegacyMethod, soap: Vocabulary): ElementPart {
  const literal = () => [soap.element("body", { use: "literal" })];
  return wsdl.element("operation", { name }, [
    soap.element("operation", { soapAction: "", style: "document" }),
    wsdl.element("input", { name }, literal()),
    wsdl.element("output", { name: `${name}Response` }, literal()),
  ]);
}
