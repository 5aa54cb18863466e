<?php

/*
 * Calls legacy methods over SOAP with PHP's own client, Debian's php-soap.
 *
 * Reads {"wsdl": {service: url}, "version": "1.1" or "1.2", "calls": [{service, method,
 * parameters}]} from standard input. Prints a line of JSON with the parameters' types by the WSDL,
 * then one per call.
 */

$input = json_decode(file_get_contents('php://stdin'));
$options = [
    'soap_version' => $input->version === '1.2' ? SOAP_1_2 : SOAP_1_1,
    'cache_wsdl' => WSDL_CACHE_NONE,
    'exceptions' => true,
];

function printLine(array $line): void
{
    echo json_encode($line, JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES | JSON_THROW_ON_ERROR), "\n";
}

/**
 * The parameters of all operations; __getTypes() returns each message as
 * "struct cancelOrder {\n long orderId;\n string operator;\n}".
 */
function typesOf(SoapClient $client): array
{
    $types = [];
    foreach ($client->__getTypes() as $struct) {
        preg_match('/^struct (\w+) \{/', $struct, $name);
        preg_match_all('/^ (\w+) (\w+);$/m', $struct, $fields, PREG_SET_ORDER);
        if (!str_ends_with($name[1], 'Response')) {
            $types[$name[1]] = (object) array_column($fields, 1, 2);
        }
    }
    return $types;
}

$clients = [];
$types = [];
foreach ($input->wsdl as $service => $url) {
    $clients[$service] = new SoapClient($url, $options);
    $types += typesOf($clients[$service]);
}
printLine(['types' => $types]);
foreach ($input->calls as $call) {
    try {
        $answer = $clients[$call->service]->__soapCall($call->method, [$call->parameters]);
        printLine(['method' => $call->method, 'answer' => $answer->return]);
    } catch (SoapFault $fault) {
        $result = ['code' => $fault->faultcode, 'text' => $fault->getMessage(), 'detail' => $fault->detail ?? []];
        printLine(['method' => $call->method, 'fault' => $result]);
    }
}
