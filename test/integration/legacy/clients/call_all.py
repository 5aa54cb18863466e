"""Calls legacy methods over SOAP with zeep, Debian's python3-zeep.

Reads {"wsdl": {service: url}, "version": "1.1" or "1.2", "calls": [{service, method, parameters}]}
from standard input. Prints a line of JSON with the parameters' types by the WSDL, then one per
call.
"""

import json
import sys

import zeep


def port_of(client, version):
    """The WSDL's port for a version of SOAP, by the class of its binding."""
    wanted = {"1.1": zeep.wsdl.bindings.Soap11Binding, "1.2": zeep.wsdl.bindings.Soap12Binding}[version]
    [(service, port)] = [
        (service.name, name)
        for service in client.wsdl.services.values()
        for name, port in service.ports.items()
        if isinstance(port.binding, wanted)
    ]
    return client.bind(service, port)


def types_of(client):
    """The parameters of all operations by the WSDL."""
    binding = next(iter(client.wsdl.bindings.values()))
    return {
        name: {parameter: element.type.name for parameter, element in operation.input.body.type.elements}
        for name, operation in binding.all().items()
    }


def call(port, method, parameters):
    try:
        return {"method": method, "answer": port[method](**parameters)}
    except zeep.exceptions.Fault as fault:
        detail = {} if fault.detail is None else {child.tag: child.text for child in fault.detail}
        return {"method": method, "fault": {"code": fault.code, "text": fault.message, "detail": detail}}


def main():
    wanted = json.load(sys.stdin)
    clients = {service: zeep.Client(url) for service, url in wanted["wsdl"].items()}
    ports = {service: port_of(client, wanted["version"]) for service, client in clients.items()}
    types = {name: types for client in clients.values() for name, types in types_of(client).items()}
    print(json.dumps({"types": types}))
    for request in wanted["calls"]:
        print(json.dumps(call(ports[request["service"]], request["method"], request["parameters"])))


main()
