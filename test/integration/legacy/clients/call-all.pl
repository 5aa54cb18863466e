# Calls legacy methods over SOAP 1.1 with SOAP::Lite, Debian's libsoap-lite-perl.
#
# Reads {"wsdl": {service: url}, "version": "1.1", "calls": [{service, method, parameters}]} from
# standard input. Prints a line of JSON per call.
#
# The stubs of SOAP::Lite->service($wsdl) support RPC style only: of a document/literal WSDL they
# read one parameter, the wrapper, and would nest it in itself. So SOAP::Lite reads only the
# operations with their endpoints and namespaces from the WSDL, and this script names the parameters.

use strict;
use warnings;

use JSON::PP;
use SOAP::Lite;

my $json = JSON::PP->new->utf8->canonical;
my $input = $json->decode(do { local $/; <STDIN> });

my %operations;
for my $service (keys %{ $input->{wsdl} }) {
    my $schema = SOAP::Schema->schema_url($input->{wsdl}{$service})->parse;
    $operations{$service} = { map { %{$_} } values %{ $schema->services } };
}

for my $call (@{ $input->{calls} }) {
    my $method    = $call->{method};
    my $operation = $operations{ $call->{service} }{$method} or die "the WSDL has no $method";
    my $client    = SOAP::Lite->new(proxy => $operation->{endpoint}->value)->ns($operation->{namespace});
    $client->on_action(sub { '""' });
    # Otherwise text that is not ASCII is sent as base64.
    my @parameters = map { SOAP::Data->name($_ => $call->{parameters}{$_})->type(typed($call->{parameters}{$_})) }
        sort keys %{ $call->{parameters} };
    my $answer = $client->call($method, @parameters);
    if ($answer->fault) {
        my $fault = { code => $answer->faultcode, text => $answer->faultstring, detail => $answer->faultdetail };
        print $json->encode({ method => $method, fault => $fault }), "\n";
    }
    else {
        print $json->encode({ method => $method, answer => $answer->result }), "\n";
    }
}

sub typed { $_[0] =~ /^-?\d+\z/ ? 'long' : 'string' }
