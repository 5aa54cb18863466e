# Calls old methods over SOAP 1.1 with SOAP::Lite, Debian's libsoap-lite-perl.
#
# Reads {"wsdl": {service: url}, "version": "1.1", "calls": [{service, method, parameters}]} from its input. Prints one line of JSON for
# each call.
#
# The stubs of SOAP::Lite->service($wsdl) know RPC style alone: of a document/literal WSDL they see one parameter, the wrapper, and would
# put it within itself. So SOAP::Lite reads from the WSDL what it can, the operations with their endpoint and namespace, and the parameters
# are named here.

use strict;
use warnings;

use JSON::PP;
use SOAP::Lite;

my $json = JSON::PP->new->utf8->canonical;
my $wish = $json->decode(do { local $/; <STDIN> });

my %operations;
for my $service (keys %{ $wish->{wsdl} }) {
    my $schema = SOAP::Schema->schema_url($wish->{wsdl}{$service})->parse;
    $operations{$service} = { map { %{$_} } values %{ $schema->services } };
}

for my $wanted (@{ $wish->{calls} }) {
    my $method    = $wanted->{method};
    my $operation = $operations{ $wanted->{service} }{$method} or die "the WSDL has no $method";
    my $client    = SOAP::Lite->new(proxy => $operation->{endpoint}->value)->ns($operation->{namespace});
    $client->on_action(sub { '""' });
    # Else what is not ASCII would go as base64.
    my @parameters = map { SOAP::Data->name($_ => $wanted->{parameters}{$_})->type(typed($wanted->{parameters}{$_})) }
        sort keys %{ $wanted->{parameters} };
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
