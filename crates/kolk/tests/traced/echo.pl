#!/usr/bin/env perl
# Answers each echo after a pause that is drawn: one at a time.
use strict;
use warnings;
use JSON::PP;
use Time::HiRes qw(sleep);
$| = 1;
my $json = JSON::PP->new->canonical;
my $name;
while (my $line = <STDIN>) {
    my $message = $json->decode($line);
    my $body    = $message->{body};
    my $answer  = { in_reply_to => $body->{msg_id} };
    if ($body->{type} eq 'init') {
        $name = $body->{node_id};
        $answer->{type} = 'init_ok';
    }
    else {
        sleep 0.02 * rand;
        @$answer{qw(type echo)} = ('echo_ok', $body->{echo});
    }
    print $json->encode({ src => $name, dest => $message->{src}, body => $answer }), "\n";
}
