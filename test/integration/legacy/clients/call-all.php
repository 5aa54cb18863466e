<?php

/*
 * Calls old methods over SOAP with PHP's own client, Debian's php-soap.
 *
 * Reads {"wsdl": {service: url}, "version": "1.1" or "1.2", "calls": [{service, method, parameters}]} from its input. Prints one line of
 * JSON with the parameters' types as the WSDL tells them, then one for each call.
 */

$wish = json_decode(file_get_contents('php://stdin'));
$options = [
    'soap_version' => $wish->version === '1.2' ? SOAP_1_2 : SOAP_1_1,
    'cache_wsdl' => WSDL_CACHE_NONE,
    'exceptions' => true,
];

function say(array $line): void
{
    echo json_encode($line, JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES | JSON_THROW_ON_ERROR), "\n";
}

/** The parameters of all operations: __getTypes() has each message as "struct cancelOrder {\n long orderId;\n string operator;\n}". */
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
foreach ($wish->wsdl as $service => $url) {
    $clients[$service] = new SoapClient($url, $options);
    $types += typesOf($clients[$service]);
}
say(['types' => $types]);
foreach ($wish->calls as $wanted) {
    try {
        $answer = $clients[$wanted->service]->__soapCall($wanted->method, [$wanted->parameters]);
        say(['method' => $wanted->method, 'answer' => $answer->return]);
    } catch (SoapFault $fault) {
        $told = ['code' => $fault->faultcode, 'text' => $fault->getMessage(), 'detail' => $fault->detail ?? []];
        say(['method' => $wanted->method, 'fault' => $told]);
    }
}
