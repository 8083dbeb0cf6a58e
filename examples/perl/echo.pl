#!/usr/bin/env perl
# The echo node in plain Perl, for the real clock.
#
#     cargo kolk test -w echo --bin examples/perl/echo.pl --node-count 1 --time-limit 10
use strict;
use warnings;
use JSON::PP;

$| = 1;    # Every line goes out at once.
my $json = JSON::PP->new->canonical;
my $name;

sub reply {
    my ($request, $body) = @_;
    $body->{in_reply_to} = $request->{body}{msg_id};
    print $json->encode({ src => $name, dest => $request->{src}, body => $body }), "\n";
}

while (my $line = <STDIN>) {
    my $message = $json->decode($line);
    my $body    = $message->{body};
    my $type    = $body->{type};
    if ($type eq 'init') {
        $name = $body->{node_id};
        reply($message, { type => 'init_ok' });
    }
    elsif ($type eq 'echo') {
        reply($message, { type => 'echo_ok', echo => $body->{echo} });
    }
    elsif (defined $body->{msg_id}) {
        reply($message, { type => 'error', code => 10, text => "unknown type $type" });
    }
}
